"""Codes that nobody reads are located whole; what merely looks a little like one is not."""

import cv2
import numpy as np
import pytest

from redactor.detect.finders import find_finders
from redactor.detect.lighting import flatten
from redactor.detect.locate import locate, outside
from redactor.geometry import Quad
from redactor.model import Symbology

LONG = "https://example.org/" + "x" * 40


def best(codes, quad):
    return max(codes, key=lambda code: code.quad.overlap(quad))


@pytest.mark.parametrize("turn", range(0, 360, 15))
def test_an_unreadable_code_is_located_at_every_rotation(a_scene, find, covered, turn):
    scene = a_scene(turn=turn, spoil=True)

    code = best(find(scene.gray), scene.quad)

    assert not code.is_read
    assert code.symbology is Symbology.QRCODE
    assert code.reason
    assert covered(scene.quad, code.quad) > 0.95


@pytest.mark.parametrize("scale", [2, 3, 5, 9, 12, 14, 20])
def test_an_unreadable_code_is_located_at_every_size(a_scene, find, covered, excess, scale):
    scene = a_scene(LONG, scale=scale, spoil=True, size=(760, 760))

    code = best(find(scene.gray), scene.quad)

    assert covered(scene.quad, code.quad) > 0.95
    assert excess(scene.quad, code.quad) < 0.15


@pytest.mark.parametrize("slant", [-0.2, 0.2])
def test_an_unreadable_code_in_perspective_is_located(a_scene, find, covered, slant):
    scene = a_scene(scale=5, slant=slant, turn=25, spoil=True)

    assert covered(scene.quad, best(find(scene.gray), scene.quad).quad) > 0.85


def test_an_unreadable_code_in_the_dark_is_located(a_scene, find, covered):
    scene = a_scene(low=12, high=20, grain=1, scale=5, spoil=True)

    assert covered(scene.quad, best(find(scene.gray), scene.quad).quad) > 0.95


@pytest.mark.parametrize("turn", [0, 33])
@pytest.mark.parametrize("missing", [0, 1, 3])
def test_a_scribbled_code_with_two_finder_patterns_is_located_whole(
    a_scene, find, covered, turn, missing
):
    scene = a_scene(LONG, turn=turn, spoil=True)
    gray = scene.gray.copy()
    corner, middle = np.array(scene.quad.corners[missing]), np.array(scene.quad.center)
    spot = corner + (middle - corner) * 0.27
    cv2.circle(gray, tuple(int(v) for v in np.rint(spot)), 24, 15, -1)

    assert covered(scene.quad, best(find(gray), scene.quad).quad) > 0.85


@pytest.fixture
def decoyed(a_scene):
    """Give a large unreadable code with a small readable one in its middle."""
    scene = a_scene(LONG, scale=14, spoil=True, size=(760, 760))
    small = a_scene("decoy", scale=3, size=(90, 90)).gray
    gray = scene.gray.copy()
    gray[335:425, 335:425] = small
    return scene._replace(gray=gray)


def test_a_decoy_does_not_buy_an_exit(decoyed, find, covered):
    found = find(decoyed.gray)

    assert "decoy" in [code.content for code in found]
    assert covered(decoyed.quad, best(found, decoyed.quad).quad) > 0.95


def test_a_readable_neighbour_does_not_either(a_scene, find, covered):
    unread = a_scene(spoil=True, size=(700, 300), center=(160, 150))
    both = a_scene("neighbour", center=(520, 150), onto=unread.gray)

    found = find(both.gray)

    assert "neighbour" in [code.content for code in found]
    assert covered(unread.quad, best(found, unread.quad).quad) > 0.95


@pytest.fixture
def suspected(a_code):
    """Give what becomes of an unread code that zxing-cpp reports beside one that was read."""

    def build(gray, read, suspicion):
        reported = [a_code(read), a_code(suspicion, None, confidence=0.6, reason="checksum")]
        flat = flatten(gray)
        finders = outside(find_finders(flat), 1.0, reported)
        return [code for code in locate(gray, flat, 1.0, finders, reported) if not code.is_read]

    return build


def test_a_suspicion_put_together_from_another_code_is_dropped(a_scene, suspected, text_page):
    """zxing-cpp takes two finder patterns of a code and a letter for a third."""
    scene = a_scene(scale=5, center=(200, 250), onto=text_page)
    box = scene.quad.box
    patchwork = Quad.from_box(box.left, box.top - 130, box.width, 190)

    assert suspected(scene.gray, scene.quad, patchwork) == []


def test_a_suspicion_with_finder_patterns_of_its_own_stays(decoyed, suspected, covered):
    decoy = Quad.from_box(347, 347, 66, 66)

    (code,) = suspected(decoyed.gray, decoy, decoyed.quad)

    assert covered(decoyed.quad, code.quad) > 0.95


def test_a_blurred_barcode_is_located_whole(a_scene, find, covered):
    scene = a_scene("4006381333931", "EAN13", scale=3, size=(480, 300), blur=4)

    (code,) = find(scene.gray)

    assert not code.is_read
    assert code.symbology is Symbology.ANY_1D
    assert covered(scene.quad, code.quad) > 0.85


def test_a_page_of_text_holds_nothing(text_page, find):
    assert find(text_page) == ()


@pytest.mark.parametrize("period", [8, 14])
def test_a_fence_holds_nothing(find, period):
    fence = np.full((300, 400), 220, np.uint8)
    fence[40:260, np.arange(400) % period < period / 2] = 40

    assert find(fence) == ()


def test_a_chessboard_holds_nothing(find):
    y, x = np.mgrid[:400, :400]

    assert find(((x // 25 + y // 25) % 2 * 200 + 20).astype(np.uint8)) == ()


@pytest.mark.parametrize("seed", range(3))
def test_noise_holds_nothing(find, seed):
    noise = np.random.default_rng(seed).normal(128, 20, (400, 500))

    assert find(np.clip(noise, 0, 255).astype(np.uint8)) == ()


def test_every_located_quad_says_why_it_is_in_doubt(a_scene, find):
    for code in find(a_scene(spoil=True).gray):
        assert isinstance(code.quad, Quad)
        assert code.reason
        assert 0 < code.confidence < 1
