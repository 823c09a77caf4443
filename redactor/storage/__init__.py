"""Where pictures come from and where they go: folders, OSS, memory.

A `Source` lists items; an `Item` is read and, on OSS, can be asked what `image/codes` says of it;
a `Sink` takes finished pictures. Foreign errors become `StorageError` here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from redactor.model import AskImageCodes


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes as they lie in a store.

    Attributes:
        data: The whole object or file.
        etag: The store's ETag without quotes; None where the store has none.
    """

    data: bytes
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """What is noted beside a finished picture, in stores that keep notes.

    Attributes:
        version: Of redactor.
        policy: Hash of the policy.
        verdict: `clean`, `redacted` …
        source_etag: Of the object that it was made from, without quotes; None where there is none.
        flag: The level, where a person should look; None for none.
    """

    version: str
    policy: str
    verdict: str
    source_etag: str | None = None
    flag: str | None = None


class Item(Protocol):
    """One picture in a store."""

    @property
    def name(self) -> str:
        """As the user would type it: a path or `oss://bucket/key`."""

    @property
    def relative(self) -> str:
        """Its place below the source, with `/`, to be mirrored below a sink."""

    @property
    def modified(self) -> float | None:
        """When it changed last, in seconds since 1970; None where that is not known."""

    @property
    def size(self) -> int | None:
        """Bytes, as the listing or the system says; None where that is not known."""

    @property
    def state(self) -> str | None:
        """What differs once the bytes do, told without reading them: such as an ETag.

        None where that is not known.
        """

    def read(self, *, max_bytes: int) -> Blob:
        """Read the bytes.

        Raises:
            LimitExceeded: If there are more than `max_bytes`, before they are read.
            StorageError: If they cannot be read.
        """

    @property
    def ask_image_codes(self) -> AskImageCodes | None:
        """Asks `image/codes` about this object; None where the store cannot."""


class Source(Protocol):
    """A place that pictures come from."""

    def items(self) -> Iterator[Item]:
        """List the pictures, in order, one at a time."""


class Sink(Protocol):
    """A place that finished pictures go to."""

    def write(
        self,
        relative: str,
        data: bytes,
        *,
        content_type: str,
        overwrite: bool,
        marks: Marks | None = None,
    ) -> str:
        """Store a finished picture whole or not at all.

        Returns:
            The name it now has: a path or `oss://bucket/key`.

        Raises:
            AlreadyExists: If it is there already and `overwrite` is false.
            StorageError: If it cannot be written.
        """
