"""The texture of modules: how far a code reaches, and whether there is one.

Modules are dark or light at random, in both directions alike. So along any line through a code
brightness changes about every second module, and this is so in both directions. Paper changes
never, text and foliage change at other scales or in one direction.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from redactor.detect.lighting import local_statistics
from redactor.geometry import Box, Point, Quad
from redactor.model import Pixels

_SCALE = 3.0  # pixels to a module, in which texture is looked at
_REACH = 100  # modules around a seed; the largest QR code has 177
_MIN_CHANGES, _MAX_CHANGES = 0.2, 1.4  # transitions per module, in each direction
_MIN_CONTRAST = 0.45  # of the seed's
_MIN_SIDE, _MAX_SIDE, _MAX_ASPECT = 14, 180, 2.6  # modules, modules, ratio
_MIN_FILL = 0.7
_MIN_DEVIATION = 12.0  # levels in an evenly lit raster


def grow(gray: Pixels, seed: Point, module: float) -> Quad | None:
    """Give the outline of the texture around a seed.

    Args:
        gray: Shape (height, width).
        seed: A point of the code, in pixels.
        module: Side of a module in pixels.

    Returns:
        None where there is no texture, or none of the shape of a code.
    """
    reach = int(_REACH * module)
    around = Box(int(seed.x), int(seed.y), int(seed.x) + 1, int(seed.y) + 1).grow(reach)
    box = around.clip(gray.shape[1], gray.shape[0])
    if min(box.width, box.height) < 10 * module:
        return None
    scale = _SCALE / module
    part = _rescaled(gray[box.top : box.bottom, box.left : box.right], scale)
    place = (int((seed.x - box.left) * scale), int((seed.y - box.top) * scale))
    mask = _texture(part, place)
    points = _component(mask, place)
    if points is None:
        return None
    center, (width, height), angle = cv2.minAreaRect(points)
    longer, shorter = max(width, height), min(width, height)
    if shorter < _MIN_SIDE * _SCALE or longer > _MAX_SIDE * _SCALE:
        return None
    if longer > _MAX_ASPECT * shorter or len(points) < _MIN_FILL * width * height:
        return None
    if _touches(points, mask.shape) >= 3:  # bricks, foliage, fabric: it goes on beyond
        return None
    corners = cv2.boxPoints((center, (width, height), angle)) / scale
    return Quad.of(corners + np.array((box.left, box.top)))


def density(flat: Pixels, quad: Quad, module: float) -> float:
    """Give transitions per module inside a quad, in the direction that has fewer.

    Args:
        flat: An evenly lit raster.
        quad: Its top side first.
        module: Side of a module in pixels.

    Returns:
        About 0.5 for a QR code, less the more of the quad is plain.
    """
    corners = quad.as_array().astype(np.float32)
    width, height = (
        int(np.clip(side / module * _SCALE, 30, _MAX_SIDE * _SCALE)) for side in quad.sides
    )
    upright = np.array(((0, 0), (width, 0), (width, height), (0, height)), dtype=np.float32)
    part = cv2.warpPerspective(
        flat,
        cv2.getPerspectiveTransform(corners, upright),
        (width, height),
        borderMode=cv2.BORDER_REPLICATE,
    )
    # Even light brings out the noise of plain paper, which changes more often than modules do.
    part = cv2.GaussianBlur(part, (0, 0), _SCALE / 3)
    mean, deviation = local_statistics(np.asarray(part, dtype=np.uint8), 39)
    light = part > mean
    across = (light[:, 1:] != light[:, :-1]).mean() * _SCALE
    down = (light[1:] != light[:-1]).mean() * _SCALE
    return float(min(across, down) * (deviation > _MIN_DEVIATION).mean())


def _rescaled(gray: Pixels, scale: float) -> Pixels:
    size = (max(1, round(gray.shape[1] * scale)), max(1, round(gray.shape[0] * scale)))
    if scale < 1:
        return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    larger = cv2.resize(gray, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(larger, (0, 0), 0.5), dtype=np.uint8)


def _texture(part: Pixels, place: tuple[int, int]) -> NDArray[np.uint8]:
    """Mark where brightness changes as modules do, with a contrast like the seed's."""
    mean, deviation = local_statistics(part, int(_SCALE * 13) | 1)
    light = part > mean
    window = (int(_SCALE * 5) | 1,) * 2
    changes = []
    for axis in (0, 1):
        change = np.zeros(part.shape, dtype=np.float32)
        change[(slice(1, None), slice(None))[:: 1 - 2 * axis]] = np.diff(light, axis=axis)
        changes.append(cv2.blur(change, window) * _SCALE)
    x, y = place
    near = deviation[max(0, y - 12) : y + 12, max(0, x - 12) : x + 12]
    contrast = float(np.median(near)) if near.size else 10.0
    fewer, more = np.minimum(*changes), np.maximum(*changes)
    mask = (fewer > _MIN_CHANGES) & (more < _MAX_CHANGES) & (deviation > _MIN_CONTRAST * contrast)
    # The window reaches beyond the code by half its width: draw back, then close the gaps inside.
    inner = cv2.erode(mask.astype(np.uint8), np.ones((int(_SCALE * 1.5),) * 2, dtype=np.uint8))
    closing = np.ones((int(_SCALE * 4),) * 2, dtype=np.uint8)
    return np.asarray(cv2.morphologyEx(inner, cv2.MORPH_CLOSE, closing), dtype=np.uint8)


def _touches(points: NDArray[np.float32], shape: tuple[int, ...]) -> int:
    """Count the edges of the part that are reached; the erosion keeps two pixels away."""
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 2 * _SCALE
    reached = (*(low <= margin), *(high >= np.array(shape[::-1]) - 1 - margin))
    return sum(map(bool, reached))


def _component(mask: NDArray[np.uint8], place: tuple[int, int]) -> NDArray[np.float32] | None:
    """Give the points (x, y) of the connected part that lies around a place."""
    _, labels = cv2.connectedComponents(mask)
    x, y = place
    near = labels[max(0, y - 10) : y + 11, max(0, x - 10) : x + 11]
    near = near[near > 0]
    if not near.size:
        return None
    label = int(np.bincount(near).argmax())
    return np.argwhere(labels == label)[:, ::-1].astype(np.float32)
