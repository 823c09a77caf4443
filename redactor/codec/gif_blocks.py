"""The blocks of a GIF: split into what each frame is made of, and put together again."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import GifImagePlugin, Image

from redactor.errors import DamagedPicture, LimitExceeded
from redactor.model import Limits, Pixels

_IMAGE, _EXTENSION, _END = 0x2C, 0x21, 0x3B
_CONTROL, _COMMENT, _APPLICATION, _TEXT = 0xF9, 0xFE, 0xFF, 0x01
_MAX_EXTENSIONS = 10_000


@dataclass(frozen=True)
class Extension:
    """A block that draws nothing: comments, loops, profiles.

    Attributes:
        label: Its kind.
        data: Its bytes as they are stored, without the introducer and the label.
    """

    label: int
    data: bytes

    @property
    def stored(self) -> bytes:
        """As it stands in a file."""
        return bytes((_EXTENSION, self.label)) + self.data

    @property
    def content(self) -> bytes:
        """Its data without the lengths of sub-blocks."""
        return b"".join(sub_blocks(self.data))

    @property
    def is_safe(self) -> bool:
        """Whether it says how often to play or what colours mean, and nothing else."""
        known = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")
        return self.label == _APPLICATION and self.data[1:12] in known

    @property
    def is_text(self) -> bool:
        """Whether it is a comment or of an application, which viewers do not draw."""
        return self.label in (_COMMENT, _APPLICATION)


@dataclass(frozen=True, eq=False)
class GifFrame:
    """A frame as it is stored.

    Attributes:
        left: First column.
        top: First row.
        width: In pixels.
        height: In pixels.
        flags: Of the image descriptor.
        table: Its own colours, shape (colours, 3); None where the file's hold.
        data: Compressed indices, from the code size to the last sub-block.
        control: Flags, delay (two bytes) and transparent index; None where there are none.
    """

    left: int
    top: int
    width: int
    height: int
    flags: int
    table: Pixels | None
    data: bytes
    control: tuple[int, bytes, int] | None

    @property
    def clear(self) -> int | None:
        """The transparent index; None where there is none."""
        return self.control[2] if self.control and self.control[0] & 1 else None

    @property
    def stored(self) -> bytes:
        """As it stands in a file."""
        control = b""
        if self.control:
            flags, delay, clear = self.control
            control = bytes((_EXTENSION, _CONTROL, 4, flags)) + delay + bytes((clear, 0))
        shape = struct.pack("<HHHH", self.left, self.top, self.width, self.height)
        table = b"" if self.table is None else self.table.tobytes()
        return control + bytes((_IMAGE,)) + shape + bytes((self.flags,)) + table + self.data

    def with_table(self, table: Pixels | None) -> GifFrame:
        """Give it other colours, padded to a power of two; None for the file's."""
        if table is None:
            return replace(self, table=None, flags=self.flags & 0x60)
        bits = max(1, (len(table) - 1).bit_length())
        padded = np.zeros((1 << bits, 3), dtype=np.uint8)
        padded[: len(table)] = table
        return replace(self, table=padded, flags=self.flags & 0x40 | 0x80 | (bits - 1))


@dataclass(frozen=True, eq=False)
class Blocks:
    """A GIF.

    Attributes:
        head: Signature, screen and the file's colours, as they stand.
        size: Of the screen, in pixels.
        table: The file's colours, shape (colours, 3); None where there are none.
        items: Frames and other blocks, in order.
        trailer: What follows the end.
    """

    head: bytes
    size: tuple[int, ...]
    table: Pixels | None
    items: Sequence[Extension | GifFrame]
    trailer: bytes

    @property
    def images(self) -> list[GifFrame]:
        """The frames."""
        return [item for item in self.items if isinstance(item, GifFrame)]


