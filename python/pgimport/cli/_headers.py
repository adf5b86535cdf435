"""What ``pgimport headers`` finds out about files, before anything is loaded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from pgimport import importer
from pgimport.cli._output import plain
from pgimport.client import Client
from pgimport.readers import ReadOptions


def check_headers(
    client: Client,
    target: str,
    paths: Sequence[str],
    *,
    read: ReadOptions | None = None,
    constants: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Return one object a file: columns, rows, delimiter, encoding, sheet, status and verdict.

    ``status`` is ok, missing_required or unreadable; ``verdict`` says it for people. Columns in
    ``constants`` are given for the whole job and need not be in the files.
    """
    found = []
    for report in importer.check_headers(client.conn, target, paths, read=read):
        file: dict[str, Any] = plain(asdict(report))
        missing = [name for name in file["missing_required"] if name not in constants]
        if file["status"] == "missing_required":
            file["missing_required"] = missing
            file["status"] = "missing_required" if missing else "ok"
        if file["status"] == "ok":
            file["verdict"] = "ok"
            file["message"] = None
        elif missing:
            file["verdict"] = "missing column " + ", ".join(missing)
        else:
            hint = f" ({file['hint']})" if file["hint"] else ""
            file["verdict"] = f"{file['message']}{hint}"
        found.append(file)
    return found
