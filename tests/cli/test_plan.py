"""Decide now, let people approve, then do exactly that."""

import json
import math

import pytest

from tests.cli.conftest import LINK

OURS = "https://shop.example.com/item"


@pytest.fixture
def photos(tmp_path, monkeypatch, a_picture):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    (folder / "in").mkdir(parents=True)
    (folder / "in/code.png").write_bytes(a_picture(LINK))
    (folder / "in/two.jpg").write_bytes(a_picture(LINK, OURS, format="JPEG"))
    (folder / "clean.png").write_bytes(a_picture())
    (tmp_path / "policy.yaml").write_text(
        "version: 1\nname: shop\nrules:\n"
        "  - {id: ours, when: {domain: shop.example.com}, action: allow, reason: our own}\n"
        "default: {action: blur}\n"
    )
    return folder


@pytest.fixture
def plan(redactor, photos, tmp_path):
    """Plan the photos; gives a function that edits the lines, and one that applies them."""
    assert redactor("plan", "photos", "-o", "plan.jsonl", "--policy", "policy.yaml").code == 0
    path = tmp_path / "plan.jsonl"

    class Edited:
        """The plan, with lines by name."""

        def __init__(self):
            self.lines = [json.loads(line) for line in path.read_text().splitlines()]

        def __getitem__(self, name):
            return next(line for line in self.lines if line["name"] == f"photos/{name}")

        def approve(self):
            """Approve every picture."""
            for line in self.lines:
                line.update(approved=True, by="ana")
            return self

        def apply(self, *options):
            """Write the lines back and apply them."""
            path.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
            return redactor("apply", "plan.jsonl", "--out", "out", *options)

    return Edited()


def written(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def results(folder):
    rows = map(json.loads, (folder / "r.jsonl").read_text().splitlines())
    return {row["name"].removeprefix("photos/"): row for row in rows}


def test_a_plan_tells_what_a_dry_run_would_and_no_contents(plan, tmp_path):
    codes = plan["in/two.jpg"]["codes"]

    assert [(code["action"], code["planned"], code["approved"]) for code in codes] == [
        ("blur", "blur", None),
        ("allow", "allow", None),
    ]
    assert "token=4711" not in (tmp_path / "plan.jsonl").read_text()
    assert not (tmp_path / "out").exists()


def test_an_approved_plan_does_what_a_run_would_byte_for_byte(plan, redactor, tmp_path):
    assert plan.approve().apply().code == 0
    redactor("run", "photos", "--out", "same", "--policy", "policy.yaml")

    assert written(tmp_path / "out") == written(tmp_path / "same")


def test_what_is_not_approved_is_held_back(plan, tmp_path):
    plan["in/code.png"]["approved"] = True
    plan["in/two.jpg"]["codes"][0]["approved"] = True  # of two codes

    ended = plan.apply()

    assert ended.code == 0
    assert "2 pictures held back: not approved." in ended.err
    assert set(written(tmp_path / "out")) == {"in/code.png"}


def test_a_picture_whose_codes_are_all_approved_is_approved(plan, tmp_path):
    for code in plan["in/two.jpg"]["codes"]:
        code["approved"] = True
    plan.apply()

    assert set(written(tmp_path / "out")) == {"in/two.jpg"}


def test_a_code_that_is_refused_holds_its_picture(plan, tmp_path):
    plan.approve()["in/two.jpg"]["codes"][1]["approved"] = False
    plan.apply()

    assert set(written(tmp_path / "out")) == {"in/code.png", "clean.png"}


def test_pictures_of_a_verdict_can_be_approved_together(plan, tmp_path):
    plan["in/code.png"]["approved"] = False

    plan.apply("--approve", "clean", "--approve", "redacted")

    assert set(written(tmp_path / "out")) == {"clean.png", "in/two.jpg"}


def test_a_person_can_overrule_in_both_directions(plan, tmp_path, read_codes):
    hidden, allowed = plan.approve()["in/two.jpg"]["codes"]
    hidden.update(action="allow", by="ana", reason="the seller's own")
    allowed.update(action="fill", by="ana", reason="expired")

    ended = plan.apply("--results", "r.jsonl")

    assert ended.code == 0, ended.err
    assert read_codes((tmp_path / "out/in/two.jpg").read_bytes()) == [LINK]
    row = results(tmp_path)["in/two.jpg"]
    assert (row["by"], row["deviation"]) == ("ana", None)
    assert [code["reason"] for code in row["codes"]] == ["the seller's own", "expired"]


def test_a_picture_that_has_changed_is_left_alone_and_others_go_on(
    plan, photos, tmp_path, a_picture
):
    (photos / "in/code.png").write_bytes(a_picture("another"))

    ended = plan.approve().apply()

    assert ended.code == 4
    assert "photos/in/code.png: it has changed since it was planned" in ended.err
    assert "1 picture left alone: changed since the plan." in ended.err
    assert set(written(tmp_path / "out")) == {"in/two.jpg", "clean.png"}


def test_a_code_that_nobody_decided_about_holds_its_picture(plan, tmp_path):
    """As if the plan had been made without it: verification reads it."""
    from redactor.batch.plan import _digest

    line = plan.approve()["in/two.jpg"]
    del line["codes"][0]
    line["digest"] = _digest(line)

    ended = plan.apply("--results", "r.jsonl")

    assert ended.code == 4
    assert "verification read a code that nobody has decided about" in ended.err
    assert "1 picture not as planned: see `deviation` in the results." in ended.err
    assert results(tmp_path)["in/two.jpg"]["deviation"] == "held back although it was approved"
    assert set(written(tmp_path / "out")) == {"in/code.png", "clean.png"}


def test_a_plan_that_hides_too_little_lets_nothing_out(plan, tmp_path):
    """As if the plan had the middle of the code alone, which its error correction makes up for."""
    from redactor.batch.plan import _digest

    line = plan.approve()["in/code.png"]
    x, y = (sum(corner[axis] for corner in line["codes"][0]["quad"]) / 4 for axis in (0, 1))
    line["codes"][0]["quad"] = [[x - 4, y - 4], [x + 4, y - 4], [x + 4, y + 4], [x - 4, y + 4]]
    line["digest"] = _digest(line)

    assert plan.apply().code == 4

    assert set(written(tmp_path / "out")) == {"in/two.jpg", "clean.png"}


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("2", 0), ("1", 2), ("0", 2), ("-1", 2), ("x", 2), ("", 2),
        ("70%", 0), ("50%", 2), ("0%", 2), ("100%", 0), ("nan%", 2), ("inf%", 2),
    ],
)  # fmt: skip
def test_more_changes_than_allowed_are_refused_before_anything_is_done(limit, code, plan, tmp_path):
    assert plan.approve().apply("--max-changes", limit).code == code

    assert (tmp_path / "out").exists() is (code == 0)


