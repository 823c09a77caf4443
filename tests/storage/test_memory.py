"""Pictures in memory behave as those in a store."""

import pytest

from redactor.errors import AlreadyExists, LimitExceeded, NotFound, StorageError
from redactor.model import ImageCodes
from redactor.storage.memory import MemorySink, MemorySource


def test_a_source_gives_what_it_was_made_with():
    source = MemorySource({"a.jpg": b"x", "b/c.png": b"y"}, image_codes={"a.jpg": b"{}"})

    first, second = source.items()

    assert (first.name, first.relative, first.read(max_bytes=1).data) == ("a.jpg", "a.jpg", b"x")
    assert first.ask_image_codes() == ImageCodes(b"{}")
    assert second.ask_image_codes is None


def test_a_source_can_fail():
    (item,) = MemorySource({"a": NotFound("gone")}, image_codes={"a": StorageError("no")}).items()

    with pytest.raises(NotFound, match="gone"):
        item.read(max_bytes=1)
    with pytest.raises(StorageError, match="no"):
        item.ask_image_codes()


def test_a_source_has_limits():
    (item,) = MemorySource({"a": b"12"}).items()

    with pytest.raises(LimitExceeded):
        item.read(max_bytes=1)


def test_a_sink_keeps_what_is_written():
    sink = MemorySink()

    assert sink.write("a.jpg", b"x", content_type="image/jpeg", overwrite=False) == "a.jpg"

    assert sink.written == {"a.jpg": b"x"}
    assert sink.content_types == {"a.jpg": "image/jpeg"}
    with pytest.raises(AlreadyExists):
        sink.write("a.jpg", b"y", content_type="image/jpeg", overwrite=False)
    sink.write("a.jpg", b"y", content_type="image/jpeg", overwrite=True)
    with pytest.raises(StorageError):
        sink.write("../a.jpg", b"x", content_type="image/jpeg", overwrite=True)
