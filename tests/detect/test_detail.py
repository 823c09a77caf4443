"""Where a large picture has detail that a smaller copy of it loses."""

import cv2
import numpy as np
import pytest

from redactor.detect.detail import detailed
from redactor.geometry import Quad


def is_inside(quad, boxes):
    around = quad.box
    return any(
        box.left <= around.left
        and box.top <= around.top
        and box.right >= around.right
        and box.bottom >= around.bottom
        for box in boxes
    )


def share(boxes, gray):
    return sum(box.width * box.height for box in boxes) / gray.size


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("turn", [0, 20, 45])
@pytest.mark.parametrize("center", [(1500, 900), (60, 70), (2930, 1930)])
def test_a_small_code_lies_in_one_box(a_scene, scale, turn, center):
    scene = a_scene("4711", scale=scale, turn=turn, size=(3000, 2000), center=center, grain=2)

    boxes = detailed(scene.gray)

    assert is_inside(scene.quad, boxes)
    assert share(boxes, scene.gray) < 0.05


def test_a_code_of_low_contrast_lies_in_one(a_scene):
    scene = a_scene(scale=3, low=120, high=160, size=(3000, 2000), grain=1)

    assert is_inside(scene.quad, detailed(scene.gray))


def test_a_faint_code_on_even_ground_lies_in_one_and_is_read(a_scene, find):
    scene = a_scene("4711", scale=2, low=114, high=128, size=(2600, 1600), grain=0)

    assert is_inside(scene.quad, detailed(scene.gray))
    assert [code.content for code in find(scene.gray)] == ["4711"]


def test_paper_and_what_is_out_of_focus_have_no_detail():
    random = np.random.default_rng(5)
    noise = random.normal(128, 2, (2000, 3000))
    soft = cv2.GaussianBlur(random.normal(128, 900, (2000, 3000)), (0, 0), 8)

    for gray in (noise, soft):
        assert detailed(np.clip(gray, 0, 255).astype(np.uint8)) == []


def test_a_picture_full_of_detail_is_one_box():
    noise = np.random.default_rng(6).integers(0, 256, (1000, 1500)).astype(np.uint8)

    (box,) = detailed(noise)

    assert box == Quad.from_box(0, 0, 1500, 1000).box


def test_boxes_that_overlap_cost_no_more_than_the_picture():
    """Thin diagonals of detail: their boxes are much larger than they are."""
    gray = np.full((2048, 2048), 200, np.uint8)
    random = np.random.default_rng(7)
    for offset in range(-1600, 1700, 400):
        for step in range(0, 2048, 64):
            left, top = step, step + offset
            if 0 <= top <= 1984:
                patch = gray[top : top + 64, left : left + 64]
                patch[:] = random.integers(0, 256, patch.shape)

    assert share(detailed(gray), gray) <= 1


@pytest.mark.parametrize("size", [(1, 1), (63, 5000), (64, 64), (65, 64)])
def test_any_size_goes(size):
    gray = np.random.default_rng(8).integers(0, 256, size).astype(np.uint8)

    for box in detailed(gray):
        assert (box.right, box.bottom) <= size[::-1]


@pytest.mark.parametrize(("size", "center"), [((378, 269), (96, 130)), ((645, 278), (320, 64))])
@pytest.mark.parametrize("turn", [90, 180])
def test_a_tiny_symbol_on_plain_ground_lies_in_one(size, center, turn, a_scene):
    # Over the corner of four cells, so that none has much of it.
    scene = a_scene(
        "T4711", "DataMatrix", scale=2, turn=turn, size=size, center=center,
        low=120, high=220, grain=1.5, blur=0.7,
    )  # fmt: skip

    boxes = detailed(scene.gray)

    assert is_inside(scene.quad, boxes)
    assert share(boxes, scene.gray) < 0.2
