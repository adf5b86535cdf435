"""The words of the reports: one table a language, with the same keys.

"one|many" is chosen by the number ``n``. What is in {braces} is filled in.
"""

from __future__ import annotations

from pgimport.html_report._words_en import ENGLISH
from pgimport.html_report._words_fr import FRENCH


def _spaced(text: str) -> str:
    """Put the spaces that French has before its signs: no line breaks there."""
    for sign in ";!?":
        text = text.replace(f" {sign}", f"\N{NARROW NO-BREAK SPACE}{sign}")
    return text.replace(" :", "\N{NO-BREAK SPACE}:")


WORDS = {"en": ENGLISH, "fr": {key: _spaced(text) for key, text in FRENCH.items()}}
LANGUAGES = tuple(WORDS)

# words of the issue codes that the database itself knows; others are shown as they are
ISSUE_CODES = tuple(key.removeprefix("issue_") for key in ENGLISH if key.startswith("issue_"))
