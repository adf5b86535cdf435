"""Reading input files: a path in, a header and blocks or rows out. No database in here."""

from pgimport.readers.paths import display_names, expand_paths
from pgimport.readers.rows import BadRow, RowReader, split_record
from pgimport.readers.scan import FileScan, copy_blocks, find_delimiter, scan_file
from pgimport.readers.source import Source

__all__ = [
    "BadRow",
    "FileScan",
    "RowReader",
    "Source",
    "copy_blocks",
    "display_names",
    "expand_paths",
    "find_delimiter",
    "scan_file",
    "split_record",
]
