"""Preview and import CSV files with django-import-export; run by the Python that has it."""

import csv
import json
import sys
import time

import django
from django.conf import settings

given = json.load(sys.stdin)
settings.configure(
    INSTALLED_APPS=["import_export"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": given["host"],
            "PORT": given["port"],
            "USER": given["user"],
            "PASSWORD": given["password"],
            "NAME": given["dbname"],
        }
    },
    IMPORT_EXPORT_USE_TRANSACTIONS=True,
    USE_TZ=True,
)
django.setup()

import tablib  # noqa: E402
from django.db import models  # noqa: E402
from django.db.models.functions import Now  # noqa: E402
from import_export import resources  # noqa: E402

FIELDS = (
    "merchant_id", "code", "serial", "sku", "points",
    "sku_name", "batch_code", "price", "window_start", "window_end",
)  # fmt: skip
AT_ONCE = 1000


class Code(models.Model):
    """A row of public.codes, as far as the import writes it."""

    id = models.BigAutoField(primary_key=True)
    merchant_id = models.UUIDField()
    code = models.TextField()
    serial = models.TextField(null=True)
    sku = models.TextField(null=True)
    points = models.IntegerField(null=True)
    sku_name = models.TextField(null=True)
    batch_code = models.TextField(null=True)
    price = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    window_start = models.DateField(null=True)
    window_end = models.DateField(null=True)
    activated = models.BooleanField(default=False)
    deactivated = models.BooleanField(default=False)
    claimed = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        """The table is there already."""

        managed = False
        app_label = "import_export"
        db_table = "codes"


class Codes(resources.ModelResource):
    """The import: what exists is left alone, and so is what was in the same file before."""

    class Meta:
        """The settings that the documentation names for speed."""

        model = Code
        fields = FIELDS
        import_id_fields = ("code", "merchant_id")
        use_bulk = True
        batch_size = AT_ONCE
        skip_diff = True
        skip_html_diff = True
        report_skipped = False
        force_init_instance = given["own_lookup"]

    def before_import(self, dataset, **kwargs):
        """Look up which keys are in the table, many at a time."""
        self.seen = set()
        if given["own_lookup"]:
            codes = dataset["code"]
            for first in range(0, len(codes), AT_ONCE):
                found = Code.objects.filter(code__in=codes[first : first + AT_ONCE])
                pairs = found.values_list("code", "merchant_id")
                self.seen.update((code, str(merchant)) for code, merchant in pairs)

    def skip_row(self, instance, original, row, import_validation_errors=None):
        """Whether a row is to be left out: not one with errors, they are to be told."""
        if import_validation_errors:
            return False
        key = (instance.code, str(instance.merchant_id))
        if instance.pk is not None or key in self.seen:
            return True
        self.seen.add(key)
        return False


def read(file):
    """Return a file as a dataset."""
    data = tablib.Dataset(headers=file["columns"])
    with open(file["path"], encoding="utf-8-sig", newline="") as text:  # noqa: PTH123
        text.readline()
        for record in csv.reader(text, delimiter=file["delimiter"], strict=True):
            data.append(record)
    return data


def go_through(dry_run):
    """Import or preview all files; return the seconds and the errors."""
    begin, errors = time.perf_counter(), []
    for file in given["files"]:
        result = Codes().import_data(read(file), dry_run=dry_run, raise_errors=False)
        if result.has_errors() or result.has_validation_errors():
            first = [*result.base_errors, *(e for _, found in result.row_errors() for e in found)]
            errors.append(str(first[0].error) if first else "invalid rows")
    return time.perf_counter() - begin, errors


preview, _ = go_through(dry_run=True)
imported, errors = go_through(dry_run=False)
print(json.dumps({"preview": preview, "import": imported, "errors": errors}))
