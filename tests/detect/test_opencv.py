"""OpenCV's locator of bars: where a code is, never what it says."""

import numpy as np
import pytest

from redactor.detect.opencv import OpencvDetector, _detections
from redactor.model import Symbology


def test_a_blurred_barcode_that_nobody_reads_is_located(a_scene, covered):
    scene = a_scene("4006381333931", "EAN13", scale=3, size=(480, 300), blur=4)

    (code,) = OpencvDetector().find_bars(scene.gray)

    assert (code.symbology, code.content) == (Symbology.ANY_1D, None)
    assert 0 < code.confidence < 1
    assert covered(scene.quad, code.quad) > 0.4  # `extent` finds the rest


def test_blank_paper_holds_nothing():
    paper = np.full((300, 300), 200, np.uint8)

    assert OpencvDetector().find_bars(paper) == []


@pytest.mark.parametrize(
    "corners",
    [
        None,
        [],
        [[(0, 0), (3, 0), (3, 3), (0, 3)]],
        [[(np.nan, 0), (90, 0), (90, 90), (0, 90)]],
        [[(np.inf, 0), (90, 0), (90, 90), (0, 90)]],
    ],
)
def test_specks_and_corners_that_are_no_numbers_are_left_out(corners):
    assert _detections(corners) == []
