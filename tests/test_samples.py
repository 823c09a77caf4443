"""Every sample is what its `expected.yaml` says, before and after `policies/default.yaml`."""

import io
import math
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from PIL import Image

from redactor import Redactor
from redactor.codec import open_picture
from redactor.geometry import Point, Quad
from redactor.model import ONE_DIMENSIONAL

ROOT = Path(__file__).resolve().parent.parent
CASES = sorted(path.parent for path in ROOT.glob("samples/*/expected.yaml"))

# An outline is right within this share of its longer side: engines' corners differ that much.
TOLERANCE = 0.06
ALIKE = 0.7  # of the area that either covers, for the outlines of bars


class Sample(NamedTuple):
    """A case: what is expected, the bytes, and what became of them."""

    expected: dict
    data: bytes
    result: object


@pytest.fixture(scope="session")
def redactor():
    return Redactor.from_policy(ROOT / "policies" / "default.yaml")


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def sample(request, redactor):
    expected = yaml.safe_load((request.param / "expected.yaml").read_text(encoding="utf-8"))
    data = (request.param / expected["picture"]).read_bytes()
    return Sample(expected, data, redactor.redact(data, name=request.param.name))


def in_pages(result, expected):
    """Give the codes in the picture itself, whatever page of it they are on."""
    pages = expected.get("pages", 1)
    return [d.detection for d in result.codes if d.detection.frame < pages]


def is_outline_of(found, quad):
    """Say whether a detection has the outline of a symbol."""
    if found.symbology in ONE_DIMENSIONAL:
        # A reader of bars cannot tell where they end; what is asked for is the area.
        shared = found.quad.overlap(quad)
        return shared > ALIKE * (found.quad.area + quad.area - shared)
    apart = [
        min(math.dist(corner, other) for other in quad.corners) for corner in found.quad.corners
    ]
    return max(apart) < TOLERANCE * max(quad.sides) + 3


def test_there_are_enough_cases():
    assert len(CASES) >= 14


def test_its_verdict_size_and_orientation(sample):
    expected, _, result = sample

    assert result.verdict == expected["verdict"], result.reasons
    assert list(result.size) == expected["size"]
    assert result.orientation == expected["orientation"]


def test_its_codes(sample):
    expected, _, result = sample

    found = sorted((c.frame, c.symbology, c.content) for c in in_pages(result, expected))
    assert found == sorted(
        (code.get("frame", 0), code["symbology"], code["content"]) for code in expected["codes"]
    )


def test_where_its_codes_are(sample):
    expected, _, result = sample

    for code in expected["codes"]:
        quad = Quad.of(code["quad"])
        codes = [c for c in in_pages(result, expected) if c.frame == code.get("frame", 0)]
        here = [found for found in codes if found.quad.contains(quad.center)]
        assert [found.content for found in here] == [code["content"]]
        assert is_outline_of(here[0], quad)


def test_its_other_frames(sample):
    expected, _, result = sample

    others = result.frames[expected.get("pages", 1) :]
    found = [result.frames[decision.detection.frame] for decision in result.codes]
    assert {name: found.count(name) for name in others if name in found} == {
        name: count for name, count in expected.get("frames", {}).items() if count
    }


def test_what_is_hidden_covers_its_codes(sample):
    expected, _, result = sample

    for code in expected["codes"]:
        corners = [Point(*corner) for corner in code["quad"]]
        slack = 2 + TOLERANCE / 2 * max(Quad.of(code["quad"]).sides)
        assert any(
            all(region.quad.grow(slack).contains(corner) for corner in corners)
            for region in result.regions
            if region.frame == code.get("frame", 0)
        )


def test_nothing_in_what_is_written_can_be_read(sample, redactor, read_codes):
    _, _, result = sample

    again = redactor.plan(result.image)

    assert [decision for decision in again.codes if decision.detection.is_read] == []
    assert read_codes(result.image) == []


def test_one_without_codes_comes_out_byte_for_byte_and_no_other_does(sample):
    expected, data, result = sample

    is_clean = expected["codes"] == [] and not any(expected.get("frames", {}).values())
    is_same = result.image == data  # pytest would compare the bytes one by one, for minutes
    assert is_same is is_clean
    assert result.changed is not is_clean


def test_what_is_written_is_the_same_kind_of_file(sample):
    _, data, result = sample

    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(result.image))

    assert (after.format, after.mode, after.size) == (before.format, before.mode, before.size)
    assert after.getexif().get(0x0112, 1) == before.getexif().get(0x0112, 1)
    assert after.info.get("icc_profile") == before.info.get("icc_profile")


def test_no_other_picture_stays_in_the_file_but_where_nothing_was_hidden(sample):
    _, data, result = sample

    before, after = open_picture(data), open_picture(result.image)

    assert len(after.pages) == len(before.pages)
    assert len(after.frames) == (len(after.pages) if result.changed else len(before.frames))
