"""The transform between a component's samples and its DCT coefficients. Numbers only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from redactor.geometry import Box, Mask
from redactor.model import Plane

Blocks = NDArray[np.int16]  # quantised coefficients, shape (rows, columns, 8, 8)
Table = NDArray[np.int32]  # quantisation, shape (8, 8)


class Rows(NamedTuple):
    """Whole rows of blocks of one component; `top` is the first, counted in blocks."""

    top: int
    blocks: Blocks


def part(blocks: Blocks, box: Box) -> Blocks:
    """Cut blocks out; beyond the last one, the edge is repeated."""
    rows, columns = blocks.shape[:2]
    found = blocks[box.top : min(box.bottom, rows), box.left : min(box.right, columns)]
    missing = (box.height - found.shape[0], box.width - found.shape[1])
    if not any(missing):
        return found
    return np.pad(found, ((0, missing[0]), (0, missing[1]), (0, 0), (0, 0)), mode="edge")


def _dct_matrix() -> NDArray[np.float32]:
    """Give the two-dimensional transform of a whole block: shape (64 coefficients, 64 samples)."""
    k, n = np.mgrid[:8, :8]
    matrix = np.cos((2 * n + 1) * k * np.pi / 16) / 2
    matrix[0] /= np.sqrt(2)
    return np.kron(matrix, matrix).astype(np.float32)


_DCT = _dct_matrix()
_SLOW, _FAST = (
    np.flatnonzero([(k // 8 + k % 8 < 4) == slow for k in range(64)]) for slow in (1, 0)
)
_ALMOST = 0.5  # of what is exact: sums of squares are rounded
# OpenBLAS takes several threads for larger products, and on a busy machine waits for them: 20 ms
# for one that takes 0.1.
_AT_ONCE = 32


def inverse(blocks: Blocks, table: Table, needed: Mask | None = None) -> Plane:
    """Turn coefficients of shape (rows, columns, 8, 8) into a plane of samples, 0 to 255.

    Args:
        blocks: The coefficients.
        table: The quantisation.
        needed: Shape (rows, columns); other blocks come out grey.
    """
    rows, columns = blocks.shape[:2]
    some = blocks.reshape(-1, 64) if needed is None else blocks[needed].reshape(-1, 64)
    values = _product(some.astype(np.float32), _DCT * _column(table))
    values += np.float32(128)
    np.clip(values, 0, 255, out=values)
    if needed is not None:
        whole = np.full((rows, columns, 64), 128, dtype=np.float32)
        whole[needed] = values
        values = whole
    return values.reshape(rows, columns, 8, 8).swapaxes(1, 2).reshape(rows * 8, columns * 8)


def forward(blocks: NDArray[np.float32], table: Table) -> Blocks:
    """Turn blocks of samples, shape (any number, 8, 8), into quantised coefficients."""
    samples = np.clip(blocks.reshape(-1, 64), 0, 255)
    samples -= np.float32(128)
    # What is drawn is smooth for the most part. The transform keeps the sum of squares: where the
    # slow waves have all of it but a little, no other one can reach half a step.
    slow = _product(samples, _DCT[_SLOW].T)
    rest = np.vecdot(samples, samples) - np.vecdot(slow, slow)
    result = np.zeros((len(samples), 64), dtype=np.int16)
    result[:, _SLOW] = np.rint(slow / table.reshape(64)[_SLOW], out=slow)
    others = np.flatnonzero(rest >= _ALMOST * (table.reshape(64)[_FAST].min() / 2) ** 2)
    if len(others):
        values = _product(samples[others], (_DCT / _column(table)).T)
        result[others] = np.rint(values, out=values)
    return result.reshape(-1, 8, 8)


def _product(rows: NDArray[np.float32], matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Multiply rows of 64 by a matrix, `_AT_ONCE` rows at a time."""
    whole = len(rows) // _AT_ONCE * _AT_ONCE
    result = np.empty((len(rows), matrix.shape[1]), dtype=np.float32)
    several = result[:whole].reshape(-1, _AT_ONCE, matrix.shape[1])
    np.matmul(rows[:whole].reshape(-1, _AT_ONCE, 64), matrix, out=several)
    np.matmul(rows[whole:], matrix, out=result[whole:])
    return result


def _column(table: Table) -> NDArray[np.float32]:
    return table.reshape(64, 1).astype(np.float32)
