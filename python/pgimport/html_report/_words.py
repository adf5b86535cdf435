"""The words of the reports: one table a language, with the same keys.

"one|many" is chosen by the number ``n``. What is in {braces} is filled in.
"""

from __future__ import annotations

from pgimport.html_report._words_en import ENGLISH
from pgimport.html_report._words_fr import FRENCH

WORDS = {"en": ENGLISH, "fr": FRENCH}
LANGUAGES = tuple(WORDS)

# words of the issue codes that the database itself knows; others are shown as they are
ISSUE_CODES = tuple(key.removeprefix("issue_") for key in ENGLISH if key.startswith("issue_"))
