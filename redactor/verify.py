"""What can still be read: the last look before a picture is written.

A check is a function of the rendered picture, its regions and what is allowed to stay. It never
sees what the hidden codes said, so escalation cannot depend on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from redactor.detect import LocalDetector
from redactor.detect.remedies import HARD_COUNT
from redactor.model import Check, Decision, Detection, Frame, Region

_INSIDE_SHARE = 0.2  # of a reading's area that lies in a region, for it to be a leak of it
_CONTEXT = 0.25  # of a region's longer side, looked at around it


@dataclass(frozen=True, slots=True)
class Findings:
    """What one round of checking found.

    Attributes:
        leaks: For each region, whether something in it can be read.
        strangers: Readings outside of every region that no decision knows.
        check: The round, for the result.
    """

    leaks: tuple[bool, ...]
    strangers: tuple[Detection, ...]
    check: Check

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not any(self.leaks) and not self.strangers


def check(
    detector: LocalDetector,
    frames: Sequence[Frame],
    regions: Sequence[Region],
    allowed: Sequence[Decision],
    *,
    whole: bool,
    by_place: bool = False,
) -> Findings:
    """Look for what can still be read in a rendered picture.

    Args:
        detector: Whose decoders read.
        frames: The picture as it would be written, decoded again, and others in its file.
        regions: What is hidden, each in its frame.
        allowed: Decisions on the codes that stay.
        whole: Look at every frame as if for the first time as well, because only others have;
            otherwise at the regions with their context, and at first sight at all around them.

        by_place: Take what is read in the place of a code that stays for that code, whatever it
            says: its bytes are known to be those that were decided about.

    Raises:
        DetectorError: If an engine fails.
    """
    readings = []
    for index in range(len(frames)) if by_place else sorted({region.frame for region in regions}):
        quads = [region.quad for region in regions if region.frame == index]
        readings += [
            replace(code, frame=index)
            for code in detector.read_last(frames[index], quads, margin=_CONTEXT)
        ]
    if whole:
        readings += [code for code in detector.detect(frames) if code.is_read]
    leaks = tuple(any(_lies_in(code, region) for code in readings) for region in regions)
    strangers = tuple(
        code
        for code in readings
        if not any(_lies_in(code, region) for region in regions)
        and not any(_explains(decision, code, by_place) for decision in allowed)
    )
    leaking = tuple(region.quad for region, leak in zip(regions, leaks, strict=True) if leak)
    return Findings(
        leaks,
        strangers,
        Check(
            detector.reader_names,
            HARD_COUNT,
            leaking + tuple(code.quad for code in strangers),
            "picture" if whole else "regions",
        ),
    )


def _lies_in(reading: Detection, region: Region) -> bool:
    if reading.frame != region.frame:
        return False
    if reading.quad.area <= 0:
        return region.quad.contains(reading.quad.center)
    return reading.quad.overlap(region.quad) > _INSIDE_SHARE * reading.quad.area


def _explains(decision: Decision, reading: Detection, by_place: bool) -> bool:
    """Say whether an allowed code is what was read: the same content in the same place."""
    if decision.detection.frame != reading.frame:
        return False
    if not by_place and decision.detection.content != reading.content:
        return False
    known, seen = decision.detection.quad, reading.quad
    grown = known.grow(*(0.1 * side + 2 for side in known.sides))
    return grown.contains(seen.center) or seen.contains(known.center)
