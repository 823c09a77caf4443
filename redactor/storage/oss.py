"""What is asked of OSS: read, write, copy, delete, list, and what is known about an object.

Every answer is checked: the length and CRC-64 of what was read, Content-MD5 and CRC-64 of what
was written.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from redactor.errors import (
    AlreadyExists,
    Changed,
    DamagedTransfer,
    NotFound,
    PictureError,
    StorageError,
    Unavailable,
    UnsupportedPicture,
)
from redactor.model import ImageCodes
from redactor.storage import Blob
from redactor.storage.imm_gate import ImmGate
from redactor.storage.names import IF_THERE, too_large
from redactor.storage.oss_place import OssPlace, OssSettings
from redactor.storage.oss_session import OssSession, bounded, crc64, tagging
from redactor.storage.retry import Retry

T = TypeVar("T")
MAX_ANSWER_BYTES = 4_000_000
MAX_KEY_BYTES = 1023
PAGE = 1000
_CHUNK = 1 << 16
_UNPACKED = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a listing.

    Attributes:
        key: Of the object.
        size: Bytes.
        modified: Seconds since 1970.
        etag: Without quotes; empty where it is not known.
    """

    key: str
    size: int
    modified: float
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """What OSS knows about an object.

    Attributes:
        etag: Without quotes.
        size: Bytes.
        crc: CRC-64; None for objects older than the checksum.
        kind: `Normal`, `Multipart`, `Appendable` or `Symlink`.
        version: Its id; `null` for one from before versioning; None where there is none.
        headers: All of them, names in lower case.
    """

    etag: str
    size: int
    crc: int | None
    kind: str
    version: str | None
    headers: Mapping[str, str] = field(repr=False)

    def is_of(self, data: bytes) -> bool:
        """Whether the object has these bytes, by length and checksum."""
        return self.size == len(data) and self.crc == crc64(data)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object.

    Attributes:
        id: As OSS names it.
        etag: Without quotes.
        size: Bytes.
        is_latest: Whether it is the one that is read without an id.
    """

    id: str
    etag: str
    size: int
    is_latest: bool


class OssClient:
    """Reads and writes objects. One is enough for all threads; they share its connections.

    Every method raises `StorageError` where it fails and `BackendMissing` where bucket or
    credentials are missing.

    Attributes:
        session: How requests reach OSS.
    """

    def __init__(
        self,
        settings: OssSettings = OssSettings(),  # noqa: B008 - frozen
        *,
        retry: Retry | None = None,
        credentials: Any = None,  # noqa: ANN401 - oss2 has no types
    ) -> None:
        """Prepare a client; nothing is sent yet.

        Args:
            settings: How OSS is reached.
            retry: How it tries again; as the settings say by default.
            credentials: A provider of oss2; by default the environment is asked at each request.

        Raises:
            BackendMissing: If endpoint, region, credentials or a package are missing.
        """
        self.session = OssSession(settings, retry, credentials)
        if self.session.settings.imm_project is not None:
            import redactor.storage.imm_api  # noqa: F401 - now, so that a missing package is told
        self._versioning: dict[str, str] = {}

    def __reduce__(self) -> tuple[object, ...]:
        # Connections do not travel between processes; each has one client for the same settings,
        # with credentials of its own environment.
        return connect, (self.session.settings,)

    def read(self, place: OssPlace, *, max_bytes: int) -> Blob:
        """Read an object whole, its length and checksum compared with what OSS announces.

        Raises:
            LimitExceeded: If it has more bytes, before they are read.
            UnsupportedPicture: If it is stored compressed (Content-Encoding).
            StorageError: If it cannot be read.
            BackendMissing: If bucket or credentials are missing.
        """

        def once(bucket: Any) -> Blob:  # noqa: ANN401 - oss2 has no types
            with bucket.get_object(place.key) as answer:
                return Blob(_body(answer, str(place), max_bytes), answer.etag)

        return self.session.call(place, once)

    def ask_image_codes(self, place: OssPlace, *, gate: ImmGate | None = None) -> ImageCodes:
        """Ask IMM what codes it sees in an object: through OSS or, with a project, IMM itself.

        Args:
            place: Of the object.
            gate: Is asked for leave before each request.

        Raises:
            Changed: If the object is another one after IMM itself has looked at it.
        """
        if self.session.settings.imm_project is not None:
            return self._ask_project(place, gate)
        name = f"{place}?x-oss-process=image/codes"

        def once(bucket: Any) -> ImageCodes:  # noqa: ANN401 - oss2 has no types
            with bucket.get_object(place.key, process="image/codes") as answer:
                return ImageCodes(_answer_body(answer, name), answer.etag)

        return self._gated(gate, lambda: self.session.call_once(place, once, name=name))

    def _ask_project(self, place: OssPlace, gate: ImmGate | None) -> ImageCodes:
        from redactor.storage.imm_api import Keys, detect_image_codes

        session = self.session

        def once() -> bytes:
            return detect_image_codes(session.settings, place, Keys(*session.credentials()))

        # IMM does not say of which bytes it speaks.
        etag = self.head(place).etag
        body = self._gated(gate, lambda: session.renewing(once))
        if self.head(place).etag != etag:
            raise Changed(f"{place}: changed while IMM looked at it; run again")
        return ImageCodes(body, etag)

    def _gated(self, gate: ImmGate | None, ask: Callable[[], T]) -> T:
        """Ask IMM, again after failures that may pass, as often as the gate lets through."""

        def once() -> T:
            if gate is not None:
                gate.enter()
            return ask()

        try:
            answer = self.session.retry(once)
        except StorageError as error:
            if gate is not None:
                gate.tell(error)
            raise
        if gate is not None:
            gate.tell(None)
        return answer

    def write(
        self,
        place: OssPlace,
        data: bytes,
        *,
        content_type: str,
        overwrite: bool,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Store an object whole.

        In a bucket with versioning, on or suspended, OSS does not keep writers from replacing an
        object. There it is looked for first, and one that comes between is replaced all the same
        (and stays as an older version).

        Args:
            place: Where.
            data: The bytes.
            content_type: True to the bytes.
            overwrite: Whether what is there may be replaced.
            headers: Further ones, such as metadata.

        Raises:
            AlreadyExists: If it is there and may not be replaced.
        """
        _check_key(place)
        sent = {
            **(headers or {}),
            "Content-Type": content_type,
            "x-oss-forbid-overwrite": "false" if overwrite else "true",
        }
        if not overwrite and self.versioning(place):
            self._check_absent(place)
        failed: list[StorageError] = []

        def once() -> None:
            try:
                self.put_once(place, data, sent)
            except (Unavailable, DamagedTransfer) as error:
                failed.append(error)
                raise
            except AlreadyExists:
                # The answer to an earlier attempt may have been lost after the work was done.
                if not failed or not self.head_once(place).is_of(data):
                    raise

        self.session.retry(once)

    def put_once(
        self, place: OssPlace, data: bytes, headers: Mapping[str, str | bytes]
    ) -> str | None:
        """Store an object, whatever is there, and do not try again.

        Returns:
            The id of the new version; None where there are no versions.
        """
        sent = {**headers, "Content-MD5": base64.b64encode(_md5(data)).decode()}
        # oss2 compares the checksum of the answer with that of what it sent.
        return self.session.call_once(
            place, lambda bucket: bucket.put_object(place.key, data, headers=sent).versionid
        )

    def copy(self, source: OssPlace, target: OssPlace, headers: Mapping[str, str | bytes]) -> None:
        """Copy an object within OSS; both buckets must be in one region.

        Raises:
            AlreadyExists: If the headers forbid to replace what is there.
            Changed: If the headers name an ETag, and the source has another.
        """
        _check_key(target)
        self.session.call(
            target,
            lambda bucket: bucket.copy_object(
                source.bucket, source.key, target.key, headers=dict(headers)
            ),
            name=f"{source}, copied to {target}",
        )

    def head(self, place: OssPlace) -> Head:
        """Ask what is known about an object."""
        return self.session.retry(lambda: self.head_once(place))

    def head_once(self, place: OssPlace) -> Head:
        """Ask the same, and do not try again."""
        answer = self.session.call_once(place, lambda bucket: bucket.head_object(place.key))
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Head(
            answer.etag or "",
            answer.content_length or 0,
            answer.server_crc,
            answer.object_type or "Normal",
            headers.get("x-oss-version-id"),
            headers,
        )

    def find(self, place: OssPlace) -> Head | None:
        """Ask what is known about an object; None where there is none."""
        try:
            return self.head(place)
        except NotFound:
            return None

    def delete(self, place: OssPlace, *, version: str | None = None) -> str | None:
        """Delete an object, or one version of it; what does not exist is no error.

        Returns:
            The id of the marker that was written instead, where the bucket has versions.
        """
        params = {"versionId": version} if version else None
        answer = self.session.call(
            place, lambda bucket: bucket.delete_object(place.key, params=params)
        )
        return answer.versionid if answer.delete_marker and not version else None

    def acl(self, place: OssPlace) -> str:
        """Give the access list of an object, such as `default` (as the bucket) or `private`."""
        return str(self.session.call(place, lambda bucket: bucket.get_object_acl(place.key)).acl)

    def tags(self, place: OssPlace) -> dict[str, str]:
        """Give the tags of an object."""
        answer = self.session.call(place, lambda bucket: bucket.get_object_tagging(place.key))
        return dict(answer.tag_set.tagging_rule)

    def put_tags(self, place: OssPlace, tags: Mapping[str, str]) -> None:
        """Replace the tags of an object; its bytes and its time of change stay."""
        sent = tagging(dict(tags))
        self.session.call(place, lambda bucket: bucket.put_object_tagging(place.key, sent))

    def versioning(self, place: OssPlace) -> str:
        """Say whether a bucket keeps versions: `Enabled`, `Suspended`, or empty.

        Where it may not be asked, `unknown`. Asked once a bucket.
        """
        if place.bucket not in self._versioning:
            try:
                answer = self.session.call(place, lambda bucket: bucket.get_bucket_versioning())
                self._versioning[place.bucket] = answer.status or ""
            except StorageError as error:
                if isinstance(error, Unavailable):
                    raise
                self._versioning[place.bucket] = "unknown"
        return self._versioning[place.bucket]

    def versions(self, place: OssPlace) -> list[Version]:
        """Give the newest versions of an object, newest first; a thousand at most."""
        answer = self.session.call(
            place, lambda bucket: bucket.list_object_versions(prefix=place.key, max_keys=PAGE)
        )
        return [
            Version(one.versionid, one.etag, one.size, one.is_latest)
            for one in answer.versions
            if one.key == place.key
        ]

    def replicas(self, place: OssPlace) -> list[str]:
        """Name the buckets that copies of what is written go to."""
        try:
            answer = self.session.call(place, lambda bucket: bucket.get_bucket_replication())
        except NotFound:
            return []
        return [f"oss://{rule.target_bucket_name}/" for rule in answer.rule_list]

    def entries(self, place: OssPlace, *, start_after: str = "") -> Iterator[Entry]:
        """List what is below a prefix, page by page, without folder placeholders.

        Args:
            place: A prefix.
            start_after: A key; those up to it are left out.
        """
        token = ""
        while True:
            page = self._page(place, token, start_after, PAGE)
            for one in page.object_list:
                if not one.key.endswith("/"):
                    yield Entry(one.key, one.size, one.last_modified, one.etag)
            if not page.is_truncated:
                return
            token = page.next_continuation_token

    def check(self, place: OssPlace) -> None:
        """Do nothing if the bucket can be listed."""
        self._page(place, "", "", 1)

    def _page(self, place: OssPlace, token: str, start_after: str, max_keys: int) -> Any:  # noqa: ANN401 - oss2 has no types
        return self.session.call(
            place,
            lambda bucket: bucket.list_objects_v2(
                prefix=place.key,
                continuation_token=token,
                start_after=start_after,
                max_keys=max_keys,
            ),
            is_about_bucket=True,
        )

    def _check_absent(self, place: OssPlace) -> None:
        if self.find(place) is not None:
            raise AlreadyExists(f"{place}: exists; {IF_THERE}")


