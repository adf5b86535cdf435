"""What is documented is what is there: error codes, functions, versions, the names of files."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pgimport import _assemble, errors

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"\bPI[0-9]{3}\b")
# in Python alone: faults that never reached the database
PYTHON_ONLY = {"PI000"}


def sources() -> dict[Path, str]:
    """The text of everything that can raise an error of class PI."""
    paths = [
        *_assemble.function_files(ROOT),
        *(ROOT / "schema").glob("*.sql"),
        *(ROOT / "python" / "pgimport").rglob("*.py"),
    ]
    return {path: path.read_text(encoding="utf-8") for path in paths}


def code_only(path: Path, text: str) -> str:
    """The text of a source without its comments."""
    return re.sub(r"--.*", "", text) if path.suffix == ".sql" else text


def documented() -> set[str]:
    """The codes that have a row of their own in docs/errors.md."""
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `?(PI[0-9]{3})`? \|", text, re.MULTILINE))


def test_every_code_that_is_raised_is_documented() -> None:
    raised = {code for path, text in sources().items() for code in CODE.findall(text)}
    assert sorted(raised - documented() - PYTHON_ONLY) == []


def test_every_code_that_is_documented_is_raised() -> None:
    raised = {
        code for path, text in sources().items() for code in CODE.findall(code_only(path, text))
    }
    assert sorted(documented() - raised) == []


def test_every_error_has_a_code_a_message_and_a_hint() -> None:
    for path, text in sources().items():
        for raised in re.findall(r"RAISE EXCEPTION(.*?);\n", code_only(path, text), re.DOTALL):
            if path.suffix == ".sql":
                missing = [word for word in ("ERRCODE", "MESSAGE", "HINT") if word not in raised]
                assert not missing, (path.name, raised)


def test_every_documented_code_has_a_class_of_error() -> None:
    for code in documented():
        assert errors.error_class(code) is not errors.PgImportError, code


def test_every_file_of_a_function_holds_the_function_of_its_name() -> None:
    for path in _assemble.function_files(ROOT):
        text = path.read_text(encoding="utf-8")
        made = rf"CREATE OR REPLACE (FUNCTION|PROCEDURE) pgimport\.{path.stem}\("
        assert re.search(made, text), path.name
        assert text.startswith("-- "), path.name
        public = re.findall(r"CREATE OR REPLACE FUNCTION pgimport\.([a-z]\w*)\(", text)
        assert public in ([], [path.stem]), path.name


def test_the_list_of_functions_is_the_one_in_the_database(
    installed_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import functions_md  # noqa: PLC0415

    conn: psycopg.Connection[Any]
    with psycopg.connect(installed_dsn) as conn:
        text = functions_md.render(conn, ROOT / "functions")
    sys.modules.pop("functions_md")
    written = (ROOT / "docs" / "functions.md").read_text(encoding="utf-8")
    assert written == text, "make docs"


def public_functions() -> list[str]:
    return [path.stem for path in _assemble.function_files(ROOT) if not path.stem.startswith("_")]


def test_every_public_function_has_a_test_in_sql() -> None:
    texts = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "sql").rglob("*.*sql")
    )
    untested = [name for name in public_functions() if f"pgimport.{name}(" not in texts]
    assert untested == []


def test_every_code_has_a_test() -> None:
    """Codes of the database only: PI905 would need a server that is too old."""
    raised = {
        code
        for path, text in sources().items()
        if path.suffix == ".sql"
        for code in CODE.findall(code_only(path, text))
    }
    texts = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "tests").rglob("*.*")
        if path.suffix in {".sql", ".psql", ".py"} and path != Path(__file__)
    )
    assert sorted(code for code in raised - {"PI905"} if code not in texts) == []


def test_every_public_function_is_in_the_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert [name for name in public_functions() if f"`{name}`" not in text] == []


def test_one_version_everywhere() -> None:
    version = _assemble.package_version()
    control = (ROOT / "pgimport.control").read_text(encoding="utf-8")
    assert f"default_version = '{version}'" in control
    function = (ROOT / "functions" / "90_admin" / "version.sql").read_text(encoding="utf-8")
    assert f"RETURN '{version}'::text;" in function
    assert f"## {version} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_lint_of_bodies_finds_an_unpinned_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import check_functions  # noqa: PLC0415

    cancel = (ROOT / "functions" / "30_job" / "cancel_job.sql").read_text(encoding="utf-8")
    assert check_functions.check_paths(cancel) == []
    unpinned = cancel.replace("SET search_path = pg_catalog, pg_temp\n", "")
    assert any("search_path" in finding for finding in check_functions.check_paths(unpinned))
    assert check_functions.check_files() == []