# Plans edited into nonsense.


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def set_(path, value):
    def edit(line):
        *parts, last = path.split(".")
        for part in parts:
            line = line[int(part) if part.isdigit() else part]
        line[last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (set_("plan", 7), "version 7 of a plan is not known"),
        (set_("plan", True), "version True of a plan is not known"),
        (set_("approved", "yes"), "approved: input should be a valid boolean"),
        (set_("codes.0.action", "blurr"), "code 1: unknown action 'blurr'; choose allow, blur"),
        (set_("codes.0.action", "allow"), "needs `by` and `reason`"),
        (set_("codes.0.quad", [[0, 0]] * 4), "edited where nobody may"),
        (set_("codes.0.quad", None), "codes.0.quad: input should be a valid list"),
        (set_("codes.0.planned", "allow"), "edited where nobody may"),
        (set_("relative", "../../etc/passwd"), "edited where nobody may"),
        (set_("source_hash", "0" * 64), "edited where nobody may"),
        (lambda line: line["codes"].pop(), "edited where nobody may"),
        (lambda line: line["codes"].append(line["codes"][0]), "edited where nobody may"),
        (lambda line: line.pop("name"), "name: field required"),
        (set_("codes.0.style", nested(800)), "nested too deep"),
        (set_("codes.0.length", 10**400), "edited where nobody may"),
        (set_("terms", ["x"]), "terms: not enough values to unpack"),
    ],
)
def test_nonsense_is_named_before_anything_is_done(edit, told, plan, tmp_path):
    edit(plan.approve()["in/two.jpg"])

    ended = plan.apply()

    assert ended.code == 2
    assert told in ended.err
    assert "plan.jsonl:3: " in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"plan": 1, "plan": 1}', "a key stands there twice"),
        ('{"plan": 1, "name"', "not a whole line of JSON"),
        ('{"plan": NaN}', "NaN is no number"),
        ("[]", "no line of a plan"),
        ('{"schema_version": 1}', "no line of a plan"),
        ("[" * 100_000, "not a whole line of JSON"),
    ],
)
def test_lines_that_are_none_are_named(line, told, redactor, photos, tmp_path):
    (tmp_path / "plan.jsonl").write_text(line)

    ended = redactor("apply", "plan.jsonl", "--out", "out")

    assert ended.code == 2
    assert told in ended.err


def test_a_picture_planned_twice_is_refused(plan):
    plan.lines.append(plan.approve().lines[0])

    ended = plan.apply()

    assert ended.code == 2
    assert "planned twice" in ended.err


def test_plans_whose_pictures_would_meet_at_one_place_are_refused(plan, redactor, tmp_path):
    (tmp_path / "more/in").mkdir(parents=True)
    (tmp_path / "more/in/code.png").write_bytes((tmp_path / "photos/in/two.jpg").read_bytes())
    redactor("plan", "more", "-o", "more.jsonl", "--policy", "policy.yaml")
    plan.lines += map(json.loads, (tmp_path / "more.jsonl").read_text().splitlines())

    ended = plan.approve().apply("--overwrite")

    assert ended.code == 2
    assert "more/in/code.png: would be written where photos/in/code.png is" in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--results", "--report"])
