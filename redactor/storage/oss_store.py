"""Pictures in OSS: listed below a prefix, read, asked about, written back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redactor.errors import BackendMissing, StorageError, Unavailable
from redactor.model import AskImageCodes
from redactor.storage import Blob, Item, Marks
from redactor.storage.names import FailedItem, check_relative
from redactor.storage.oss_attributes import flag_tags, mark_headers, tag_headers
from redactor.storage.oss_place import OssPlace
from redactor.storage.oss_probe import PROBE

if TYPE_CHECKING:
    from redactor.storage.oss import OssClient


@dataclass(frozen=True, slots=True)
class OssItem:
    """One object.

    Attributes:
        client: Reads it.
        place: Where it is.
        relative: Its place below the source.
    """

    client: OssClient
    place: OssPlace
    relative: str

    @property
    def name(self) -> str:
        """`oss://bucket/key`."""
        return str(self.place)

    @property
    def ask_image_codes(self) -> AskImageCodes:
        """Asks `image/codes` about the object."""
        return lambda: self.client.ask_image_codes(self.place)

    def read(self, *, max_bytes: int) -> Blob:
        """Read the object."""
        return self.client.read(self.place, max_bytes=max_bytes)


@dataclass(frozen=True, slots=True)
class OssSource:
    """An object, or everything below a prefix.

    Attributes:
        client: Lists and reads.
        place: An object or a prefix.
        base: What is cut off a key to give the relative name.
        folder: What is put before it; empty, or ends with `/`.
        exclude: Prefixes that are not taken, such as that of the output.
    """

    client: OssClient
    place: OssPlace
    base: str
    folder: str = ""
    exclude: Sequence[OssPlace] = ()

    def items(self) -> Iterator[Item]:
        """List the objects, in the order of OSS.

        Raises:
            BackendMissing: If bucket, credentials or permissions are missing, or OSS cannot be
                reached when the listing begins.
        """
        if not self.place.is_prefix:
            yield self._item(self.place.key)
            return
        skip = self._skip()
        has_begun = False
        try:
            for key in (entry.key for entry in self.client.entries(self.place)):
                has_begun = True
                if not key.startswith(skip) and PROBE not in key:
                    yield self._item(key)
        except Unavailable as error:
            if not has_begun:  # a network that is down is no picture that failed
                raise BackendMissing(str(error)) from error
            yield FailedItem(str(self.place), self.place.key, error)
        except StorageError as error:
            yield FailedItem(str(self.place), self.place.key, error)

    def _item(self, key: str) -> OssItem:
        relative = self.folder + key.removeprefix(self.base)
        return OssItem(self.client, OssPlace(self.place.bucket, key), relative)

    def _skip(self) -> tuple[str, ...]:
        """Give prefixes to leave out; an output that holds the input itself leaves out nothing."""
        return tuple(
            place.key
            for place in self.exclude
            if place.bucket == self.place.bucket and not self.place.key.startswith(place.key)
        )


@dataclass(frozen=True, slots=True)
class OssSink:
    """A prefix that names are mirrored below, or one object.

    Attributes:
        client: Writes.
        place: A prefix; or an object, for one picture.
    """

    client: OssClient
    place: OssPlace

    def write(
        self,
        relative: str,
        data: bytes,
        *,
        content_type: str,
        overwrite: bool,
        marks: Marks | None = None,
    ) -> str:
        """Store a picture."""
        place = self.place
        if place.is_prefix:
            place = place.below(check_relative(relative, empty_parts=True))
        headers = mark_headers(marks) | tag_headers(flag_tags(marks)) if marks else {}
        self.client.write(
            place, data, content_type=content_type, overwrite=overwrite, headers=headers
        )
        return str(place)
