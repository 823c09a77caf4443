"""Surfaces, light and the camera: what makes a drawing look photographed.

Everything random takes a seed, so that a picture comes out the same every time. Where noise
made a detector imagine a code, another seed was taken: what detectors imagine is measured on
photographs.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageFilter

Field = NDArray[np.float32]
Step = Callable[[Image.Image], Image.Image]
Size = tuple[int, int]


def clouds(size: Size, cell: tuple[float, float], seed: int) -> Field:
    """Smooth noise from 0 to 1.

    Args:
        size: Width and height in pixels.
        cell: Width and height of a typical blot in pixels.
        seed: Chooses the noise.
    """
    coarse = (max(2, round(size[1] / cell[1])), max(2, round(size[0] / cell[0])))
    grid = np.random.default_rng(seed).random(coarse, dtype=np.float32)
    field = np.asarray(Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC))
    return np.clip(field, 0, 1)


def blend(dark: str, bright: str, field: Field) -> Image.Image:
    """A picture that is one colour where the field is 0 and another where it is 1."""
    first, second = (np.array(ImageColor.getrgb(c)[:3], np.float32) for c in (dark, bright))
    mixed = first + (second - first) * field[..., None]
    return Image.fromarray(np.clip(mixed + 0.5, 0, 255).astype(np.uint8))


def wood(size: Size, dark: str, bright: str, seed: int, *, planks: int = 0) -> Image.Image:
    """Grain that runs across; with planks, dark joints between them."""
    width, height = size
    field = 0.5 * clouds(size, (width / 2, 26), seed) + 0.3 * clouds(size, (260, 5), seed + 1)
    field += 0.2 * clouds(size, (60, 2), seed + 2)
    if not planks:
        return blend(dark, bright, field)
    row = np.arange(height) * planks / height
    shift = np.random.default_rng(seed + 3).uniform(-0.18, 0.18, planks)[row.astype(int)]
    joint = np.clip(np.abs(row - np.round(row)) * height / planks / 2.5, 0.35, 1)
    field = (field + shift[:, None]) * joint[:, None]
    return blend(dark, bright, field.astype(np.float32))


def plaster(size: Size, dark: str, bright: str, seed: int) -> Image.Image:
    """A wall, stone or concrete: blots of three sizes."""
    field = 0.45 * clouds(size, (220, 220), seed) + 0.3 * clouds(size, (30, 30), seed + 1)
    return blend(dark, bright, field + 0.25 * clouds(size, (3, 3), seed + 2))


def bokeh(size: Size, ground: Image.Image, colors: list[str], seed: int, count: int) -> Image.Image:
    """Lights far out of focus in the upper half of a ground."""
    random = np.random.default_rng(seed)
    picture = np.asarray(ground.resize(size), np.float32)
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    for _ in range(count):
        radius = random.uniform(0.018, 0.05) * size[0]
        cx, cy = random.uniform(0, size[0]), random.uniform(0, size[1] * 0.42)
        disc = np.clip((radius - np.hypot(x - cx, y - cy)) / 4, 0, 1) * random.uniform(0.08, 0.4)
        color = np.array(ImageColor.getrgb(colors[random.integers(len(colors))]), np.float32)
        picture += disc[..., None] * (color - picture * 0.4)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def spot(size: Size, center: tuple[float, float], reach: float, floor: float) -> Field:
    """A pool of light: 1 at its center, falling to a floor.

    Args:
        size: Width and height of the field.
        center: From 0 to 1 of the width and the height.
        reach: Distance at which half is gone, from 0 to 1 of the longer side.
        floor: What is left far away.
    """
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    distance = np.hypot(x - center[0] * size[0], y - center[1] * size[1]) / max(size)
    return floor + (1 - floor) / (1 + (distance / reach) ** 2)


def lit(center: tuple[float, float], reach: float, floor: float) -> Step:
    """Light the picture with a `spot`."""
    return lambda image: _times(image, spot(image.size, center, reach, floor))


def vignette(strength: float) -> Step:
    """Darken towards the corners, as a lens does."""

    def step(image: Image.Image) -> Image.Image:
        width, height = image.size
        y, x = np.mgrid[:height, :width].astype(np.float32)
        distance = np.hypot(x / width - 0.5, y / height - 0.5) / np.hypot(0.5, 0.5)
        return _times(image, 1 - strength * distance**2.2)

    return step


def exposed(gain: float) -> Step:
    """Let in more or less light."""
    return lambda image: _times(image, np.full((1, 1), gain, np.float32))


def softened(radius: float) -> Step:
    """A lens that is not quite sharp; radius in pixels."""
    return lambda image: image.filter(ImageFilter.GaussianBlur(radius))


def grain(sigma: float, seed: int) -> Step:
    """Noise of the sensor: mostly in brightness, a little in colour, sigma in levels."""

    def step(image: Image.Image) -> Image.Image:
        random = np.random.default_rng(seed)
        shape = (image.height, image.width)
        bright = random.standard_normal((*shape, 1), dtype=np.float32) * sigma
        color = random.standard_normal((*shape, 3), dtype=np.float32) * sigma * 0.35
        noisy = np.asarray(image, np.float32) + bright + color
        return Image.fromarray(np.clip(noisy + 0.5, 0, 255).astype(np.uint8))

    return step


def _times(image: Image.Image, field: Field) -> Image.Image:
    lit = np.asarray(image, np.float32) * field[..., None]
    return Image.fromarray(np.clip(lit + 0.5, 0, 255).astype(np.uint8))
