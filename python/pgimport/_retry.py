"""Which failures pass by themselves, and how long that is waited for."""

from __future__ import annotations

import random

import psycopg

from pgimport.errors import PgImportError, from_database

RETRIES = 3
_FIRST_WAIT = 1.0
_LONGEST_WAIT = 30.0
# lost connections, a server that stops or starts, no connection left, deadlocks and the like
_CLASSES = ("08", "57P", "40")
_CODES = ("53300",)


def is_temporary(error: BaseException) -> bool:
    """Whether the same call may succeed a moment later, on another connection.

    A lost connection does not tell whether the last call was done; every call may be repeated.
    """
    if isinstance(error, PgImportError):
        # a crash of the server emptied the staging: the files are staged again
        return getattr(error.result, "status", None) == "staging_lost"
    if not isinstance(error, psycopg.Error) or from_database(error) is not None:
        return False
    code = error.sqlstate
    if code is None:
        return isinstance(error, psycopg.OperationalError)
    return code.startswith(_CLASSES) or code in _CODES


def waiting_time(attempt: int) -> float:
    """Return the seconds to wait before attempt 1, 2 … is made again: longer each time."""
    wait = min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT)
    return float(wait) * random.uniform(0.75, 1.25)  # noqa: S311 - that not all come at once
