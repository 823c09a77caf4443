"""The transform between a component's samples and its DCT coefficients. Numbers only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from redactor.geometry import Box
from redactor.model import Plane

Blocks = NDArray[np.int16]  # quantised coefficients, shape (rows, columns, 8, 8)
Table = NDArray[np.int32]  # quantisation, shape (8, 8)


def part(blocks: Blocks, box: Box) -> Blocks:
    """Cut blocks out; beyond the last one, the edge is repeated."""
    rows, columns = blocks.shape[:2]
    found = blocks[box.top : min(box.bottom, rows), box.left : min(box.right, columns)]
    missing = ((0, box.height - found.shape[0]), (0, box.width - found.shape[1]), (0, 0), (0, 0))
    return np.pad(found, missing, mode="edge")


def _dct_matrix() -> NDArray[np.float32]:
    k, n = np.mgrid[:8, :8]
    matrix = np.cos((2 * n + 1) * k * np.pi / 16) / 2
    matrix[0] /= np.sqrt(2)
    return matrix.astype(np.float32)


_DCT = _dct_matrix()


def inverse(blocks: Blocks, table: Table) -> Plane:
    """Turn coefficients of shape (rows, columns, 8, 8) into a plane of samples, 0 to 255."""
    values = _DCT.T @ (blocks * table).astype(np.float32) @ _DCT + np.float32(128)
    rows, columns = blocks.shape[:2]
    return np.clip(values, 0, 255).transpose(0, 2, 1, 3).reshape(rows * 8, columns * 8)


def forward(plane: Plane, table: Table) -> Blocks:
    """Turn a plane of samples into quantised coefficients."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    samples = np.clip(plane, 0, 255).reshape(rows, 8, columns, 8).transpose(0, 2, 1, 3) - 128
    return np.rint(_DCT @ samples @ _DCT.T / table).astype(np.int16)