def connect(settings: OssSettings) -> OssClient:
    """Give the client for these settings; the same one each time, so that all share it.

    Raises:
        BackendMissing: If endpoint, region or credentials are missing.
    """
    return _connect(settings.resolve())


@lru_cache(maxsize=8)
def _connect(settings: OssSettings) -> OssClient:
    return OssClient(settings)


def _check_key(place: OssPlace) -> None:
    try:
        size = len(place.key.encode())
    except UnicodeEncodeError:
        raise StorageError(f"{str(place)!r}: names in OSS are UTF-8; rename the file") from None
    if not 1 <= size <= MAX_KEY_BYTES or place.key[0] in "/\\":
        raise StorageError(
            f"{place}: no name for an object; 1 to {MAX_KEY_BYTES} bytes, not starting with / or \\"
        )


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _body(answer: Any, name: str, max_bytes: int, *, is_checked: bool = True) -> bytes:  # noqa: ANN401 - oss2 has no types
    """Read a body whole, within the limit, and compare it with what was announced."""
    announced = answer.content_length
    if announced is not None and announced > max_bytes:
        raise too_large(name, max_bytes, announced)
    packings = {part.strip() for part in answer.headers.get("Content-Encoding", "").split(",")}
    if packed := packings & _UNPACKED:
        # requests unpacks these: neither length nor checksum could be compared.
        encoding = ", ".join(sorted(packed))
        raise UnsupportedPicture(f"{name}: stored with Content-Encoding {encoding}; store it plain")
    chunks: list[bytes] = []
    size = 0
    with bounded(answer):
        while chunk := answer.read(_CHUNK):
            chunks.append(chunk)
            size += len(chunk)
            if size > max_bytes:
                raise too_large(name, max_bytes)
    if announced is not None and size != announced:
        raise DamagedTransfer(f"{name}: {size:,} of {announced:,} bytes came; run again")
    if is_checked and answer.server_crc is not None and answer.client_crc != answer.server_crc:
        raise DamagedTransfer(f"{name}: the checksum differs from what OSS announced; run again")
    return b"".join(chunks)


def _answer_body(answer: Any, name: str) -> bytes:  # noqa: ANN401 - oss2 has no types
    """Read an answer about a picture; its checksum is not its own but the picture's."""
    try:
        return _body(answer, name, MAX_ANSWER_BYTES, is_checked=False)
    except PictureError as error:
        raise StorageError(str(error)) from error
