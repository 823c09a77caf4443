"""Tables for the terminal."""

import io

import pytest
from rich.console import Console

from redactor.model import Verdict
from redactor.report import Tally, codes_table, pictures_table, row, summary_table, verdict_text


def shown(table, width=100):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(table)
    return console.file.getvalue()


def test_a_picture_is_told_in_one_line(a_row, a_code):
    entry = a_row(
        "a.png", "redacted", a_code(), a_code(), a_code("4006381333931", "ean13", action="allow")
    )

    line = shown(pictures_table([entry])).splitlines()[-2]

    assert " ".join(line.split()) == "a.png ■ redacted 2 QR codes, 1 EAN-13 1 allowed, 2 pixelated"


@pytest.mark.parametrize(
    ("verdict", "fields", "words"),
    [
        ("quarantined", {"reasons": ("no whole picture",)}, "no whole picture"),
        ("clean", {}, "nothing to do"),
        ("flagged", {"held": True}, "1 pixelated; held back"),
        ("redacted", {"dry_run": True}, "1 pixelated"),
    ],
)
def test_what_was_done_is_said_in_words(a_row, a_code, verdict, fields, words):
    codes = () if verdict == "clean" else (a_code(),)

    assert words in shown(pictures_table([a_row("a.png", verdict, *codes, **fields)]))


def test_foreign_text_is_neither_markup_nor_control(a_row, a_code, a_result):
    name = "[red]x[/red]\x1b[2J\u202e:smile:\n.png"
    entry = a_row(name, "redacted", a_code())

    for table in (pictures_table([entry]), codes_table([entry])):
        assert r"[red]x[/red]\x1b[2J\u202e:smile:\n.png" in shown(table, width=160)


def test_codes_are_listed_with_as_much_content_as_the_row_tells(a_row, a_code):
    text = shown(codes_table([a_row("a", "redacted", a_code(), a_code(None), a_code("x" * 9))]))

    assert "hxxps://example[.]com/…" in text
    assert "secret" not in text
    assert "seen, not read" in text
    assert "text of 9 characters" in text


def test_a_summary_counts_every_verdict_and_action(a_row, a_code):
    rows = [a_row("a", "redacted", a_code(), a_code(action="fill")), a_row("b", "clean")]

    text = shown(summary_table(Tally.of(rows)))

    for verdict in Verdict:
        assert verdict in text
    assert "2 codes: 1 pixelated, 1 filled" in text


def test_what_was_not_written_is_not_passed_over(a_row, a_code):
    lost = {**a_row("a.png", "redacted", a_code()), "error": "a.png: exists already"}

    assert "not read or written" in shown(summary_table(Tally.of([lost])))
    assert "not read or written" not in shown(summary_table(Tally.of([a_row("b.png", "redacted")])))


def test_a_picture_that_nobody_could_look_at_is_not_said_to_have_no_codes(a_row):
    assert "not known" in shown(pictures_table([a_row("a", "quarantined")]))
    assert "none" in shown(pictures_table([a_row("a", "clean")]))


def test_quarantined_codes_are_counted_but_not_as_done(a_row, a_code):
    tally = Tally.of(
        [a_row("a", "quarantined", a_code(None)), a_row("b", "allowed", a_code(action="allow"))]
    )

    assert tally.codes == 2
    assert tally.unread == 1
    assert dict(tally.actions) == {"allow": 1}


def test_time_is_summed_by_stage(a_result):
    rows = [row(a_result("a", seconds={"detect": 0.5})), row(a_result("b", seconds={"detect": 1}))]

    assert Tally.of(rows).seconds == {"detect": 1.5}


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_is_told_by_symbol_and_word_besides_colour(verdict):
    text = verdict_text(verdict)

    assert text.plain.endswith(f" {verdict}")
    assert len(text.plain) == len(verdict) + 2


def test_codes_of_pictures_that_are_held_back_are_not_counted_as_done(a_row, a_code):
    tally = Tally.of([a_row("a", "flagged", a_code(), held=True), a_row("b", "redacted", a_code())])

    text = " ".join(shown(summary_table(tally)).split())
    assert "⚑ held back 1 of these; not written" in text
    assert "2 codes: 1 pixelated all" not in text
    assert text.endswith("2 codes: 1 pixelated, 1 in pictures that were not written")
    assert "would be: 1 pixelated; held back" in shown(
        pictures_table([a_row("a", "flagged", a_code(), held=True)])
    )


def test_sums_and_rows_agree_on_what_goes_with_a_thumbnail(a_row, a_code):
    entry = a_row("a", "redacted", a_code(), a_code())
    entry = {**entry, "frames": ["picture", "thumbnail"]}
    entry["codes"][1]["frame"] = 1

    assert "1 pixelated, 1 removed with the thumbnail" in shown(pictures_table([entry]), 160)
    summed = shown(summary_table(Tally.of([entry])), 160)
    assert "2 codes: 1 pixelated, 1 removed with a further picture of the file" in summed
