"""Pictures in OSS: listed below a prefix, read, asked about, written back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redactor.errors import AccessRefused, BackendMissing, StorageError, Unavailable
from redactor.model import AskImageCodes
from redactor.storage import Blob, Item, Marks
from redactor.storage.names import FailedItem, check_relative, too_large
from redactor.storage.oss_attributes import flag_tags, mark_headers, tag_headers
from redactor.storage.oss_inventory import entries as inventory_entries
from redactor.storage.oss_inventory import is_inventory, read_manifest
from redactor.storage.oss_place import OssPlace
from redactor.storage.oss_probe import is_probe

if TYPE_CHECKING:
    from redactor.storage.imm_gate import ImmGate
    from redactor.storage.oss import Entry, OssClient


@dataclass(frozen=True, slots=True)
class OssItem:
    """One object.

    Attributes:
        client: Reads it.
        place: Where it is.
        relative: Its place below the source.
        entry: What the listing says of it; None for one that was named itself.
        imm: Counts and limits what is asked of `image/codes`; None for no limits.
    """

    client: OssClient
    place: OssPlace
    relative: str
    entry: Entry | None = None
    imm: ImmGate | None = None

    @property
    def name(self) -> str:
        """`oss://bucket/key`."""
        return str(self.place)

    @property
    def modified(self) -> float | None:
        """As the listing says."""
        return self.entry.modified if self.entry else None

    @property
    def ask_image_codes(self) -> AskImageCodes:
        """Asks `image/codes` about the object."""
        return lambda: self.client.ask_image_codes(self.place, gate=self.imm)

    @property
    def size(self) -> int | None:
        """As the listing says."""
        return self.entry.size if self.entry else None

    @property
    def state(self) -> str | None:
        """The ETag, as the listing says."""
        return (self.entry.etag or None) if self.entry else None

    def read(self, *, max_bytes: int) -> Blob:
        """Read the object; one that is listed as too large is not even asked for."""
        if self.entry is not None and self.entry.size > max_bytes:
            raise too_large(self.name, max_bytes, self.entry.size)
        return self.client.read(self.place, max_bytes=max_bytes)


@dataclass(frozen=True, slots=True)
class OssSource:
    """An object, everything below a prefix, or everything that an inventory names.

    Attributes:
        client: Lists and reads.
        place: An object, a prefix, or the manifest of an inventory.
        base: What is cut off a key to give the relative name.
        folder: What is put before it; empty, or ends with `/`.
        exclude: Prefixes that are not taken, such as that of the output.
        start_after: A key; those up to it are left out of a listing.
        imm: Counts and limits what is asked of `image/codes`; None for no limits.
    """

    client: OssClient
    place: OssPlace
    base: str
    folder: str = ""
    exclude: Sequence[OssPlace] = ()
    start_after: str = ""
    imm: ImmGate | None = None

    @property
    def root(self) -> OssPlace:
        """The prefix that everything lies below; of an inventory, the bucket that it is of.

        Raises:
            StorageError: If the manifest cannot be read.
        """
        if is_inventory(self.place):
            return OssPlace(read_manifest(self.client, self.place).bucket, "")
        return OssPlace(self.place.bucket, self.place.folder)

    def items(self) -> Iterator[Item]:
        """List the objects, in the order of OSS.

        Raises:
            BackendMissing: If bucket, credentials or permissions are missing, or OSS cannot be
                reached when the listing begins.
        """
        if not self.place.is_prefix and not is_inventory(self.place):
            yield self._item(self.place)
            return
        has_begun = False
        try:
            for place, entry in self._entries():
                has_begun = True
                if not self._is_left_out(place) and not is_probe(entry.key, entry.size):
                    yield self._item(place, entry)
        except Unavailable as error:
            if not has_begun:  # a network that is down is no picture that failed
                raise BackendMissing(str(error)) from error
            yield FailedItem(str(self.place), self.place.key, error)
        except StorageError as error:
            yield FailedItem(str(self.place), self.place.key, error)

    def _entries(self) -> Iterator[tuple[OssPlace, Entry]]:
        if not is_inventory(self.place):
            for entry in self.client.entries(self.place, start_after=self.start_after):
                yield OssPlace(self.place.bucket, entry.key), entry
            return
        inventory = read_manifest(self.client, self.place)
        after = self.start_after.encode()
        for entry in inventory_entries(self.client, inventory):
            if entry.key.encode() > after:
                yield OssPlace(inventory.bucket, entry.key), entry

    def _item(self, place: OssPlace, entry: Entry | None = None) -> OssItem:
        base = "" if is_inventory(self.place) else self.base
        relative = self.folder + place.key.removeprefix(base)
        return OssItem(self.client, place, relative, entry, self.imm)

    def _is_left_out(self, place: OssPlace) -> bool:
        """Say whether it is in an output, unless that holds the input itself."""
        return any(
            place.bucket == one.bucket
            and place.key.startswith(one.key)
            and not (self.place.bucket == one.bucket and self.place.key.startswith(one.key))
            for one in self.exclude
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
        """Store a picture; one that a hook or an earlier run has stored is left as it is."""
        place = self.place
        if place.is_prefix:
            place = place.below(check_relative(relative, empty_parts=True))
        if overwrite and marks and self._is_there(place, data, content_type, marks):
            return str(place)
        headers = mark_headers(marks) | tag_headers(flag_tags(marks)) if marks else {}
        self.client.write(
            place, data, content_type=content_type, overwrite=overwrite, headers=headers
        )
        return str(place)

    def _is_there(self, place: OssPlace, data: bytes, content_type: str, marks: Marks) -> bool:
        """Whether these very bytes are there, of the same source and by the same policy."""
        try:
            head = self.client.find(place)
        except AccessRefused:  # who may only write there does
            return False
        if head is None or not head.is_of(data):
            return False
        expected = mark_headers(marks) | {"content-type": content_type}
        return all(head.headers.get(name) == value for name, value in expected.items())
