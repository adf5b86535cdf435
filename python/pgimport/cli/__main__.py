"""``python -m pgimport.cli``: the same command."""

from pgimport.cli import main

main()
