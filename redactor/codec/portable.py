"""DCT coefficients through the C library that jpeglib brings: where there is no libturbojpeg.

jpeglib's Python layer stays out of the way: it decodes a file three times, keeps markers in
variables that threads overwrite, never writes the fourth component (the black plane of CMYK keeps
the code), prints to stdout, and leaves copies of pictures behind when it fails. Its functions
want files; those lie in a folder that only their owner can open, and are gone after the call.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redactor.codec.dct import Blocks
from redactor.errors import DamagedPicture, UnsupportedPicture

_GRAY, _YCC = 1, 3  # libjpeg's J_COLOR_SPACE
_OPTIMIZE_CODING = 1 << 6  # jpeglib's flag


@functools.cache
def _library() -> Any:  # noqa: ANN401 - ctypes has no types for a library
    """Load the newest libjpeg-turbo that jpeglib brings; its functions are those of 1.0.x."""
    found = importlib.util.find_spec("jpeglib")
    folders = found.submodule_search_locations if found else None
    for folder in folders or ():
        for path in Path(folder).glob("cjpeglib/cjpeglib_turbo210.*"):
            return ctypes.CDLL(str(path))
    raise UnsupportedPicture("this JPEG needs jpeglib: pip install jpeglib==1.0.2")


def read(file: bytes, shapes: Sequence[tuple[int, int]]) -> list[Blocks]:
    """Read the quantised coefficients of each component.

    Args:
        file: A JPEG without application segments and comments.
        shapes: Rows and columns of blocks of each component, as the frame header has them.

    Raises:
        DamagedPicture: If the file cannot be read.
    """
    planes = [np.zeros((*shape, 8, 8), dtype=np.int16) for shape in shapes]
    with tempfile.TemporaryDirectory(prefix="redactor-") as folder:
        path = Path(folder) / "picture.jpg"
        path.write_bytes(file)
        name = str(path).encode()
        # The header by itself first: the call after it cannot cope with a broken one.
        if not _library().read_jpeg_markers(name, (ctypes.c_ubyte * 1)()) or not (
            _library().read_jpeg_dct(name, *_pointers(planes), None, None)
        ):
            raise DamagedPicture("the JPEG's coefficients cannot be read")
    return planes


def write(
    planes: Sequence[Blocks], size: tuple[int, int], factors: Sequence[tuple[int, int]]
) -> bytes:
    """Write coefficients as one baseline scan with Huffman tables of its own.

    Args:
        planes: Of one component or three; not modified.
        size: Width and height in pixels.
        factors: Horizontal and vertical sampling of each component.

    Returns:
        A JPEG file; its quantisation tables, segments and component ids mean nothing.

    Raises:
        UnsupportedPicture: If a coefficient is too large for baseline.
    """
    dims = np.array([plane.shape[:2] for plane in planes], dtype=np.int32)
    samplings = np.array([(down, across) for across, down in factors], dtype=np.int32)
    planes = [np.ascontiguousarray(plane, dtype=np.int16) for plane in planes]
    with tempfile.TemporaryDirectory(prefix="redactor-") as folder:
        path = Path(folder) / "picture.jpg"
        written = _library().write_jpeg_dct(
            None,
            str(path).encode(),
            *_pointers(planes),
            (ctypes.c_int * 2)(size[1], size[0]),
            _pointer(dims),
            _pointer(samplings),
            ctypes.c_int(_YCC if len(planes) == 3 else _GRAY),
            ctypes.c_int(len(planes)),
            None,
            ctypes.c_short(-1),
            None,
            ctypes.c_int(0),
            None,
            None,
            None,
            ctypes.c_uint(_OPTIMIZE_CODING),
            ctypes.c_uint(_OPTIMIZE_CODING),
        )
        if not written:
            raise UnsupportedPicture("the JPEG's coefficients cannot be written as baseline")
        return path.read_bytes()


def _pointers(planes: Sequence[Blocks]) -> list[ctypes.c_void_p | None]:
    """Give one for each of the four components there can be."""
    return [_pointer(plane) for plane in planes] + [None] * (4 - len(planes))


def _pointer(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)
