"""examples/codes: the table, the target, the generator, and the six functions of the old system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgimport import demo_codes
from pgimport._assemble import assemble
from pgimport.demo import example_file

MERCHANT = demo_codes.MERCHANTS[0]
OTHER = demo_codes.MERCHANTS[1]


@pytest.fixture
def codes(empty_dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """A database with the example in it."""
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        for text in (
            example_file("schema.sql"),
            assemble(),
            example_file("target.sql"),
            example_file("compat.sql"),
        ):
            connection.execute(text.encode())
        yield connection


def one(connection: psycopg.Connection[Any], sql: str, *values: Any) -> Any:
    row = connection.execute(sql, values).fetchone()
    assert row is not None
    return row[0]


def stage(connection: psycopg.Connection[Any], merchant: str, rows: list[str]) -> str:
    """Stage rows "code,points" as a script of the old system would."""
    job = one(
        connection,
        "SELECT pgimport.create_job('codes', jsonb_build_object('tenant', %s::text,"
        " 'constants', jsonb_build_object('merchant_id', %s::text))) ->> 'job_id'",
        merchant,
        merchant,
    )
    opened = one(connection, "SELECT pgimport.stage_file(%s, 'a.csv', '{code,points}', '{}')", job)
    with connection.cursor() as cursor, cursor.copy(opened["copy_sql"]) as copy:
        copy.write("code,points\n" + "".join(f"{row}\n" for row in rows))
    connection.execute(
        "SELECT pgimport.finish_file(%s, %s, %s, '{}')", [job, opened["file_no"], len(rows)]
    )
    return str(job)


def test_the_six_functions_lead_from_staging_to_rollback(
    codes: psycopg.Connection[Any],
) -> None:
    codes.execute(
        "INSERT INTO public.codes (merchant_id, code) VALUES (%s, 'OLD'), (%s, 'OTHER')",
        [MERCHANT, OTHER],
    )
    job = stage(codes, MERCHANT, ["A,1", "B,2", "A,3", "OLD,4", "OTHER,5", "C,none"])

    marked = one(codes, "SELECT mark_duplicates_in_temp(%s)", MERCHANT)
    assert {
        name: marked[name]
        for name in ("total_rows", "internal_duplicates", "database_duplicates", "clean_count")
    } == {
        "total_rows": 6,
        "internal_duplicates": 1,
        "database_duplicates": 1,
        "clean_count": 3,
    }
    again = one(codes, "SELECT mark_duplicates_in_temp(%s)", MERCHANT)
    assert again["clean_count"] == 3

    codes.execute("INSERT INTO public.codes (merchant_id, code) VALUES (%s, 'B')", [MERCHANT])
    validated = one(codes, "SELECT validate_clean_codes_for_insert(%s)", MERCHANT)
    assert validated["valid"] is False
    assert validated["validation_errors"] == 1
    assert [error["code"] for error in validated["errors"]] == ["bad_integer"]
    assert validated["new_database_duplicates"] == 1
    assert validated["total_clean"] == 2

    inserted = one(codes, "SELECT insert_clean_codes_to_production(%s, 'summer')", MERCHANT)
    assert inserted["success"] is True
    assert inserted["job_id"] == job
    assert (inserted["expected_count"], inserted["inserted_count"]) == (2, 2)
    assert one(codes, "SELECT source_info FROM pgimport.job") == "summer"

    verified = one(codes, "SELECT verify_import_job(%s)", job)
    assert (verified["expected_count"], verified["actual_count"]) == (2, 2)
    assert verified["verified"] is True

    duplicates = codes.execute(
        "SELECT row_number, code, is_internal_duplicate, is_database_duplicate, status"
        " FROM get_duplicate_report(%s) ORDER BY row_number",
        [MERCHANT],
    ).fetchall()
    assert duplicates == [
        (2, "B", False, True, "DATABASE_DUPLICATE"),
        (3, "A", True, False, "INTERNAL_DUPLICATE"),
        (4, "OLD", False, True, "DATABASE_DUPLICATE"),
    ]

    undone = one(codes, "SELECT rollback_import_job(%s)", job)
    assert (undone["inserted_count"], undone["deleted_count"]) == (2, 2)
    assert one(codes, "SELECT count(*) FROM public.codes") == 3


def test_a_merchant_without_an_import_is_told_so(codes: psycopg.Connection[Any]) -> None:
    stage(codes, MERCHANT, ["A,1"])
    with pytest.raises(psycopg.errors.NoDataFound, match="has no such import"):
        codes.execute("SELECT mark_duplicates_in_temp(%s)", [OTHER])


def test_the_generator_writes_the_same_bytes_every_time(tmp_path: Path) -> None:
    shape = demo_codes.shape(5_000)
    for name in ("first", "second"):
        demo_codes.generate(tmp_path / name, shape)
    for path in sorted((tmp_path / "first").iterdir()):
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


@pytest.mark.parametrize("rows", [5_000, 12_345, 40_000])
def test_the_generator_says_what_a_recount_finds(tmp_path: Path, rows: int) -> None:
    shape = demo_codes.shape(rows)
    said = asdict(demo_codes.generate(tmp_path, shape))
    found = asdict(demo_codes.recount(tmp_path, demo_codes.existing_keys(shape)))
    assert len(found.pop("issue_lines")) == sum(said["issues"].values())
    said.pop("issue_lines")
    assert found == said
    assert found["records"] == rows


def test_tidy_files_hold_nothing_but_good_records(tmp_path: Path) -> None:
    shape = demo_codes.shape(6_000, tidy=True)
    said = asdict(demo_codes.generate(tmp_path, shape))
    found = asdict(demo_codes.recount(tmp_path, demo_codes.existing_keys(shape)))
    assert found == said
    assert (found["records"], found["clean_rows"]) == (6_000, shape.clean)
    assert (found["refused"], found["invalid_rows"], found["issues"]) == (0, 0, {})
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv"}


def test_the_proportions_are_those_of_the_reference_run() -> None:
    shape = demo_codes.shape(demo_codes.REFERENCE_ROWS)
    assert shape.existing == 5_356_971
    assert (shape.internal, shape.database, shape.both) == (310_312, 4_302_241, 37)
    assert shape.clean == 10_907_894 - shape.dirty


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        demo_codes.shape(10)