def split(data: bytes, limits: Limits) -> Blocks:
    """Split a GIF into blocks.

    Raises:
        DamagedPicture: If they do not end as they should.
        LimitExceeded: If there are too many.
    """
    if len(data) < 13:
        raise DamagedPicture("the GIF is cut off")
    size = struct.unpack_from("<HH", data, 6)
    table, place = _table(data, 13, data[10])
    head = data[:place]
    items: list[Extension | GifFrame] = []
    control = None
    while place < len(data) and data[place] != _END:
        if data[place] == _EXTENSION:
            end = _end_of_blocks(data, place + 2)
            extension = Extension(data[place + 1], data[place + 2 : end])
            if extension.label == _CONTROL:
                control = _control(extension)
            else:
                items.append(extension)
                # It would have been that of the text, which viewers leave out.
                control = None if extension.label == _TEXT else control
        elif data[place] == _IMAGE and len(data) >= place + 10:
            left, top, width, height, flags = struct.unpack_from("<HHHHB", data, place + 1)
            local, start = _table(data, place + 10, flags)
            end = _end_of_blocks(data, start + 1)
            items.append(GifFrame(left, top, width, height, flags, local, data[start:end], control))
            control = None
        else:
            raise DamagedPicture(f"the GIF has an unknown block at byte {place}")
        place = end
        if len(items) > _MAX_EXTENSIONS + limits.max_frames:
            raise LimitExceeded("too many blocks in the GIF")
    if place >= len(data):
        raise DamagedPicture("the GIF is cut off")
    return Blocks(head, size, table, items, data[place + 1 :])


def join(head: bytes, items: Sequence[Extension | GifFrame]) -> bytes:
    """Put a GIF together."""
    return head + b"".join(item.stored for item in items) + bytes((_END,))


def sub_blocks(data: bytes, place: int = 0) -> Iterator[bytes]:
    """Give the sub-blocks from a place on, up to the empty one."""
    while place < len(data) and (length := data[place]):
        yield data[place + 1 : place + 1 + length]
        place += 1 + length


def _end_of_blocks(data: bytes, place: int) -> int:
    """Give the place behind sub-blocks.

    Raises:
        DamagedPicture: If they do not end.
    """
    while place < len(data):
        length = data[place]
        place += 1 + length
        if not length:
            return place
    raise DamagedPicture("the GIF is cut off")


def _control(extension: Extension) -> tuple[int, bytes, int]:
    body = extension.content
    if len(body) != 4:
        raise DamagedPicture("a frame of the GIF is broken")
    return body[0], body[1:3], body[3]


def _table(data: bytes, place: int, flags: int) -> tuple[Pixels | None, int]:
    if not flags & 0x80:
        return None, place
    end = place + (3 << (flags & 7) + 1)
    if end > len(data):
        raise DamagedPicture("the GIF is cut off")
    return np.frombuffer(data[place:end], dtype=np.uint8).reshape(-1, 3), end


def indices_of(image: GifFrame) -> Pixels:
    """Give the colour numbers of a frame, shape (height, width).

    Raises:
        OSError: If Pillow cannot decode them.
    """
    # By itself, on a screen of its own size: how Pillow composes frames is no matter here.
    screen = b"GIF89a" + struct.pack("<HHBBB", image.width, image.height, 0xF7, 0, 0)
    alone = struct.pack("<BHHHHB", _IMAGE, 0, 0, image.width, image.height, image.flags & 0x40)
    colors = np.arange(256, dtype=np.uint8)[::-1].repeat(3).tobytes()
    file = screen + colors + alone + image.data + bytes((_END,))
    with GifImagePlugin.GifImageFile(io.BytesIO(file)) as found:
        found.load()
        return np.array(found)


def compress(indices: Pixels, *, is_interlaced: bool) -> bytes:
    """Give the data of a frame for colour numbers of shape (height, width)."""
    image = Image.fromarray(indices, "P")
    image.putpalette(np.arange(256, dtype=np.uint8).repeat(3).tobytes())
    buffer = io.BytesIO()
    image.save(buffer, "GIF", optimize=False, interlace=int(is_interlaced))
    written = split(buffer.getvalue(), Limits()).images[0]
    if not np.array_equal(indices_of(written), indices):
        raise DamagedPicture("a frame of the GIF could not be compressed")
    return written.data
