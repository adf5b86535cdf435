"""The tables of the model test: each kind is a schema with one target, or two that are related."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from model import BAD, Cells, Column, Table

Pool = tuple[tuple[str, str], ...]


def plain(*values: str) -> Pool:
    """Values that the table shows as the file says them."""
    return tuple((value, value) for value in values)


KEYS = plain("1", "2", "3", "4", "5")
INT8: Pool = (*plain("0", "7", "-9223372036854775808"), ("007", "7"), ("9223372036854775808", BAD))
NUMERIC: Pool = (*plain("0", "1", "1.0", "1.00", "NaN", "-2.50"), ("-0", "0"), ("1,5", BAD))
FLOAT8: Pool = (*plain("0", "-0", "NaN", "Infinity", "0.1"), ("1e3", "1000"), ("1e999", BAD))
TEXT: Pool = (*plain("", "a", "A", "é", "null", '"', "a,b\nc", "\\N"), (" a ", "a"))
JSONB: Pool = (
    *plain("null", "1", "1.0", "{}", '{"a": null}'),
    ('{"b":1, "a":[1,2],"b":2}', '{"a": [1, 2], "b": 2}'),
    ("{", BAD),
)
ARRAY: Pool = (*plain("{}", "{a,NULL}", '{a,"NULL"}', '{"a b",""}'), ("{ x , y }", "{x,y}"))
ARRAY += (("{a", BAD),)
BYTEA: Pool = (*plain("\\x", "\\x00ff"), ("\\xAB", "\\xab"), ("\\xzz", BAD))
BOOL: Pool = (("oui", "true"), ("f", "false"), ("true", "true"), ("peut-être", BAD))
STAMP: Pool = (
    *plain("infinity", "2024-02-29 23:59:59.999999+00"),
    ("2024-01-02 03:04:05+02", "2024-01-02 01:04:05+00"),
    ("2023-02-29", BAD),
)


def number(value: str) -> str:
    """Compare numbers whatever their scale."""
    return str(Decimal(value).normalize())


@dataclass(frozen=True)
class Kind:
    """Tables in a schema of their own."""

    name: str
    tables: tuple[Table, ...]
    #: run before the tables are made
    prelude: str = ""
    #: a role other than the owner runs the jobs
    other_role: bool = False


def key(name: str = "k", pool: Pool = KEYS, kind: str = "bigint") -> Column:
    """Make a column of a key."""
    return Column(name, kind, pool, not_null=True)


PLAIN = Kind(
    "plain",
    (
        Table(
            "t",
            (
                key(),
                Column("a", "text", TEXT, is_text=True),
                Column("n", "numeric", NUMERIC, "fill_blank"),
                Column("f", "float8", FLOAT8),
                Column("j", "jsonb", JSONB),
                Column("s", "timestamptz", STAMP, "keep"),
            ),
            ("k",),
            "CREATE TABLE {schema}.t (k bigint PRIMARY KEY, a text, n numeric, f float8, j jsonb,"
            " s timestamptz)",
        ),
    ),
)

IDENTITY = Kind(
    "identity",
    (
        Table(
            "t",
            (
                key("code", plain("a", "A", "b", "B", "c"), "text"),
                Column("b", "bytea", BYTEA),
                Column("l", "text[]", ARRAY, "fill_blank"),
                Column("ok", "boolean", BOOL, not_null=True, default="false"),
                Column("a", "text", TEXT, "fill_blank", is_text=True),
            ),
            ("code",),
            "CREATE TABLE {schema}.t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " code text NOT NULL UNIQUE, b bytea, l text[], ok boolean NOT NULL DEFAULT false,"
            " a text)",
            given=("id",),
        ),
    ),
)


def total(cells: Cells) -> Cells:
    """Compute the total of an order."""
    quantity, price = cells.get("q"), cells.get("p")
    if quantity is None or price is None:
        return {"total": None}
    return {"total": str(int(quantity) * Decimal(price))}


GENERATED = Kind(
    "generated",
    (
        Table(
            "t",
            (
                key(),
                Column("q", "bigint", (*plain("0", "3", "-7"), ("x", BAD)), not_null=True),
                Column("p", "numeric(10,2)", (*plain("0.10", "1.00"), ("2", "2.00"))),
                Column("s", "timestamptz", STAMP),
            ),
            ("k",),
            "CREATE TABLE {schema}.t (k bigint PRIMARY KEY, q bigint NOT NULL, p numeric(10,2),"
            " s timestamptz, total numeric GENERATED ALWAYS AS (q * p) STORED)",
            computed=total,
        ),
    ),
)

PARTITIONED = Kind(
    "partitioned",
    (
        Table(
            "t",
            (
                key("region", plain("east", "west", "north"), "text"),
                key("k", plain("1", "2", "3")),
                Column("f", "float8", FLOAT8),
                Column("b", "bytea", BYTEA, "fill_blank"),
            ),
            ("region", "k"),
            "CREATE TABLE {schema}.t (region text, k bigint, f float8, b bytea,"
            " PRIMARY KEY (region, k)) PARTITION BY LIST (region); "
            "CREATE TABLE {schema}.t_east PARTITION OF {schema}.t FOR VALUES IN ('east'); "
            "CREATE TABLE {schema}.t_west (b bytea, k bigint NOT NULL, gone text, f float8,"
            " region text NOT NULL, PRIMARY KEY (region, k)); "
            "ALTER TABLE {schema}.t_west DROP COLUMN gone; "
            "ALTER TABLE {schema}.t ATTACH PARTITION {schema}.t_west FOR VALUES IN ('west'); "
            "CREATE TABLE {schema}.t_rest PARTITION OF {schema}.t DEFAULT",
        ),
    ),
)

FAMILY = Kind(
    "family",
    (
        Table(
            "t",
            (key(pool=plain("1", "2", "3")), Column("a", "text", TEXT, is_text=True)),
            ("k",),
            "CREATE TABLE {schema}.t (k bigint PRIMARY KEY, a text)",
        ),
        Table(
            "child",
            (
                key("c", plain("1", "2", "3", "4")),
                Column(
                    "k", "bigint", (*plain("1", "2", "3"),), on_update="keep", parent=("t", "k")
                ),
                Column("a", "text", TEXT, is_text=True),
            ),
            ("c",),
            "CREATE TABLE {schema}.child (c bigint PRIMARY KEY, k bigint REFERENCES {schema}.t,"
            " a text)",
        ),
    ),
)

COMPOSITE = Kind(
    "composite",
    (
        Table(
            "t",
            (
                Column(
                    "code", "public.citext", plain("a", "A", "é", "b"), not_null=True,
                    is_text=True, alike=str.lower,
                ),
                Column("part", "numeric", plain("1", "1.0", "NaN", "2"), alike=number),
                Column("f", "float8", FLOAT8),
                Column("l", "text[]", ARRAY),
                Column("a", "public.citext", TEXT, "fill_blank", is_text=True),
            ),
            ("code", "part"),
            "CREATE TABLE {schema}.t (code public.citext NOT NULL, part numeric, f float8,"
            " l text[], a public.citext, UNIQUE NULLS NOT DISTINCT (code, part))",
        ),
    ),
    prelude="CREATE EXTENSION IF NOT EXISTS citext SCHEMA public",
)  # fmt: skip


def tidied(cells: Cells, clock: str) -> Cells:
    """Do what the trigger does."""
    name = cells["a"]
    return {"a": None if name is None else name.strip(" ").lower(), "at": clock}


TRIGGER = Kind(
    "trigger",
    (
        Table(
            "t",
            (
                key(),
                Column("a", "text", (*plain("", "a", "b c"), ("A", "A"), ("É", "É")), is_text=True),
                Column("n", "numeric", NUMERIC),
            ),
            ("k",),
            "CREATE TABLE {schema}.t (k bigint PRIMARY KEY, a text, n numeric, at timestamptz); "
            "CREATE FUNCTION {schema}.tidy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
            "new.a := lower(btrim(new.a)); new.at := current_setting(''model.clock'')::timestamptz;"
            " RETURN new; END'; "
            "CREATE TRIGGER tidy BEFORE INSERT OR UPDATE ON {schema}.t FOR EACH ROW "
            "EXECUTE FUNCTION {schema}.tidy()",
            trigger=tidied,
            own=("at",),
        ),
    ),
)

SECURED = Kind(
    "secured",
    (
        Table(
            "t",
            (
                key(pool=plain("1", "2", "3")),
                Column("mine", "boolean", (("t", "true"), ("f", "false")), not_null=True,
                       default="true"),
                Column("a", "text", TEXT, is_text=True),
                Column("n", "numeric", NUMERIC),
            ),
            ("k",),
            "CREATE TABLE {schema}.t (k bigint PRIMARY KEY, mine boolean NOT NULL DEFAULT true,"
            " a text, n numeric); "
            "ALTER TABLE {schema}.t ENABLE ROW LEVEL SECURITY; "
            "CREATE POLICY mine ON {schema}.t USING (mine)",
            visible=lambda cells: cells["mine"] == "true",
        ),
    ),
    other_role=True,
)  # fmt: skip

SOFT = Kind(
    "soft",
    (
        Table(
            "t",
            (
                key(pool=plain("1", "2", "3")),
                Column("a", "text", TEXT, is_text=True),
                Column("n", "numeric", NUMERIC, "fill_blank"),
            ),
            ("k",),
            "CREATE TABLE {schema}.t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " k bigint NOT NULL, a text, n numeric, deleted timestamptz); "
            "CREATE UNIQUE INDEX ON {schema}.t (k) WHERE deleted IS NULL; "
            "CREATE INDEX ON {schema}.t (k)",
            options={"soft_delete": "deleted"},
            given=("id",),
            soft="deleted",
        ),
    ),
)

NULLS = Kind(
    "nulls",
    (
        Table(
            "t",
            (
                key("code", plain("a", "b", "c"), "text"),
                Column("part", "integer", plain("1")),
                Column("a", "text", plain("x", "y"), is_text=True),
            ),
            ("code", "part"),
            "CREATE TABLE {schema}.t (code text NOT NULL, part integer, a text,"
            " UNIQUE (code, part))",
            equal_nulls=False,
        ),
    ),
)

KINDS = (
    PLAIN,
    IDENTITY,
    GENERATED,
    PARTITIONED,
    FAMILY,
    COMPOSITE,
    NULLS,
    TRIGGER,
    SECURED,
    SOFT,
)
