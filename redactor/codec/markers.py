"""The marker segments of a JPEG file: where they lie, which may stay, what is refused.

Readers of JPEG resynchronise after broken bytes, each in its own way, so that a broken file can
look different to each. What does not follow the grammar is refused here, before any reader in C
sees it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from redactor.errors import DamagedPicture, LimitExceeded, UnsupportedPicture
from redactor.model import Limits

BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
SOI, EOI, SOS, DHT, DAC, DQT, DRI, COM = 0xD8, 0xD9, 0xDA, 0xC4, 0xCC, 0xDB, 0xDD, 0xFE
APP0, APP1, APP2, APP14 = 0xE0, 0xE1, 0xE2, 0xEE
FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, DAC}  # SOFn
_ARITHMETIC = frozenset(range(0xC9, 0xD0))  # Pillow has no decoder for it
_APPLICATION = frozenset((COM, *range(APP0, APP0 + 16)))
_BETWEEN_SCANS = frozenset((SOS, DHT, DRI, EOI))
_BEFORE_SCANS = _APPLICATION | FRAME_HEADERS | {SOS, DHT, DRI, DQT}
# In entropy-coded data 0xFF is followed by 0 (stuffing), by another 0xFF (fill) or by RSTn.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
# Progressive files have about ten scans. Thousands of near-empty ones over a large picture would
# keep a reader busy for hours.
_MAX_PASSES = 12  # over the largest picture allowed
_MAX_SEGMENTS = 10_000  # a 50 MB ICC profile or XMP packet takes 800


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker segment before the entropy-coded data.

    Attributes:
        marker: The byte after 0xFF.
        body: Without marker and length.
    """

    marker: int
    body: bytes

    @property
    def bytes(self) -> bytes:
        """The segment as it lies in a file."""
        return bytes((0xFF, self.marker)) + (len(self.body) + 2).to_bytes(2, "big") + self.body

    @property
    def is_application(self) -> bool:
        """Whether it is an APPn or a comment: data that decoding does not need."""
        return self.marker in _APPLICATION


def split(data: bytes) -> tuple[list[Segment], bytes, bytes]:
    """Split a JPEG into the segments before its first scan, its scans, and what follows its end.

    Returns:
        The segments, the bytes from the first SOS up to and including EOI, and the trailer.

    Raises:
        DamagedPicture: If markers are broken, or there is no scan or no end, or readers would
            not agree on what the scans show.
        UnsupportedPicture: If other data lies between the scans.
    """
    segments: list[Segment] = []
    scans: list[bytes] = []
    first = None
    for marker, place, end in _walk(data):
        if marker in _ARITHMETIC:
            raise UnsupportedPicture("JPEG with arithmetic coding is not handled yet")
        if first is None and marker not in _BEFORE_SCANS:
            raise DamagedPicture(f"the JPEG has an unknown marker at byte {place}")
        if first is not None and marker not in _BETWEEN_SCANS:
            raise UnsupportedPicture("JPEG with other data between its scans is not handled yet")
        if marker == EOI:
            _check_scans(segments, scans)
            return segments, data[first:end], data[end:]
        if marker == SOS:
            first = place if first is None else first
            scans.append(data[place + 4 : end])
        elif first is None:
            segments.append(Segment(marker, data[place + 4 : end]))
    raise DamagedPicture(
        "the JPEG is broken or cut off before its first scan"
        if first is None
        else "the JPEG is cut off: it has no end marker"
    )


def check_passes(data: bytes, size: tuple[int, int], limits: Limits) -> None:
    """Hold the work that the scans ask for against the limits.

    Raises:
        LimitExceeded: If there are too many scans for a picture of this size.
    """
    try:
        scans = sum(marker == SOS for marker, *_ in _walk(data))
    except DamagedPicture:  # some readers cope; this many scans at most
        scans = data.count(bytes((0xFF, SOS)))
    if scans * size[0] * size[1] > _MAX_PASSES * limits.max_pixels:
        raise LimitExceeded(f"{scans} scans of {size[0]} x {size[1]} pixels")


