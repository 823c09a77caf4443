"""The page: it tells what happened, runs nothing, asks nobody, and holds no live code."""

import base64
import hashlib
import io
import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
import zxingcpp
from PIL import Image

from redactor.geometry import Quad
from redactor.model import Action, Flag, Region
from redactor.report import Content, HtmlReport, row

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</style><style>*{display:none}</style>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt;",
    "a\u202egnp.exe",
    "\x1b[31m\x00\ud800",
    "javascript:alert(1)",
    "=cmd()",
]
TAGS_WITH_SCRIPT = {"iframe", "object", "embed", "base", "foreignobject"}


def a_report(**options):
    return HtmlReport("Run", **{"policy": "default@12", "detector": "local", **options})


class Page(HTMLParser):
    """What a browser would make of a page: its elements, their attributes, its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):  # noqa: D102 - of HTMLParser
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):  # noqa: D102 - of HTMLParser
        if self.elements and self.elements[-1][0] not in ("script", "style"):
            self.text += " " + data

    def all(self, tag):
        """Attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self):
        """The text, spaces made one."""
        return " ".join(self.text.split())

    @property
    def pictures(self):
        """Every picture on the page, decoded."""
        urls = [image["src"] for image in self.all("img")]
        return [Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1]))) for url in urls]


def page_of(report):
    return Page(report.render())


@pytest.fixture
def a_scene(a_picture, a_symbol):
    """A picture with one large code, the code's quad, and the picture with the code filled."""
    symbol = a_symbol("https://example.com/pay?token=secret", scale=9)
    before = a_picture((100, 100, symbol), size=(600, 500))
    quad = Quad.from_box(136, 136, symbol.shape[1] - 72, symbol.shape[0] - 72)
    return before, quad, a_picture((100, 100, symbol * 0), size=(600, 500))


def test_the_top_tells_what_ran_and_what_came_of_it(a_result, a_code):
    report = a_report(
        source="inbox/", started=datetime(2026, 3, 4, 14, 2, tzinfo=UTC), facts={"Engines": "zxing"}
    )
    report.add(a_result("a", "redacted", a_code(rule="payment")), b"", b"")
    report.add(a_result("b", "quarantined", reasons=("no whole picture",)), b"", None)

    text = page_of(report).words

    for part in ("default@12", "local", "inbox/", "2026-03-04 14:02 UTC", "zxing", "payment"):
        assert part in text
    assert "quarantined 1 could not be handled safely" in text
    assert "pixelated 1" in text
    assert "Could not be handled b no whole picture" in text


def test_the_page_asks_nobody_and_runs_nothing(a_result, a_code, a_scene):
    before, quad, after = a_scene
    report = a_report()
    report.add(a_result("a", "redacted", a_code(quad=quad), size=(600, 500)), before, after)

    text = report.render()
    page = Page(text)

    policy = page.all("meta")[1]["content"]
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)[1]
    of_script = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data: 'self'; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert f"script-src 'sha256-{of_script}'" in policy
    assert [kind.get("type") for kind in page.all("script")] == ["application/json"] * 2 + [None]
    assert "unsafe" not in policy
    assert not re.search(r"https?://", text.lower())
    for tag, attributes in page.elements:
        assert tag not in TAGS_WITH_SCRIPT | {"link"}
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert attributes.get("src", "data:").startswith("data:image/webp;base64,") or tag != "img"
        assert attributes.get("href", "#").startswith("#")


@pytest.mark.parametrize("evil", HOSTILE)
def test_foreign_text_shows_as_text_wherever_it_stands(a_result, a_code, a_picture, evil):
    report = HtmlReport(
        evil, policy=evil, detector=evil, source=evil, facts={evil: evil}, content=Content.FULL
    )
    harmless = HtmlReport(
        "x", policy="x", detector="x", source="x", facts={"x": "x"}, content=Content.FULL
    )
    for target, text in ((report, evil), (harmless, "x")):
        code = a_code(text, rule=text, reason=text, doubt=text, sources=(text,), flag=Flag.INFO)
        inner = a_code(text, frame=1, readings=(text, text + "2"))
        result = a_result(
            text,
            "quarantined",
            code,
            inner,
            reasons=(text,),
            remarks=(text,),
            format=text,
            frames=("picture", text),
            path=text,
        )
        target.add(result, a_picture(size=(100, 100)), None, error=text)

    text = report.render()
    page = Page(text)

    assert [tag for tag, _ in page.elements] == [tag for tag, _ in Page(harmless.render()).elements]
    assert "\u202e" not in text
    assert "\x00" not in text
    assert text.encode()
    assert "49" not in page.words


