"""A plan holds all that is needed to do exactly what was decided, and nothing else is done."""

import contextlib
import copy
import io
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from redactor import Policy, Redactor, Verdict
from redactor.batch import Batch, Outcome, entry_of
from redactor.batch.apply import PlanFollower
from redactor.batch.plan import Plan, PlanError, _digest, plan_row
from redactor.detect import LocalDetector
from redactor.errors import WorkerLost
from redactor.geometry import Quad
from redactor.model import Detection, Symbology
from redactor.report.text import Content
from redactor.storage.memory import MemoryItem

LINK = "https://example.org/secret?token=4711"
OURS = "https://shop.example.com/item"
ALLOW_OURS = "rules: [{id: ours, when: {domain: shop.example.com}, action: allow}]\n"
POLICIES = {
    "blur": f"{ALLOW_OURS}default: {{action: blur}}\n",
    "mosaic, no metadata": "metadata: strip\ndefault: {action: pixelate, blocks: 5, flag: high}\n",
    "red fill": 'metadata: keep\ntrailer: strip\ndefault: {action: fill, color: "#ff0000"}\n',
    "nothing": "default: {action: flag}\n",
}


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def turned(image):
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(image, "JPEG", quality=90, exif=exif)


def moving(image, kind):
    further = [image.point(lambda value: value * 9 // 10)]
    return saved(image, kind, save_all=True, append_images=further, duration=100)


FORMATS = {
    "PNG": lambda image: saved(image, "PNG"),
    "palette PNG": lambda image: saved(image.quantize(64), "PNG"),
    "JPEG": lambda image: saved(image, "JPEG", quality=90),
    "turned JPEG": turned,
    "JPEG with a trailer": lambda image: saved(image, "JPEG", quality=90) + b"behind the end",
    "animated GIF": lambda image: moving(image, "GIF"),
    "TIFF of pages": lambda image: moving(image, "TIFF"),
    "BMP": lambda image: saved(image, "BMP"),
    "WebP": lambda image: saved(image, "WEBP", lossless=True),
    "AVIF": lambda image: saved(image, "AVIF", quality=90),
}


def a_redactor_of(rules):
    return Redactor(Policy.parse(f"version: 1\nname: shop\n{rules}"))


def lines_of(redactor, data, content=Content.NONE):
    """Plan one picture; gives its line, approved."""
    entry = entry_of(Outcome(redactor.plan(data, name="a"), "a", data), redactor.policy)
    return {**plan_row(entry, content), "approved": True}


def follow(line, data):
    return follower_of(line).redact(data, name="a")


def follower_of(line):
    return PlanFollower(Plan.read([json.dumps(line)], name="plan.jsonl"))


@pytest.mark.parametrize("rules", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("form", FORMATS)
def test_an_approved_plan_does_what_its_policy_does_byte_for_byte(form, rules, a_raster):
    data = FORMATS[form](Image.fromarray(a_raster(LINK, OURS)))
    redactor = a_redactor_of(rules)

    line = lines_of(redactor, data)
    planned, direct = follow(line, data), redactor.redact(data, name="a")

    assert planned.verdict is direct.verdict
    assert planned.image == direct.image
    assert (planned.changed, planned.path) == (direct.changed, direct.path)
    assert planned.policy == direct.policy


def test_a_browser_that_saves_a_plan_changes_nothing(a_picture):
    """JSON there knows no difference between 10 and 10.0, and no order of keys."""
    data = a_picture(LINK)
    line = lines_of(a_redactor_of(POLICIES["blur"]), data)
    quad = line["codes"][0]["quad"]
    line["codes"][0]["quad"] = [[int(x) if x.is_integer() else x for x in xy] for xy in quad]

    assert follow(dict(reversed(line.items())), data).verdict is Verdict.REDACTED


class Stubborn(LocalDetector):
    """Reads something once in the middle of what is hidden."""

    reads = 1

    def read_last(self, frame, quads, **options):
        """Read it."""
        if not self.reads:
            return super().read_last(frame, quads, **options)
        self.reads -= 1
        x, y = quads[0].center
        small = Quad.from_box(x - 2, y - 2, 4, 4)
        return [Detection(small, Symbology.QRCODE, "still", 1.0, ("zxing",), ("still",))]


def test_hiding_more_than_was_planned_is_a_deviation(a_picture):
    data = a_picture(LINK)
    follower = follower_of(lines_of(a_redactor_of(POLICIES["blur"]), data))
    follower.local = Stubborn()

    result = follower.redact(data, name="a")

    row = follower.entry(Outcome(result, "a", data)).row
    assert row["verdict"] == "redacted"
    assert row["deviation"] == "something could still be read (larger)"


def test_a_picture_that_was_lost_with_its_process_is_a_deviation(a_picture):
    def lose(job, ask):
        raise WorkerLost("its worker process ended")

    data = a_picture(LINK)
    line = lines_of(a_redactor_of(POLICIES["blur"]), data)
    follower = follower_of(line)

    outcome = Batch(follower.through(lose)).handle(MemoryItem("a", data))

    row = follower.entry(outcome).row
    assert row["error"] == "its worker process ended"
    assert row["deviation"] == "held back although it was approved"
    assert (row["policy"], row["detectors"]) == (line["policy"], line["detectors"])


# Whatever is done to a plan: it is refused in words, or followed without letting anything out.

JUNK = [
    *(None, True, False, 0, -1, 1e300, 10**300, math.inf, "", "x", "\ud800", "\0", "../../x"),
    *([], {}, [[]], [None], {"a": 1}, "allow", "blur"),
]


def places(value, path=()):
    """Give the path of everything inside."""
    inside = value.items() if isinstance(value, dict) else []
    inside = enumerate(value) if isinstance(value, list) else inside
    for key, one in inside:
        yield (*path, key)
        yield from places(one, (*path, key))


class OnePicture:
    """A picture and its line; short to print where a test fails."""

    def __init__(self, data):
        self.data = data
        self.line = lines_of(a_redactor_of(POLICIES["blur"]), data)


@pytest.fixture(scope="module")
def planned(a_picture):
    return OnePicture(a_picture(LINK))


@settings(max_examples=100)
@given(st.integers(0, 10_000), st.sampled_from(range(len(JUNK))), st.booleans())
def test_whatever_is_edited_is_refused_in_words_or_lets_nothing_out(
    planned, read_codes, place, junk, is_meant
):
    line = copy.deepcopy(planned.line)
    every = list(places(line))
    *above, last = every[place % len(every)]
    holder = line
    for key in above:
        holder = holder[key]
    holder[last] = JUNK[junk]
    if is_meant:
        with contextlib.suppress(TypeError, AttributeError):  # of lines that are none any more
            line["digest"] = _digest(line)

    plan, refusal = read(line)
    assert refusal is None or refusal.startswith("plan.jsonl:1: ")
    if plan is None or "a" not in plan.pictures:
        return
    result = PlanFollower(plan).redact(planned.data, name="a")

    assert not any(reason.startswith("internal error") for reason in result.reasons)
    assert not result.is_publishable or read_codes(result.image) == []


def read(line):
    """Give the plan, or why it is refused."""
    try:
        return Plan.read([json.dumps(line)], name="plan.jsonl"), None
    except PlanError as error:
        return None, str(error)
