"""Small and evenly lit: what the locators look at."""

import numpy as np
import pytest

from redactor.detect.lighting import flatten, shrink


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (1, 5000), (5000, 1), (300, 200), (2500, 900)])
def test_a_raster_shrinks_to_the_longer_side(size):
    small, factor = shrink(np.zeros(size, np.uint8), 500)

    assert max(small.shape) == min(max(size), 500)
    assert min(small.shape) >= 1
    assert factor == max(1.0, max(size) / 500)


def test_a_small_raster_stays_as_it_is():
    gray = np.zeros((40, 50), np.uint8)

    assert shrink(gray, 50)[0] is gray


def test_a_code_in_the_dark_is_as_plain_as_any(a_scene):
    dark = flatten(a_scene(low=20, high=28, grain=1).gray)
    plain = flatten(a_scene().gray)

    assert dark.std() > 0.4 * plain.std()
    assert np.corrcoef(dark.ravel(), plain.ravel())[0, 1] > 0.8


def test_a_shadow_across_a_code_is_lifted(a_scene):
    gray = a_scene().gray
    shadowed = gray.copy()
    shadowed[:, 200:] //= 4
    quiet = np.s_[100:300, 215:300]

    assert flatten(shadowed)[quiet].std() > 0.7 * flatten(gray)[quiet].std()


def test_noise_is_not_brought_out():
    noise = np.random.default_rng(1).normal(128, 1, (300, 300)).astype(np.uint8)

    assert flatten(noise).std() < 20


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (1, 5000), (5000, 1)])
def test_the_input_is_not_modified_and_any_size_goes(size):
    gray = np.random.default_rng(2).integers(0, 256, size).astype(np.uint8)
    before = gray.copy()

    assert flatten(gray).shape == size
    assert (gray == before).all()