def test_a_huge_content_is_cut_and_its_length_told(a_result, a_code):
    report = a_report(content=Content.FULL)
    report.add(a_result("a", "redacted", a_code("A" * 100_000)), b"", None)

    text = report.render()

    assert "(100,000 characters)" in text
    assert len(text) < 60_000


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (Content.HOST, "hxxps://example[.]com/…"),
        (Content.FULL, "hxxps://example[.]com/pay?token=secret"),
        (Content.NONE, "text of 36 characters"),
    ],
)
def test_contents_are_told_as_far_as_asked_and_defanged(a_result, a_code, mode, told):
    report = a_report(content=mode)
    report.add(a_result("a", "redacted", a_code()), b"", None)

    text = page_of(report).words

    assert told in text
    assert ("secret" in text) == (mode is Content.FULL)


def test_no_picture_on_the_page_holds_a_readable_code(a_result, a_code, a_scene):
    before, quad, after = a_scene
    report = a_report()
    for verdict in ("redacted", "flagged"):
        result = a_result("a", verdict, a_code(quad=quad, action="fill"), size=(600, 500))
        report.add(result, before, after)
    report.add(
        a_result("b", "allowed", a_code(quad=quad, action="allow"), size=(600, 500)), before, before
    )
    report.add(
        a_result("c", "quarantined", reasons=("five answers",), size=(600, 500)), before, None
    )
    # The detector saw a corner only; what was hidden in the end is larger.
    region = Region(quad.grow(30), Action.FILL)
    part = a_code(quad=Quad.from_box(136, 136, 60, 60), action="fill")
    report.add(a_result("d", "redacted", part, regions=(region,), size=(600, 500)), before, after)
    # Of two codes one is allowed and stays readable in what was written.
    report.add(
        a_result("e", "redacted", a_code(quad=quad, action="allow"), size=(600, 500)),
        before,
        before + b" ",
    )

    pictures = page_of(report).pictures

    assert len(pictures) == 2 + 2 + 1 + 1 + 2 + 2
    for picture in pictures:
        assert not zxingcpp.read_barcodes(picture)
        assert not zxingcpp.read_barcodes(picture.resize((picture.width * 3, picture.height * 3)))


def test_a_dry_run_breaks_up_bars_beyond_the_lines_a_reader_saw(
    a_result, a_code, a_picture, a_symbol
):
    symbol = a_symbol("4006381333931", "ean13", scale=3)
    before = a_picture((60, 60, symbol), size=(500, 400))
    lines = Quad.from_box(90, 60 + symbol.shape[0] / 2, symbol.shape[1] - 60, symbol.shape[0] / 8)
    report = a_report()
    code = a_code("4006381333931", "ean13", action="blur", quad=lines)
    report.add(a_result("a", "redacted", code, size=(500, 400), dry_run=True), before, None)
    assert zxingcpp.read_barcodes(Image.open(io.BytesIO(before)))

    (picture,) = page_of(report).pictures

    assert not zxingcpp.read_barcodes(picture)


def test_codes_are_shown_when_asked_for_and_the_page_says_so(a_result, a_code, a_scene):
    before, quad, after = a_scene
    report = a_report(show_codes=True)
    report.add(a_result("a", "redacted", a_code(quad=quad), size=(600, 500)), before, after)

    page = page_of(report)

    assert zxingcpp.read_barcodes(page.pictures[0])
    assert "Codes on this page can be read" in page.words


def test_outlines_are_told_apart_by_colour_dash_and_number(a_result, a_code, a_picture):
    codes = [
        a_code(action=action, quad=Quad.from_box(20 * i, 10, 15, 15))
        for i, action in enumerate(Action)
    ]
    report = a_report()
    report.add(a_result("a", "redacted", *codes), a_picture(size=(100, 100)), b"")

    page = page_of(report)

    outlines = [
        polygon["class"] for polygon in page.all("polygon") if "outline" in polygon["class"]
    ]
    assert outlines == [f"outline a-{action}" for action in Action]
    style = re.search(r"<style>(.*)</style>", report.render(), re.DOTALL)[1]
    dashes = [
        re.search(rf"\.a-{action} {{ --tone[^}}]*--dash: ([^;]+);", style)[1] for action in Action
    ]
    assert len(set(dashes)) == len(Action)


def test_outlines_turn_with_the_picture(a_result, a_code, a_picture):
    report = a_report()
    code = a_code(quad=Quad.from_box(0, 0, 200, 100))
    result = a_result("a", "redacted", code, size=(400, 200), orientation=6)
    report.add(result, a_picture(size=(400, 200)), None)

    (_, outline) = page_of(report).all("polygon")

    assert outline["points"] == "200.0,0.0 200.0,200.0 100.0,200.0 100.0,0.0"


