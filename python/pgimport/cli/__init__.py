"""The command ``pgimport``: files in, numbers out; it decides nothing that the functions decide."""

from pgimport.cli._main import main, run

__all__ = ["main", "run"]
