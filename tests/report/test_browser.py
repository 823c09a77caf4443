"""The page in a real browser: it works offline, runs nothing of others, and people can decide."""

import json
import re
import shutil
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from redactor.batch import Batch, Capacity, entry_of, threads
from redactor.batch.plan import Plan, plan_row
from redactor.model import Action
from redactor.report import Content, HtmlReport
from redactor.storage.memory import MemorySource

HOSTILE = [
    "<script>document.title='pwned'</script>",
    '"><img src=x onerror="document.title=\'pwned\'">',
    "</script><script>document.title='pwned'</script>",
    "<svg onload=\"document.title='pwned'\">",
    "{{7*7}} ${7*7}",
    "a\u202egnp.exe \x1b[31m\x00",
    "=cmd()|' /C calc'!A0",
    "x" * 100_000,
]


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium")
    assert path, "these tests need Debian's package chromium; `make setup` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Give a function that opens a page from disk; whatever it asks or says wrong is an error."""
    said, asked, contexts = [], [], []

    def open_page(html, *, hash="", **options):
        path = tmp_path / "report.html"
        path.write_text(html, "utf-8")
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("requestfinished", lambda request: asked.append(request.url))
        page.goto(f"file://{path}{hash}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    blocked = "violates the following Content Security Policy"
    assert [text for text in said if blocked not in text] == []
    assert [url for url in asked if not url.startswith(("file://", "data:", "blob:"))] == []


@pytest.fixture(scope="module")
def drawn(a_picture, a_symbol):
    """Give pictures by name: two with a code, one without."""
    codes = {"shop.png": "https://shop.example.com/pay?t=1", "note.png": "4006381333931 and more"}
    return {
        name: a_picture((60, 80, a_symbol(content, scale=4)), size=(500, 400))
        for name, content in codes.items()
    } | {"clean.png": a_picture(size=(500, 400))}


@pytest.fixture(scope="module")
def planned(drawn):
    """Give the rows of a plan for them, and its page."""
    from redactor import Policy, Redactor

    rule = "{id: unread, when: {read: false}, action: blur, flag: review}"
    redactor = Redactor(
        Policy.parse(f"version: 1\nname: p\nrules:\n  - {rule}\ndefault: {{action: blur}}\n")
    )
    entries = threads.run(
        Batch(redactor, dry_run=True),
        MemorySource(drawn),
        lambda outcome: entry_of(outcome, redactor.policy),
        capacity=Capacity(1),
    )
    rows = [plan_row(entry, Content.HOST) for entry in sorted(entries, key=lambda one: one.number)]
    report = HtmlReport("Plan", policy="p@1", detector="local", is_plan=True)
    for row in rows:
        report.add_row(row, drawn[row["name"]], None)
    return rows, report.render()


def names(page):
    return page.locator("#gallery h3").all_text_contents()


def many(number, a_result, a_code, **options):
    report = HtmlReport("Run", policy="p@1", detector="local", max_pictures=number, **options)
    for n in range(number):
        action = list(Action)[n % 4].value
        code = a_code(f"https://e{n % 7}.example.com/", action=action, rule=f"rule-{n % 3}")
        verdict = "allowed" if action == "allow" else "redacted"
        report.add(a_result(f"in/{n:05}.png", verdict, code), b"", None)
    return report.render()


def test_the_page_opens_from_disk_and_asks_nobody(visit, planned):
    page = visit(planned[1])

    assert names(page) == ["shop.png", "note.png", "clean.png"]
    assert page.locator("#shown").text_content() == "3 pictures"


def test_filters_search_and_order(visit, a_result, a_code):
    page = visit(many(300, a_result, a_code))

    page.select_option("#f-verdict", "allowed")
    assert page.locator("#shown").text_content() == "75 of 300 pictures"
    page.select_option("#f-rule", "rule-1")
    assert page.locator("#shown").text_content() == "25 of 300 pictures"
    page.fill("#f-text", "in/00004 RULE-1")
    assert names(page) == ["in/00004.png"]
    page.fill("#f-text", "nothing like it")
    assert page.locator("#nothing").is_visible()
    page.fill("#f-text", "")
    page.select_option("#f-verdict", "")
    page.select_option("#f-rule", "")
    page.select_option("#f-sort", "name")
    assert names(page)[:2] == ["in/00000.png", "in/00001.png"]


def test_pictures_come_as_one_scrolls_and_links_lead_to_any(visit, a_result, a_code):
    html = many(300, a_result, a_code)
    page = visit(html)
    assert len(names(page)) < 300
    page.locator("#end").scroll_into_view_if_needed()
    expect(page.locator("#gallery article").nth(60)).to_be_attached()

    page = visit(html, hash="#p300")
    assert page.locator("#p300").is_visible()


def test_the_keyboard_walks_and_decides(visit, planned):
    page = visit(planned[1])

    page.keyboard.press("j")
    page.keyboard.press("a")
    page.keyboard.press("j")
    page.keyboard.press("r")
    assert page.locator("#progress").text_content() == "1 approved · 1 rejected · 1 open"
    page.keyboard.press("k")
    page.keyboard.press("a")  # once more takes it back
    assert page.locator("#progress").text_content() == "0 approved · 1 rejected · 2 open"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "f-text"


def test_decisions_are_kept_and_come_back_as_a_plan(visit, planned, tmp_path):
    rows, html = planned
    page = visit(html)
    page.fill("#by", "Ana")
    shop = page.locator("article", has_text="shop.png")
    shop.locator(".review button", has_text="Approve").click()
    note = page.locator("article", has_text="note.png")
    note.locator(".decide select").select_option("fill")
    page.fill("#why-reason", "looks paid")
    page.locator("#why button.main").click()
    page.reload()
    assert page.locator("#progress").text_content() == "2 approved · 0 rejected · 1 open"

    with page.expect_download() as download:
        page.locator("#download").click()
    text = download.value.path().read_text("utf-8")
    plan = Plan.read(text.splitlines(), name="decisions.jsonl")

    assert [one.is_approved for one in plan.pictures.values()] == [True, True, False]
    (decision,) = plan.pictures["note.png"].decisions
    assert (decision.action, decision.reason) == (Action.FILL, "looks paid")
    (code,) = plan.pictures["note.png"].row["codes"]
    assert code["by"] == "Ana"
    digests = [json.loads(line)["digest"] for line in text.splitlines()]
    assert digests == [row["digest"] for row in rows]


def test_decisions_on_one_plan_do_not_show_in_another(visit, planned):
    page = visit(planned[1])
    page.keyboard.press("j")
    page.keyboard.press("a")

    page.evaluate("history.replaceState(null, '', location.pathname)")
    other = planned[1].replace('"id": "', '"id": "0', 1)
    again = visit(other)

    assert again.locator("#progress").text_content() == "0 approved · 0 rejected · 3 open"


def test_before_and_after_lie_under_a_slider(visit, a_result, a_code, drawn):
    report = HtmlReport("Run", policy="p@1", detector="local")
    report.add(a_result("a.png", "redacted", a_code()), drawn["shop.png"], drawn["clean.png"])
    page = visit(report.render())

    page.locator("button", has_text="Look closer").click()
    assert page.locator("#stack img").count() == 2
    page.locator("#slide").fill("80")
    assert "80%" in page.evaluate("document.querySelectorAll('#stack img')[1].style.clipPath")
    page.keyboard.press("Escape")
    assert not page.locator("#detail").is_visible()


def test_looking_closer_is_as_large_as_the_window_allows_and_has_the_outlines(
    visit, a_result, a_code, a_picture
):
    report = HtmlReport("Run", policy="p@1", detector="local")
    result = a_result("a.png", "redacted", a_code(), size=(3000, 2000))
    report.add(result, a_picture(size=(3000, 2000)), None)
    page = visit(report.render())

    page.locator("button", has_text="Look closer").click()

    box = page.locator("#stack img").bounding_box()
    assert box["width"] > 900
    assert abs(box["width"] / box["height"] - 1.5) < 0.02
    assert page.locator("#stack polygon.outline").is_visible()
    assert page.locator("#detail").evaluate("one => one.scrollHeight <= one.clientHeight + 1")


def test_what_a_person_overrules_shows_in_outline_words_and_filter(visit, planned):
    page = visit(planned[1])
    page.fill("#by", "Ana")
    note = page.locator("article", has_text="note.png")
    note.locator(".decide select").select_option("fill")
    page.fill("#why-reason", "looks paid")
    page.locator("#why button.main").click()

    assert note.locator(".action").text_content() == "fill"
    assert "instead of blur (Ana: looks paid)" in note.locator("ol.codes").text_content()
    for mark in ("polygon.outline", ".badge", ".chip", "svg.line", ".action"):
        assert "a-fill" in note.locator(mark).get_attribute("class")
        assert "a-blur" not in note.locator(mark).get_attribute("class")
    page.select_option("#f-action", "fill")
    assert names(page) == ["note.png"]

    note.locator(".decide select").select_option("blur")
    assert note.locator(".action").text_content() == "blur"
    assert "instead of" not in note.locator("ol.codes").text_content()


def a_plan_page(rows, pictures=None):
    report = HtmlReport("Plan", policy="p@1", detector="local", is_plan=True)
    for row in rows:
        report.add_row(row, (pictures or {}).get(row["name"]), None)
    return report.render()


def edited(rows, *edits, **fields):
    """Give the rows of a plan, the first with other fields, its first code likewise."""
    first, *others = json.loads(json.dumps(rows))
    first |= fields
    for edit in edits:
        first["codes"][0] |= edit
    return [first, *others]


def test_a_quarantined_picture_has_nothing_to_approve(visit, planned):
    rows = edited(planned[0], verdict="quarantined", reasons=["no whole picture"])
    page = visit(a_plan_page(rows))

    article = page.locator("article", has_text=rows[0]["name"])
    assert article.locator("text=Approve").count() == 0
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.locator("#approve-shown").click()
    assert page.locator("#progress").text_content() == "2 approved · 0 rejected · 0 open"


def test_what_a_plan_says_already_shows_and_can_be_taken_back(visit, planned):
    rows = edited(
        planned[0],
        {"action": "fill", "by": "Ben", "reason": "a till"},
        approved=True,
        by="Ben",
    )
    page = visit(a_plan_page(rows))
    article = page.locator("article", has_text=rows[0]["name"])

    assert page.locator("#progress").text_content() == "1 approved · 0 rejected · 2 open"
    assert "instead of blur (Ben: a till)" in article.locator("ol.codes").text_content()
    assert article.locator(".decide select").input_value() == "fill"
    article.locator(".review button", has_text="Approve").click()
    assert page.locator("#progress").text_content() == "0 approved · 0 rejected · 3 open"
    with page.expect_download() as download:
        page.locator("#download").click()
    plan = Plan.read(download.value.path().read_text("utf-8").splitlines(), name="d.jsonl")
    first = plan.pictures[rows[0]["name"]]
    assert not first.is_approved
    assert first.decisions[0].action is Action.FILL


def test_decisions_outlive_a_page_made_anew_but_not_other_codes(visit, planned):
    page = visit(planned[1])
    page.keyboard.press("j")
    page.keyboard.press("a")
    decided, none = "1 approved · 0 rejected · 2 open", "0 approved · 0 rejected · 3 open"
    moved = [[1.0, 1.0], [60.0, 1.0], [60.0, 60.0], [1.0, 60.0]]

    for rows, told in (
        (edited(planned[0], seconds={"detect": 9.0}), decided),
        (edited(planned[0], {"quad": moved}), none),
    ):
        path = page.url.removeprefix("file://")
        Path(path).write_text(a_plan_page(rows), "utf-8")
        page.reload()
        assert page.locator("#progress").text_content() == told


def test_two_windows_on_one_plan_do_not_undo_each_other(visit, planned):
    first = visit(planned[1])
    second = first.context.new_page()
    second.goto(first.url)

    first.keyboard.press("j")
    first.keyboard.press("a")
    expect(second.locator("#progress")).to_have_text("1 approved · 0 rejected · 2 open")
    second.locator("article", has_text="clean.png").locator("text=Reject").click()

    expect(first.locator("#progress")).to_have_text("1 approved · 1 rejected · 1 open")


def test_a_screen_reader_says_what_each_button_approves(visit, planned):
    page = visit(planned[1])

    article = page.locator("article", has_text="shop.png")
    assert article.get_by_role("button", name="Approve shop.png").is_visible()
    assert article.get_by_role("button", name="Reject code 1").is_visible()


def test_a_link_to_a_picture_that_is_filtered_out_keeps_the_name_of_who_decides(visit, planned):
    page = visit(planned[1])
    page.fill("#by", "Ana")
    page.fill("#f-text", "shop.png")

    page.evaluate("location.hash = '#p3'")

    expect(page.locator("#gallery article")).to_have_count(3)
    assert page.locator("#by").input_value() == "Ana"


def test_a_picture_may_have_any_name(visit, planned):
    page = visit(a_plan_page(edited(planned[0], name="__proto__")))

    page.keyboard.press("j")
    page.keyboard.press("a")
    page.reload()

    assert page.locator("#progress").text_content() == "1 approved · 0 rejected · 2 open"


@pytest.mark.parametrize(
    "code",
    [{"site": None}, {"site": None, "read": False}, {"symbology": "unknown", "read": False}],
)
def test_only_a_site_can_be_allowed_by_a_rule_from_the_page(code, visit, planned):
    from redactor import Policy

    page = visit(a_plan_page(edited(planned[0], {**code, "site": None})))
    page.locator("text=make a rule of this").first.click()

    text = page.locator("#rule-text").input_value()
    assert "allow" not in text
    assert "action: fill" in text
    assert len(Policy.parse(f"version: 1\nname: p\n{text}\ndefault: {{action: blur}}\n").rules) == 1


def test_a_rule_can_be_made_of_a_code(visit, planned):
    from redactor import Policy

    page = visit(planned[1])
    page.locator("article", has_text="shop.png").locator("text=make a rule of this").click()

    text = page.locator("#rule-text").input_value()
    allow, _, hide = text.partition("# or")
    for rules in (allow, hide):
        Policy.parse(f"version: 1\nname: p\n{rules}\ndefault: {{action: blur}}\n")
    assert "example.com" in allow


def test_nothing_of_a_payload_runs_and_the_page_does_not_break(visit, a_result, a_code, drawn):
    report = HtmlReport("Run", policy="p@1", detector="local", content=Content.FULL)
    for number in range(60):  # more than show at first
        evil = HOSTILE[number % len(HOSTILE)]
        code = a_code(evil, rule=evil[:50], reason=evil[:200])
        result = a_result(f'{number} {evil[:80]}"\n', "flagged", code, remarks=(evil[:99],))
        report.add(result, drawn["clean.png"], None)
    page = visit(report.render())
    page.locator("#end").scroll_into_view_if_needed()
    expect(page.locator("#gallery article")).to_have_count(60)

    assert page.title() == "Run"
    assert page.locator("#gallery img").count() == 60
    assert page.locator("#gallery script, #gallery iframe, #gallery [onerror]").count() == 0


def test_the_page_s_own_policy_blocks_a_planted_script(visit, planned):
    planted = '<script>document.title = "planted"</script><img alt="" src="https://a.invalid/x">'
    html = planned[1].replace("<main", f"{planted}<main", 1)

    page = visit(html)

    assert page.title() == "Plan"
    # The browser tells of the request that it did not make.
    assert page.evaluate("document.querySelector('img[src^=https]').naturalWidth") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
def test_everybody_can_use_it(scheme, width, visit, planned):
    page = visit(planned[1], color_scheme=scheme, viewport={"width": width, "height": 800})

    found = Axe().run(page)
    serious = [
        f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}"
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 200) is (scheme == "dark")


def test_on_paper_there_are_no_controls(visit, planned):
    page = visit(planned[1])
    page.emulate_media(media="print")

    assert not page.locator("#tools").is_visible()
    assert page.locator("article").first.is_visible()


def test_pictures_that_nobody_has_scrolled_to_are_printed_too(visit, a_result, a_code):
    page = visit(many(300, a_result, a_code))
    before = len(names(page))

    page.pdf()

    assert before < 300
    assert len(names(page)) == 300


def test_pictures_are_on_paper_though_they_were_never_in_sight(visit, planned):
    page = visit(planned[1], viewport={"width": 600, "height": 100})

    printed = page.pdf()

    assert printed.count(b"/Subtype /Image") >= 3


def test_without_scripts_it_is_a_list(visit, planned):
    page = visit(planned[1], java_script_enabled=False)

    assert names(page) == ["shop.png", "note.png", "clean.png"]
    assert not page.locator("#tools").is_visible()
