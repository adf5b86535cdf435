"""Reading input files: a path in, a header and blocks or rows out. No database in here."""

from pgimport.readers.dispatch import Contents, Head, read_any_head, read_contents, row_reader
from pgimport.readers.formats import find_format
from pgimport.readers.head import FileHead, find_delimiter, read_head, read_options
from pgimport.readers.json_records import JsonHead, JsonReader, read_json_head
from pgimport.readers.options import ReadOptions
from pgimport.readers.paths import display_names, expand_paths
from pgimport.readers.position import Changed, Position
from pgimport.readers.rows import BadRow, RowReader
from pgimport.readers.scan import CopyReader, FileScan, Unfit, scan_file
from pgimport.readers.source import Source
from pgimport.readers.split import split_record
from pgimport.readers.table import TableHead, TableReader, count_table, read_table_head

__all__ = [
    "BadRow",
    "Changed",
    "Contents",
    "CopyReader",
    "FileHead",
    "FileScan",
    "Head",
    "JsonHead",
    "JsonReader",
    "Position",
    "ReadOptions",
    "RowReader",
    "Source",
    "TableHead",
    "TableReader",
    "Unfit",
    "count_table",
    "display_names",
    "expand_paths",
    "find_delimiter",
    "find_format",
    "read_any_head",
    "read_contents",
    "read_head",
    "read_json_head",
    "read_options",
    "read_table_head",
    "row_reader",
    "scan_file",
    "split_record",
]