@pytest.mark.parametrize("path", ["plan.jsonl", "./photos/../plan.jsonl"])
def test_what_people_approved_is_not_written_over(option, path, plan, tmp_path):
    ended = plan.approve().apply(option, path)

    assert ended.code == 2
    assert len((tmp_path / "plan.jsonl").read_text().splitlines()) == len(plan.lines)


@pytest.mark.parametrize("relative", ["../../etc/x.png", "/etc/x.png", "a/../../x.png", "x\0.png"])
def test_a_hostile_place_is_refused_alone(relative, plan, tmp_path):
    from redactor.batch.plan import _digest

    line = plan.approve()["in/code.png"]
    line["relative"] = relative
    line["digest"] = _digest(line)

    ended = plan.apply()

    assert ended.code == 4
    assert "not a name that can be written below a folder" in ended.err
    assert set(written(tmp_path / "out")) == {"in/two.jpg", "clean.png"}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (math.inf, "Infinity is no number"),
        (1e9, "code 1: it lies outside of the picture"),
        (-1e300, "code 1: it lies outside of the picture"),
    ],
)
def test_codes_outside_of_the_picture_are_refused(value, told, plan, tmp_path):
    from redactor.batch.plan import _digest

    line = plan.approve()["in/code.png"]
    line["codes"][0]["quad"][0] = [value, 0.0]
    line["digest"] = _digest(line)

    ended = plan.apply()

    assert ended.code == 2
    assert told in ended.err
    assert not (tmp_path / "out").exists()


def test_in_place_keeps_the_originals(plan, redactor, photos, tmp_path, read_codes):
    before = (photos / "in/code.png").read_bytes()
    plan.approve()
    (tmp_path / "plan.jsonl").write_text("".join(json.dumps(line) + "\n" for line in plan.lines))

    ended = redactor("apply", "plan.jsonl", "--in-place", "--originals", "kept")

    assert ended.code == 0, ended.err
    assert read_codes((photos / "in/code.png").read_bytes()) == []
    assert (tmp_path / "kept/in/code.png").read_bytes() == before


def test_no_link_leads_out_of_the_folder(plan, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out/in").symlink_to(tmp_path / "elsewhere")

    ended = plan.approve().apply()

    assert ended.code == 4
    assert "a link below out leads to" in ended.err
    assert written(tmp_path / "elsewhere") == {}
    assert (tmp_path / "out/clean.png").exists()


@pytest.fixture
def uploads(redactor, oss, tmp_path, monkeypatch, a_picture):
    """Plan two objects, of which the first is approved; both have a code that is flagged."""
    monkeypatch.chdir(tmp_path)
    before = {"in/a.png": a_picture(LINK), "in/b.png": a_picture(LINK, OURS)}
    for key, data in before.items():
        oss.put("shop", key, data)
    (tmp_path / "policy.yaml").write_text(
        "version: 1\nname: shop\ndefault: {action: blur, flag: review}\n"
    )
    redactor("plan", "oss://shop/in/", "-o", "plan.jsonl", "--policy", "policy.yaml")
    first, *others = (tmp_path / "plan.jsonl").read_text().splitlines()
    first = json.dumps({**json.loads(first), "approved": True})
    (tmp_path / "plan.jsonl").write_text("\n".join([first, *others]))
    return before


def test_a_plan_of_objects_writes_to_a_prefix(uploads, redactor, oss, read_codes):
    assert redactor("apply", "plan.jsonl", "--out", "oss://shop/public/").code == 0

    assert oss.keys("shop") == ["in/a.png", "in/b.png", "public/a.png"]
    assert read_codes(oss.get("shop", "public/a.png")) == []


def test_a_plan_of_objects_replaces_them_in_place_and_touches_no_other(uploads, redactor, oss):
    def requests_about(key):
        return [one for one in oss.requests if one.key == key and one.method not in ("GET", "HEAD")]

    ended = redactor("apply", "plan.jsonl", "--in-place", "--originals", "oss://shop/kept/")

    assert ended.code == 0, ended.err
    assert oss.get("shop", "in/a.png") != uploads["in/a.png"]
    assert oss.get("shop", "in/b.png") == uploads["in/b.png"]
    assert requests_about("in/a.png")
    assert requests_about("in/b.png") == []


def test_a_file_that_is_no_plan_is_told_in_a_line_and_not_how_to_call(redactor, photos):
    redactor("run", "photos", "--dry-run", "--results", "r.jsonl")

    ended = redactor("apply", "r.jsonl", "--out", "out")

    assert ended.code == 2
    assert ended.lines == [
        "redactor: r.jsonl:1: no line of a plan; give the file that `redactor plan` wrote",
        "Nothing was done.",
    ]