def test_a_picture_without_codes_shows_once(a_result, a_picture):
    data = a_picture(size=(100, 100))
    report = a_report()
    report.add(a_result("a", "clean"), data, data)

    assert len(page_of(report).pictures) == 1


def test_a_quarantined_picture_shows_its_reason_and_no_after(a_result, a_picture):
    data = a_picture(size=(100, 100))
    report = a_report()
    report.add(a_result("a", "quarantined", reasons=("too many codes",)), data, data + b" ")

    page = page_of(report)

    assert len(page.pictures) == 1
    assert "too many codes" in page.words
    assert "shown only as a blur" in page.words


def test_what_nobody_could_open_is_not_opened_for_the_page(a_result, a_picture):
    lost = a_result("a", "quarantined", reasons=("its worker process ended",), format=None)
    report = a_report()
    report.add(lost, a_picture(size=(100, 100)), None)

    page = page_of(report)

    assert page.pictures == []
    assert "its worker process ended" in page.words


def test_a_picture_that_cannot_be_shown_has_a_placeholder(a_result):
    report = a_report()
    report.add(a_result("a", "redacted", size=None), b"garbage", b"other garbage")

    page = page_of(report)

    assert not page.pictures
    assert "no preview: the picture could not be shown" in page.words
    assert "no preview of the picture after redaction" in page.words


def test_the_riskiest_pictures_come_first(a_result):
    report = a_report()
    for name, verdict, flag in [
        ("one", "clean", None),
        ("two", "allowed", None),
        ("three", "redacted", None),
        ("four", "flagged", Flag.INFO),
        ("five", "flagged", Flag.HIGH),
        ("six", "quarantined", None),
    ]:
        report.add(a_result(name, verdict, flag=flag), b"", None)

    ids = [article["id"] for article in page_of(report).all("article")]

    assert ids == ["p6", "p5", "p4", "p3", "p2", "p1"]


def test_the_gallery_keeps_the_riskiest_and_says_how_many_are_left_out(a_result):
    report = a_report(max_pictures=2)
    for verdict in ("clean", "quarantined", "clean", "redacted", "clean", "quarantined"):
        report.add(a_result(verdict, verdict), b"", None)

    page = page_of(report)

    assert [article["id"] for article in page.all("article")] == ["p2", "p6"]
    assert "4 more pictures of less risk are in the results file" in page.words
    assert report.tally.pictures == 6


def test_long_lists_are_cut_and_say_so(a_result, a_code):
    report = a_report(max_pictures=3)
    report.add(a_result("a", "redacted", *[a_code()] * 55), b"", None)
    for _ in range(130):
        report.add(a_result("b", "quarantined", reasons=("no",)), b"", None)

    page = page_of(report)

    assert "And 30 more pictures; the results file names each." in page.words
    links = {link["href"] for link in page.all("a")}
    assert links == {f"#{article['id']}" for article in page.all("article")}


def test_a_row_of_a_hundred_thousand_codes_makes_a_bounded_page(
    a_result, a_code, a_picture, live_codes
):
    entry = row(a_result("a", "redacted", a_code()))
    entry["codes"] *= 100_000
    report = a_report()
    report.add_row(entry, a_picture(size=(100, 100)), None)

    text = report.render()

    assert "And 99,960 more codes" in Page(text).words
    assert text.count('class="outline') == 400
    assert live_codes(text) == []


def test_a_failed_write_is_among_what_could_not_be_handled(a_result):
    report = a_report()
    report.add(a_result("a.png", "redacted"), b"", None, error="disk full")

    assert "Could not be handled a.png disk full" in page_of(report).words


def test_a_dry_run_says_that_nothing_was_written(a_result, a_code):
    report = a_report()
    report.add(a_result("a", "redacted", a_code(), dry_run=True), b"", None)

    words = page_of(report).words
    assert "Dry run. Nothing was written." in words
    assert "codes would be hidden" in words
    assert "codes were hidden" not in words
    assert "What would become of 1 code" in words


def test_a_domain_breaks_between_its_labels_and_not_within_them(a_code, a_result):
    entry = row(a_result("a", "redacted", a_code()))
    entry["codes"][0]["site"] = "averylongname.example.com"
    report = a_report()
    report.add_row(entry, None, None)

    assert "averylongname[.]<wbr>example[.]<wbr>com" in report.render()


def test_an_empty_run_gives_a_page(a_result):
    assert "There were no pictures." in page_of(a_report()).words


def test_a_report_can_be_made_from_recorded_rows(a_result, a_code):
    result = a_result("a", "redacted", a_code())
    live, recorded = a_report(), a_report()
    live.add(result, b"", None)

    recorded.add_row(row(result), b"", None)

    assert live.render() == recorded.render()
