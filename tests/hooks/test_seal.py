"""A seal holds for these bytes, at this place, by this policy, under this key."""

import pytest

from redactor.errors import BackendMissing
from redactor.hooks.seal import HEADER, Seals
from redactor.storage.oss_place import OssPlace

PLACE = OssPlace("shop", "public/a.jpg")
KEY = b"sixteen bytes, or"


def test_a_seal_holds_where_it_was_made():
    seals = Seals(KEY, "policy")

    assert seals.holds(PLACE, b"picture", seals.headers(PLACE, b"picture"))


@pytest.mark.parametrize(
    ("key", "policy", "place", "data"),
    [
        (b"another key of 16", "policy", PLACE, b"picture"),
        (KEY, "other", PLACE, b"picture"),
        (KEY, "policy", OssPlace("other", "public/a.jpg"), b"picture"),
        (KEY, "policy", OssPlace("shop", "public/b.jpg"), b"picture"),
        (KEY, "policy", PLACE, b"another"),
        (None, "policy", PLACE, b"picture"),
    ],
)
def test_a_seal_that_was_copied_to_anything_else_does_not_hold(key, policy, place, data):
    copied = Seals(KEY, "policy").headers(PLACE, b"picture")

    assert not Seals(key, policy).holds(place, data, copied)


@pytest.mark.parametrize("forged", [{}, {HEADER: ""}, {HEADER: "0" * 64}, {HEADER: "é"}])
def test_metadata_that_anybody_can_write_is_no_seal(forged):
    assert not Seals(KEY, "policy").holds(PLACE, b"picture", forged)


def test_without_a_key_nothing_is_sealed():
    assert Seals(None, "policy").headers(PLACE, b"picture") == {}


def test_a_short_key_is_refused():
    with pytest.raises(BackendMissing, match="16 bytes"):
        Seals(b"short", "policy")
