"""Which encodings a text that is not UTF-8 may be in: a ranked list for a person to choose from.

Nothing is ever decoded by what stands here; the list goes into a hint. Each encoding of a short
list reads the words of the file, and its reading is judged: letters that are common in the
languages it is used for, capitals where capitals stand, signs where signs stand, one script a
word. Detectors that were tried (charset-normalizer) judge by the mess in a whole text; in a table
of a few accents among ASCII they put cp1250 before cp1252 for French.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from pgimport.readers.encoding import codec_name

# the more usual first: where two are equally plausible, this is their order
_SHORT_LIST = (
    "cp1252", "iso-8859-15", "mac_roman", "cp850", "cp437",
    "cp1250", "iso-8859-2", "cp852", "cp1254", "cp1257",
    "cp1251", "koi8-r", "cp866", "cp1253", "cp1255", "cp1256",
    "cp932", "euc_jp", "gb18030", "big5", "cp949",
)  # fmt: skip
_EAST_ASIAN = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
_MAX_FAILING = 0.1  # of the words: some may be damaged

_COMMON = frozenset("éèêëàâçîïôöùûüäßñáíóúãõåœąćęłńśźżčěňřšůžășțşţğı")
_LESS_COMMON = frozenset("øæÿďťýőűľĺŕđòì")
_QUIET = frozenset("€£°\u2019\u2018“”«»\u2013—…§½¼¾²³\u00a0©®™×·•±¨\u00b4")
_AFTER_LETTER = frozenset("ªº")
_BEFORE_LETTER = frozenset("¿¡")
_SCRIPTS = (
    "LATIN",
    "CYRILLIC",
    "GREEK",
    "HEBREW",
    "ARABIC",
    "HANGUL",
    "HIRAGANA",
    "KATAKANA",
    "CJK",
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An encoding, how plausible its reading is, and how it reads the first word."""

    encoding: str
    score: float
    word: str


def candidates(words: Sequence[bytes]) -> list[Candidate]:
    """Return the encodings in which these words are text, the most plausible first."""
    found = []
    for encoding in _SHORT_LIST:
        codec = codec_name(encoding)
        readings = []
        for word in words:
            try:
                readings.append(word.decode(codec))
            except UnicodeDecodeError:
                continue
        missing = len(words) - len(readings)
        if not readings or missing > _MAX_FAILING * len(words):
            continue
        score = sum(_plausible(reading, encoding) for reading in readings) - 5 * missing
        first = words[0].decode(codec, "replace")
        found.append(Candidate(encoding, score, first))
    return sorted(found, key=lambda item: -item.score)  # stable


def readings(words: Sequence[bytes], most: int = 3) -> tuple[str, str]:
    """Return how the first word would read in the likely encodings, and the likeliest of these.

    For instance ``"café" in cp1252 or iso-8859-15, "cafÈ" in mac_roman``; empty if in none.
    """
    by_word: dict[str, list[str]] = {}
    for item in candidates(words):
        if item.word.isprintable() or item.word.replace("\u00a0", "").isprintable():
            by_word.setdefault(item.word, []).append(item.encoding)
    parts = [
        f'"{word}" in {" or ".join(names[:3])}' for word, names in list(by_word.items())[:most]
    ]
    best = next(iter(by_word.values()), [""])[0]
    return ", ".join(parts), best


def _plausible(word: str, encoding: str) -> float:
    """Return how much a word looks like one."""
    score = 0.0
    for place, char in enumerate(word):
        if char.isascii():
            continue
        before = word[place - 1] if place else ""
        after = word[place + 1] if place + 1 < len(word) else ""
        if char.isalpha() and char not in _AFTER_LETTER:
            score += _letter(char, before, after, encoding)
        elif char in _BEFORE_LETTER:
            score += 3.5 if not before.isalnum() and after.isalpha() else -3
        elif char in _AFTER_LETTER:
            score += 1 if before and not after.isalpha() else -3
        elif char in _QUIET or unicodedata.category(char) in ("Po", "Ps", "Pe"):
            inside = before.isalpha() and after.isalpha() and char != "\u2019"
            score += -3 if inside else 1
        else:
            score -= 4
    return score


def _letter(char: str, before: str, after: str, encoding: str) -> float:
    script = _script(char)
    for beside in (before, after):
        if beside.isalpha() and not _together(script, _script(beside)):
            return -4
    if script == "LATIN":
        if encoding in _EAST_ASIAN:
            return -2
    elif script in ("HIRAGANA", "KATAKANA", "CJK", "HANGUL"):
        return _east_asian(char, script, encoding)
    if char.isupper():
        if before.islower():
            return -4
        score = 1.5
    else:
        score = -3.0 if before.isupper() and after.isupper() else 2.0
    if before.isdigit() or after.isdigit():
        score -= 3
    if script != "LATIN":
        return score + 2 - 3 * (script == "CYRILLIC" and not "\u0430" <= char.lower() <= "\u0451")
    small = char.lower()
    score += 1.5 if small in _COMMON else 0.5 if small in _LESS_COMMON else -1.5
    # accented letters stand among plain ones
    return score - 2 * (not before.isascii() and not after.isascii())


def _east_asian(char: str, script: str, encoding: str) -> float:
    if char >= "\uf900":  # half-width forms, compatibility forms
        return -2
    lead, trail = char.encode(codec_name(encoding), "replace")[:2].ljust(2, b"\0")
    if script == "HANGUL":
        usual = encoding == "cp949" and lead >= 0xB0 and trail >= 0xA1
        return 8.5 if usual else -2
    if script in ("HIRAGANA", "KATAKANA"):
        return 8.5 if encoding in ("cp932", "euc_jp") else -2
    if encoding == "cp949":
        return -3
    common = {
        "gb18030": 0xB0 <= lead <= 0xD7 and trail >= 0xA1,
        "big5": 0xA4 <= lead <= 0xC6,
        "euc_jp": 0xB0 <= lead <= 0xCF,
        "cp932": 0x88 <= lead <= 0x97,
    }[encoding]
    if not common:
        return -2
    return 5 if encoding == "euc_jp" else 8


def _script(char: str) -> str:
    name = unicodedata.name(char, "")
    return next((script for script in _SCRIPTS if script in name), "")


def _together(script: str, other: str) -> bool:
    """Whether letters of two scripts stand in one word; Japanese has three of them."""
    japanese = ("HIRAGANA", "KATAKANA", "CJK")
    return script == other or (script in japanese and other in japanese)
