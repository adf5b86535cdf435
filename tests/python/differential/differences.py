"""Where pgimport differs from INSERT on purpose: everything of this kind stands here, with why.

- Blanks around a value are dropped (rule ``trim``, on by default), an empty text is null for types
  other than text: files have blanks and empty fields where people mean nothing. ``effective``.
- An empty text in a text column that is required counts as missing. ``effective``.
- A null in a NOT NULL column that has a default takes the default. ``oracle``.
- Words such as oui, faux or x are booleans: people write them. Not generated.
- Numbers and errors of spreadsheets (``1.23E+15``, ``#N/A``, ``######``) in text columns are
  refused: they stand for a value that is lost. Not generated.
- Dates that can be read in several ways (``01/02/03``) are refused. Not generated.
- What depends on the moment (``now``, ``today``) is not generated.
- A row may refer to any clean row of the same job, also to a later one: the job is one statement,
  not many. The oracle judges references to the table itself when all rows are in.
- Which class a row has that is a duplicate by its key and wrong in another way, too, is not
  compared: an INSERT tells the first violation only.
- Constraints that look at the whole row or at a system column are not judged, and a warning says
  so; the insert finds them. Nor is a constraint on a number that a sequence will give. Not
  generated.
- Numbers drawn from sequences are not compared: a refused INSERT draws one as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BLANKS = " \t\r\n"
_BOOLEAN_WORDS = frozenset(["oui", "non", "vrai", "faux", "o", "x", "j", "ja", "nein", "si", "sí"])
_DAMAGE = re.compile(r"#|[+-]?[0-9]+([.,][0-9]+)?[eE][+-]?[0-9]+")
_AMBIGUOUS_DATE = re.compile(r"[0-9]{1,2}[./ -][0-9]{1,2}[./ -][0-9]{1,4}")
_MOMENT = re.compile(r"now|today|tomorrow|yesterday|allballs", re.IGNORECASE)


@dataclass(frozen=True)
class Missing:
    """A value that pgimport says is missing though INSERT would take the empty text."""


MISSING = Missing()


def is_excluded(family: str, text: str) -> bool:
    """Whether pgimport judges this text otherwise than INSERT on purpose."""
    stripped = text.strip(BLANKS)
    if family == "boolean":
        return stripped.lower() in _BOOLEAN_WORDS
    if family == "text":
        return bool(_DAMAGE.search(stripped))
    if family == "time":
        return bool(_AMBIGUOUS_DATE.search(stripped) or _MOMENT.search(stripped))
    return False


def effective(
    text: str | None, *, trim: bool, is_text: bool, required: bool
) -> str | Missing | None:
    """What pgimport means to write for the text of a file."""
    if text is None:
        return None
    if trim:
        text = text.strip(BLANKS)
    if text == "" and not is_text:
        return None
    if text == "" and required:
        return MISSING
    return text
