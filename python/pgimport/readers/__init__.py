"""Reading input files: a path in, a header and blocks or rows out. No database in here."""

from pgimport.readers.head import FileHead, find_delimiter, read_head
from pgimport.readers.paths import display_names, expand_paths
from pgimport.readers.rows import BadRow, RowReader, split_record
from pgimport.readers.scan import CopyReader, FileScan, Unfit, scan_file
from pgimport.readers.source import Source

__all__ = [
    "BadRow",
    "CopyReader",
    "FileHead",
    "FileScan",
    "RowReader",
    "Source",
    "Unfit",
    "display_names",
    "expand_paths",
    "find_delimiter",
    "read_head",
    "scan_file",
    "split_record",
]
