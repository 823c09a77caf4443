"""The values of the pipeline say what they mean."""

import dataclasses

import numpy as np
import pytest

from redactor.errors import NotPublishable
from redactor.geometry import Quad
from redactor.model import (
    ONE_DIMENSIONAL,
    QR_FAMILY,
    RETAIL,
    TWO_DIMENSIONAL,
    Action,
    Detection,
    Flag,
    Frame,
    Limits,
    Result,
    Symbology,
    Verdict,
)


def a_code(**fields):
    return Detection(Quad.from_box(0, 0, 9, 9), Symbology.QRCODE, None, 1.0, ("zxing",), **fields)


def test_every_symbology_is_of_one_kind():
    assert set(Symbology) == TWO_DIMENSIONAL | ONE_DIMENSIONAL | {Symbology.UNKNOWN}
    assert not TWO_DIMENSIONAL & ONE_DIMENSIONAL
    assert QR_FAMILY < TWO_DIMENSIONAL
    assert RETAIL < ONE_DIMENSIONAL


def test_families_and_nothing_are_no_known_symbology():
    unknown = {symbology for symbology in Symbology if not symbology.is_known}

    assert unknown == {Symbology.ANY_1D, Symbology.ANY_QR, Symbology.UNKNOWN}


def test_every_action_but_allow_hides():
    assert [action for action in Action if not action.hides] == [Action.ALLOW]


def test_flags_rank_from_mild_to_urgent():
    assert [flag.rank for flag in (Flag.INFO, Flag.REVIEW, Flag.HIGH)] == [0, 1, 2]


def test_a_code_that_was_only_seen_is_not_read():
    assert not a_code().is_read
    assert dataclasses.replace(a_code(), content="").is_read


def test_a_code_is_disputed_when_engines_read_different_texts():
    assert not a_code(readings=("one",)).is_disputed
    assert a_code(readings=("one", "two")).is_disputed


def test_the_size_of_a_frame_is_width_and_height():
    assert Frame((np.zeros((4, 7, 3), np.uint8),)).size == (7, 4)


def test_values_are_frozen():
    for value in (a_code(), Limits(), Result("a.png", Verdict.CLEAN)):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, None)


def a_result(verdict, **fields):
    return Result("a.png", verdict, source_hash="aa", output_hash="bb", _image=b"bytes", **fields)


def test_a_finished_picture_gives_its_bytes():
    result = a_result(Verdict.REDACTED)

    assert result.is_publishable
    assert (result.image, result.changed) == (b"bytes", True)


def test_the_same_bytes_are_no_change():
    assert not dataclasses.replace(a_result(Verdict.CLEAN), output_hash="aa").changed


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (a_result(Verdict.QUARANTINED, reasons=("too large", "torn")), "too large; torn"),
        (a_result(Verdict.FLAGGED, held=True), "holds flagged"),
        (Result("a.png", Verdict.REDACTED, dry_run=True), "only planned"),
    ],
)
def test_what_may_not_go_out_gives_no_bytes(result, words):
    assert not result.is_publishable
    with pytest.raises(NotPublishable, match=f"a.png: .*{words}"):
        _ = result.image


def test_a_result_does_not_show_its_bytes():
    assert repr(b"bytes") not in repr(a_result(Verdict.CLEAN))
