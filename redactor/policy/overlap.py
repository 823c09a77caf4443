"""The law between codes: where two overlap, hiding beats allowing.

A code drawn inside or across another can be shown by neither rule alone: what is left of the
hidden one might be read with it, or it is half covered itself.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from redactor.geometry import Quad
from redactor.model import Decision, Flag

SLIVER = 0.01  # share of the smaller code; detectors are off by this much


def hide_overlapping(decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """Hide each allowed code that overlaps a hidden one, and those that overlap it in turn.

    Args:
        decisions: About the codes of one picture; the order is kept.
    """
    settled = list(decisions)
    spread = [index for index, decision in enumerate(settled) if decision.action.hides]
    shown = [index for index, decision in enumerate(settled) if not decision.action.hides]
    if not spread or not shown:
        return tuple(settled)
    boxes = np.array([decision.detection.quad.box for decision in settled], dtype=np.int64)
    while spread and shown:
        hidden = settled[spread.pop(0)]
        near = [shown[place] for place in _near(boxes[shown], hidden)]
        caught = [index for index in near if _overlap(settled[index], hidden)]
        for index in caught:
            settled[index] = _overruled(settled[index], hidden)
        spread += caught
        shown = [index for index in shown if index not in caught]
    return tuple(settled)


def _near(boxes: NDArray[np.int64], hidden: Decision) -> NDArray[np.intp]:
    left, top, right, bottom = hidden.detection.quad.box
    apart = (boxes[:, 0] > right) | (boxes[:, 2] < left)
    return np.flatnonzero(~(apart | (boxes[:, 1] > bottom) | (boxes[:, 3] < top)))


def _overlap(one: Decision, other: Decision) -> bool:
    if one.detection.frame != other.detection.frame:
        return False
    first, second = _body(one.detection.quad), _body(other.detection.quad)
    return first.overlap(second) > SLIVER * min(first.area, second.area)


def _body(quad: Quad) -> Quad:
    # Some detectors give a barcode as the line they read it along, which has no area.
    return quad if quad.area >= 1 else quad.grow(1)


def _overruled(decision: Decision, hidden: Decision) -> Decision:
    flags = [flag for flag in (decision.flag, hidden.flag) if flag]
    return replace(
        decision,
        action=hidden.action,
        style=hidden.style,
        flag=max(flags, key=lambda flag: Flag(flag).rank, default=None),
        reason=f"overlaps a code that `{hidden.rule}` hides",
    )
