"""Pictures in memory: for tests, and for callers that have the bytes already."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from redactor.errors import AlreadyExists, RedactorError
from redactor.model import AskImageCodes, ImageCodes
from redactor.storage import Blob, Marks
from redactor.storage.names import IF_THERE, check_relative, too_large


@dataclass(frozen=True, slots=True)
class MemoryItem:
    """One picture.

    Attributes:
        name: What it is called; also its place below a sink.
        data: The bytes, or the error that reading ends in.
        image_codes: What `image/codes` says of it, or the error; None where it cannot be asked.
    """

    name: str
    data: bytes | RedactorError
    image_codes: bytes | RedactorError | None = None

    @property
    def relative(self) -> str:
        """The name."""
        return self.name

    @property
    def ask_image_codes(self) -> AskImageCodes | None:
        """Gives the answer it was made with."""
        return None if self.image_codes is None else self._answer

    @property
    def modified(self) -> float | None:
        """None."""
        return None

    @property
    def size(self) -> int | None:
        """None."""
        return None

    @property
    def state(self) -> str | None:
        """None."""
        return None

    def read(self, *, max_bytes: int) -> Blob:
        """Give the bytes."""
        data = _given(self.data)
        if len(data) > max_bytes:
            raise too_large(self.name, max_bytes, len(data))
        return Blob(data)

    def _answer(self) -> ImageCodes:
        return ImageCodes(_given(self.image_codes or b""))


class MemorySource:
    """Pictures by name, in the order given."""

    def __init__(
        self,
        pictures: Mapping[str, bytes | RedactorError],
        *,
        image_codes: Mapping[str, bytes | RedactorError] | None = None,
    ) -> None:
        """Take pictures.

        Args:
            pictures: Bytes by name; an error is raised where it is read.
            image_codes: Answers of `image/codes` by name; those without cannot be asked.
        """
        self._pictures = pictures
        self._image_codes = image_codes or {}

    def items(self) -> Iterator[MemoryItem]:
        """List the pictures."""
        for name, data in self._pictures.items():
            yield MemoryItem(name, data, self._image_codes.get(name))


class MemorySink:
    """Keeps what is written.

    Attributes:
        written: Bytes by relative name.
        content_types: Content types by relative name.
    """

    def __init__(self, written: Mapping[str, bytes] | None = None) -> None:
        self.written: dict[str, bytes] = dict(written or {})
        self.content_types: dict[str, str] = {}
        self._lock = threading.Lock()

    def write(
        self,
        relative: str,
        data: bytes,
        *,
        content_type: str,
        overwrite: bool,
        marks: Marks | None = None,
    ) -> str:
        """Keep a picture."""
        check_relative(relative)
        with self._lock:
            if relative in self.written and not overwrite:
                raise AlreadyExists(f"{relative}: exists; {IF_THERE}")
            self.written[relative] = bytes(data)
            self.content_types[relative] = content_type
        return relative


def _given(value: bytes | RedactorError) -> bytes:
    if isinstance(value, RedactorError):
        raise value
    return value
