"""Errors of pgimport: one class for each SQLSTATE class, each with code, detail and hint.

The database raises; Python only gives what it raised a type. PostgreSQL's own errors (42501,
55P03, 40P01 …) pass untouched as psycopg's exceptions.
"""

from __future__ import annotations

from typing import Any


class PgImportError(Exception):
    """Base of every error of pgimport.

    Attributes:
        code: SQLSTATE of class PI, for instance ``PI102``.
        detail: facts, or None.
        hint: what to do or type next, or None.
        result: what the function returned, where it refused by ``success: false``; else None.

    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "PI000",
        detail: str | None = None,
        hint: str | None = None,
        result: Any = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.detail = detail
        self.hint = hint
        self.result = result

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class ArgumentError(PgImportError):
    """PI0xx: an argument or an option is missing, unknown or of the wrong type."""


class JobStateError(PgImportError):
    """PI1xx: the job does not exist, or its status does not allow this."""


class JobStopped(JobStateError):  # noqa: N818 - a name of the API
    """PI106: what ran was stopped by cancel_job(): the job is cancelled, or rows of it stay."""


class TargetError(PgImportError):
    """PI2xx: target, column or mapping."""


class StagingError(PgImportError):
    """PI3xx: staging and files."""


class FileError(StagingError):
    """PI307: a file that cannot be read as it stands; found before or while it is read."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "PI307",
        detail: str | None = None,
        hint: str | None = None,
        result: Any = None,
    ) -> None:
        # The name of a file may hold bytes that are not text.
        message = message.encode("utf-8", "backslashreplace").decode()
        super().__init__(message, code=code, detail=detail, hint=hint, result=result)


class InsertFailed(PgImportError):  # noqa: N818 - a name of the API
    """PI4xx: the insert was refused or undone; the target is as it was."""


class RollbackRefused(PgImportError):  # noqa: N818 - a name of the API
    """PI5xx: the rollback of a job was refused; nothing was changed."""


class RightsError(PgImportError):
    """PI6xx: a right or a limit of pgimport's own."""


class InstallError(PgImportError):
    """PI9xx: pgimport is not installed, or not as this client needs it."""


class Interrupted(PgImportError):  # noqa: N818 - a name of the API
    """The import was interrupted, by the user or by a lost connection; the job can be resumed.

    Attributes:
        job_id: the job to resume, or None when none was created yet.

    """

    def __init__(self, job_id: str | None, message: str = "interrupted") -> None:
        super().__init__(message, code="PI000", hint="run the import again with this job id")
        self.job_id = job_id

    def __str__(self) -> str:
        return self.message


_CLASSES: dict[str, type[PgImportError]] = {
    "0": ArgumentError,
    "1": JobStateError,
    "2": TargetError,
    "3": StagingError,
    "4": InsertFailed,
    "5": RollbackRefused,
    "6": RightsError,
    "9": InstallError,
}


def error_class(code: str) -> type[PgImportError]:
    """Return the class of errors a PI code belongs to."""
    if code == "PI307":
        return FileError
    if code == "PI106":
        return JobStopped
    return _CLASSES.get(code[2:3], PgImportError)


def from_database(error: BaseException) -> PgImportError | None:
    """Return the error of pgimport that a psycopg exception stands for, or None.

    psycopg has no class of its own for class PI and gives ProgrammingError: the SQLSTATE tells.
    """
    code = getattr(error, "sqlstate", None)
    if not isinstance(code, str) or not code.startswith("PI"):
        return None
    diag = getattr(error, "diag", None)
    return error_class(code)(
        getattr(diag, "message_primary", None) or str(error),
        code=code,
        detail=getattr(diag, "message_detail", None),
        hint=getattr(diag, "message_hint", None),
    )


def from_result(result: Any) -> PgImportError:
    """Return the error a result with ``success: false`` stands for; it carries the result."""
    raw = getattr(result, "raw", result)
    code = raw.get("code") or "PI000"
    details = raw.get("details") or {}
    state = details.get("sqlstate")
    return error_class(code)(
        raw.get("message") or "refused",
        code=code,
        detail=f"SQLSTATE {state}" if state else None,
        hint=raw.get("hint"),
        result=result,
    )
