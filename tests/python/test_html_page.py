"""HTML reports as pages: words, colours, policy and drawings, of made-up jobs."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from _html import LANGUAGES, Page, checked, history, jobs, schemes, story
from pgimport import html_report
from pgimport.html_report import _data, _flows, _style, _words
from pgimport.html_report._format import Language
from pgimport.html_report._page import policy
from pgimport.html_report._sankey import LEAST

# ------------------------------------------------------------------------------------------- words


def test_both_languages_have_the_same_words_with_the_same_places_for_values() -> None:
    english, french = _words.WORDS["en"], _words.WORDS["fr"]
    assert english.keys() == french.keys()
    for key, text in english.items():
        assert ("|" in text) == ("|" in french[key]), key
        both = [set(re.findall(r"\{\w+\}", words)) for words in (text, french[key])]
        # "the one record" may leave out its number
        assert both[0] ^ both[1] <= {"{n}"}, key


def test_every_word_is_used_and_every_issue_of_the_database_has_one() -> None:
    root = Path(html_report.__file__).parent
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in root.glob("*.py")
        if not path.name.startswith("_words_")
    )
    made = (
        "proof_", "event_", "status_", "lead_", "fate_", "means_", "issue_", "file_", "policy_",
        "phase_", "how_", "duplicate_", "figure_", "outcome_", "filter_", "row_", "rows_by_",
        "jobs_by_", "sum_", "keep_",
    )  # fmt: skip
    unused = [
        key
        for key in _words.WORDS["en"]
        if not re.search(f"[\"']{key}[\"']", source) and not key.startswith(made)
    ]
    assert unused == []
    messages = Path(__file__).parents[2] / "functions" / "10_text" / "_issue_message.sql"
    codes = set(re.findall(r"WHEN '(\w+)'", messages.read_text(encoding="utf-8")))
    assert codes <= set(_words.ISSUE_CODES)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "en",
            ["1,234,567", "<\xa00.1%", "50.0%", ">\xa099.9%",
             "1.2\xa0MB", "3\xa0min\xa005\xa0s"],
        ),
        (
            "fr",
            ["1\u202f234\u202f567", "<\xa00,1\u202f%", "50,0\u202f%", ">\xa099,9\u202f%",
             "1,2\xa0Mo", "3\xa0min\xa005\xa0s"],
        ),
    ],
)  # fmt: skip
def test_numbers_are_written_as_the_language_does(name: str, shown: list[str]) -> None:
    language = Language(name, _words.WORDS[name])
    assert [
        language.number(1234567),
        language.share(1, 1_000_000),
        language.share(1, 2),
        language.share(999_999, 1_000_000),
        language.size(1_234_567),
        language.duration(184.9),
    ] == shown


def test_times_have_their_zone_and_are_those_of_the_zone_that_was_asked_for() -> None:
    paris = Language("fr", _words.WORDS["fr"], ZoneInfo("Europe/Paris"))
    made = paris.moment("2026-07-01T12:00:00+00:00")
    assert made is not None
    assert Page(made).text == "1\xa0juil.\xa02026, 14:00:00\xa0CEST"
    assert 'datetime="2026-07-01T14:00:00+02:00"' in made
    assert "UTC" in str(Language("en", _words.WORDS["en"]).moment("2026-07-01T12:00:00+00:00"))
    assert str(paris.moment("infinity")) == "<span>infinity</span>"


# --------------------------------------------------------------------------------- colours, policy


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_measure_is_that_of_wcag() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_words_have_a_contrast_of_4_5_and_shapes_of_3_by_day_and_by_night() -> None:
    for scheme in schemes():
        for words in ("ink", "soft", "link"):
            for ground in ("paper", "panel", "mark"):
                assert contrast(scheme[words], scheme[ground]) >= 4.5, (words, ground)
        for shape in _style.SHAPES:
            assert contrast(scheme[shape], scheme["paper"]) >= 3, shape


def test_colours_are_used_by_name_only() -> None:
    rules = re.sub(r":root\{[^}]*\}", "", _style.CSS)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", rules) == []
    assert set(re.findall(r"var\(--(\w+)\)", rules)) == set(_style.COLOURS)


def test_the_policy_allows_the_one_style_sheet_and_nothing_else() -> None:
    text = history(jobs(1))
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    allowed = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    assert allowed == [policy()]
    assert f"style-src 'sha256-{digest}'" in allowed[0]
    assert "default-src 'none'" in allowed[0]
    assert "unsafe" not in allowed[0]
    # before anything it is to rule
    assert text.index("Content-Security-Policy") < text.index("<style>")


# ---------------------------------------------------------------------------------------- drawings


def test_widths_of_flows_are_true_and_tiny_ones_are_seen_and_said() -> None:
    counts = {
        "total_rows": 1_000_000, "invalid_rows": 3, "internal_duplicates": 0,
        "database_duplicates": 250_000, "both_duplicates": 0, "clean_rows": 749_997,
        "rows_inserted": 749_997, "rows_updated": 0, "rows_unchanged": 0,
        "rows_skipped": 250_000, "rows_rejected": 3,
    }  # fmt: skip
    files = [{"file_no": 1, "file_name": "a.csv", "status": "staged", "rows_staged": 1_000_000}]
    made = story("completed", counts, files)
    text = html_report._job_page(Language("en", _words.WORDS["en"]), made)
    page = checked(text)
    wide = text[text.index('class="wide" viewBox') : text.index('class="narrow" viewBox')]
    heights = {
        colour: float(height)
        for height, colour in re.findall(r'<rect [^>]*height="([\d.]+)" class="(\w+)">', wide)
    }
    assert heights["inserted"] / heights["duplicate"] == pytest.approx(749_997 / 250_000, rel=0.01)
    assert heights["rejected"] == LEAST
    assert "drawn a little thicker" in page.text
    for drawn in [attrs for attrs in page.all("svg") if attrs.get("role") == "img"][:2]:
        assert drawn["aria-labelledby"]
        assert drawn["aria-describedby"]
    # the same numbers are in the table
    assert page.row("Inserted")[1] == "749,997"


def test_many_files_are_put_together_in_the_drawing() -> None:
    files = [
        {"file_no": n, "file_name": f"{n}.csv", "status": "staged", "rows_staged": 10}
        for n in range(1, 64)
    ]
    assert _flows.sources_of(files) == ([_flows.Flow("all", 630)], 63)
    files[5]["rows_staged"] = 5000
    shown, others = _flows.sources_of(files)
    assert (len(shown), others) == (8, 56)
    assert sum(flow.rows for flow in shown) == 62 * 10 + 5000
    assert max(shown, key=lambda flow: flow.rows).label == "6.csv"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", [key[7:] for key in _words.WORDS["en"] if key[:7] == "status_"])
def test_every_state_has_words_even_where_nothing_is_known(status: str, language: str) -> None:
    words = Language(language, _words.WORDS[language])
    page = checked(html_report._job_page(words, story(status, {}, [])))
    assert words.say(f"status_{status}") in page.texts


def test_a_state_an_event_or_a_code_of_a_newer_version_is_shown_as_it_is() -> None:
    made = story("dreaming", {"total_rows": 1}, [{"file_no": 1, "status": "woven"}])
    made.events.append({"event": "slept_well", "happened_at": "2026-01-01T00:00:00+00:00"})
    page = checked(html_report._job_page(Language("en", _words.WORDS["en"]), made))
    assert "dreaming" in page.text
    assert "slept well" in page.text


def test_what_retention_has_removed_is_said() -> None:
    made = story("completed", {"total_rows": 5, "invalid_rows": 3, "clean_rows": 2}, [])
    made.job["warnings"] = ["issues found before 2026-01-01 were removed by retention"]
    made.events.append({"event": "events_removed", "happened_at": "-infinity", "started_at": None})
    page = checked(html_report._job_page(Language("fr", _words.WORDS["fr"]), made))
    assert "issues found before 2026-01-01 were removed by retention" in page.text
    assert "3 lignes ont été rejetées" in page.text
    assert "retirées par la rétention" in page.text


def test_filters_of_a_history_are_said() -> None:
    filters = {"target": "t", "status": ["failed", "staged"], "deleted": False, "new_one": 1}
    words = Language("en", _words.WORDS["en"])
    page = checked(html_report._history_page(words, _data.History(jobs(2), filters)))
    said = "target t, state failed / staged, deleted no, new_one 1."
    assert f"Only jobs with {said}" in page.text


def test_counts_that_do_not_add_up_are_said() -> None:
    counts = {
        "total_rows": 10, "invalid_rows": 0, "internal_duplicates": 0, "database_duplicates": 0,
        "both_duplicates": 0, "clean_rows": 10, "rows_inserted": 7, "rows_updated": 0,
        "rows_skipped": 0, "rows_rejected": 0,
    }  # fmt: skip
    files = [{"file_no": 1, "file_name": "a", "status": "staged", "rows_staged": 10}]
    page = checked(
        html_report._job_page(Language("en", _words.WORDS["en"]), story("completed", counts, files))
    )
    assert page.row("Unaccounted for")[1] == "3"
    assert "does not hold" in page.texts


# ----------------------------------------------------------------------------------------- history


@pytest.mark.parametrize("language", LANGUAGES)
def test_thousands_of_jobs_are_a_small_file_and_all_are_counted(language: str) -> None:
    text = history(jobs(5000), language)
    page = checked(text)
    assert len(text.encode()) < 600_000
    number = Language(language, {}).number
    assert number(5000) in page.text
    done = sum(job["rows_inserted"] is not None for job in jobs(5000))
    assert number(done * 950) in page.text
    anchors = {attrs["id"] for attrs in page.all("tr") if attrs.get("id")}
    assert len(anchors) == 500
    links = [str(attrs["href"]) for attrs in page.all("a") if "job-" in str(attrs["href"])]
    assert links
    assert {link.lstrip("#") for link in links} <= anchors


@pytest.mark.parametrize(("days", "word"), [(1, "day"), (30, "day"), (200, "week"), (900, "month")])
def test_the_span_decides_whether_days_weeks_or_months_are_drawn(days: int, word: str) -> None:
    page = checked(history(jobs(60, days)))
    assert f"Rows written, by {word}" in page.texts
