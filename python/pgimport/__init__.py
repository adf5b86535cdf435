"""Bulk import into PostgreSQL with preview, proof and rollback."""

from pgimport._stager import FileResult
from pgimport.aio import AsyncClient
from pgimport.client import Client
from pgimport.errors import (
    ArgumentError,
    FileError,
    InsertFailed,
    InstallError,
    Interrupted,
    JobStateError,
    JobStopped,
    PgImportError,
    RightsError,
    RollbackRefused,
    StagingError,
    TargetError,
)
from pgimport.exports import export_report
from pgimport.fixer import fix_file
from pgimport.importer import (
    HeaderReport,
    ImportResult,
    Progress,
    StageResult,
    check_headers,
    import_files,
    stage_files,
)
from pgimport.readers.options import ReadOptions
from pgimport.worker import Worker, WorkerEvent

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "AsyncClient",
    "Client",
    "FileError",
    "FileResult",
    "HeaderReport",
    "ImportResult",
    "InsertFailed",
    "InstallError",
    "Interrupted",
    "JobStateError",
    "JobStopped",
    "PgImportError",
    "Progress",
    "ReadOptions",
    "RightsError",
    "RollbackRefused",
    "StageResult",
    "StagingError",
    "TargetError",
    "Worker",
    "WorkerEvent",
    "__version__",
    "check_headers",
    "export_report",
    "fix_file",
    "import_files",
    "stage_files",
]