def components(header: bytes, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Read id, horizontal and vertical sampling and quantisation table of each component.

    Args:
        header: The body of the frame header.
        size: Width and height that it has to state.
    """
    if len(header) < 6 or len(header) != 6 + 3 * header[5] or not 1 <= header[5] <= 4:
        raise DamagedPicture("the JPEG's frame header is broken")
    if size != (int.from_bytes(header[3:5], "big"), int.from_bytes(header[1:3], "big")):
        raise DamagedPicture("the JPEG's frame header does not state the size it decodes to")
    found = [
        (header[at], header[at + 1] >> 4, header[at + 1] & 15, header[at + 2])
        for at in range(6, len(header), 3)
    ]
    if any(not 1 <= factor <= 4 for _, across, down, _ in found for factor in (across, down)):
        raise DamagedPicture("the JPEG's sampling factors are out of range")
    if len({identity for identity, *_ in found}) < len(found):
        raise DamagedPicture("the JPEG's components share an id")
    # A single component is not interleaved: its unit is one block whatever its factors say.
    return found if len(found) > 1 else [(found[0][0], 1, 1, found[0][3])]


def quantisation(segments: Iterable[Segment]) -> dict[int, tuple[int, tuple[int, ...]]]:
    """Read the quantisation tables.

    Returns:
        For each number of a table its bytes a value, 1 or 2, and 64 values in the order in which
        they lie in the file: zigzag.

    Raises:
        DamagedPicture: If one is cut off.
    """
    tables = {}
    for body in (segment.body for segment in segments if segment.marker == DQT):
        place = 0
        while place < len(body):
            wide, number = 1 + (body[place] >> 4), body[place] & 15
            values = body[place + 1 : place + 1 + 64 * wide]
            if wide > 2 or len(values) < 64 * wide:
                raise DamagedPicture("a quantisation table of the JPEG is broken")
            tables[number] = wide, struct.unpack(">64H" if wide > 1 else ">64B", values)
            place += 1 + 64 * wide
    return tables


def _walk(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Give marker, place and end of each segment from the byte after SOI to EOI.

    Ends early where the data does.

    Raises:
        DamagedPicture: If there is something else where a marker must be.
        LimitExceeded: If there are more segments than any camera or program writes.
    """
    place, count = 2, 0
    while place + 2 <= len(data):
        if data[place] != 0xFF:
            raise DamagedPicture(f"the JPEG has no marker at byte {place}")
        marker = data[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        if marker == EOI:
            yield marker, place, place + 2
            return
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        end = place + 2 + length
        if length < 2 or end > len(data):
            return
        yield marker, place, end
        place = end
        count += 1
        if count > _MAX_SEGMENTS:
            raise LimitExceeded(f"more than {_MAX_SEGMENTS:,} segments in the JPEG")
        if marker == SOS:
            following = _MARKER.search(data, place)
            if following is None:
                return
            place = following.start()


def _check_scans(segments: list[Segment], scans: list[bytes]) -> None:
    """Refuse pictures with scans that one reader would show and another would not."""
    headers = [segment for segment in segments if segment.marker in FRAME_HEADERS]
    if len(headers) != 1:
        raise DamagedPicture("the JPEG has no single frame header")
    if any(len(scan) < 6 or len(scan) != 4 + 2 * scan[0] for scan in scans):
        raise DamagedPicture("a scan header of the JPEG is broken")
    if headers[0].marker == PROGRESSIVE:
        _check_progression(scans)
        return
    coded = [identity for scan in scans for identity in scan[1 : 1 + 2 * scan[0] : 2]]
    if len(coded) != len(set(coded)):
        raise DamagedPicture("the JPEG codes a component twice")


def _check_progression(scans: list[bytes]) -> None:
    """Refuse progressive pictures with bits missing or given twice.

    Readers smooth over what is missing, and would show something else once it is written whole.
    """
    lacking: dict[tuple[int, int], int] = {}  # bits that each coefficient still lacks
    for scan in scans:
        first, last, bits = scan[-3:]
        before, after = bits >> 4, bits & 15
        for identity in scan[1 : 1 + 2 * scan[0] : 2]:
            for place in ((identity, index) for index in range(first, last + 1)):
                if (before, place in lacking) != (lacking.get(place, 0), before > 0):
                    raise DamagedPicture("the progressive JPEG's scans do not follow each other")
                lacking[place] = after
    identities = {identity for identity, _ in lacking}
    if any(lacking.get((identity, index), 1) for identity in identities for index in range(10)):
        raise DamagedPicture("the progressive JPEG is not complete")
