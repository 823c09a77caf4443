"""Requests to OSS, through oss2.

oss2 makes one request and believes the answer. What is added here: trying again, separate
time-outs for connecting and reading, length and CRC-64 of what was read, and errors by status
and code.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from xml.etree.ElementTree import ParseError

import oss2
import oss2.credentials
from urllib3.exceptions import HTTPError, ProtocolError

from redactor.errors import (
    AlreadyExists,
    BackendMissing,
    DamagedTransfer,
    PictureError,
    RedactorError,
    StorageError,
    Unavailable,
    UnsupportedPicture,
)
from redactor.model import ImageCodes
from redactor.storage import Blob
from redactor.storage.names import too_large
from redactor.storage.oss_errors import OssReport
from redactor.storage.oss_place import OssPlace, OssSettings
from redactor.storage.retry import Retry

# Its DEBUG lines hold the signature and the session token; its ERROR lines repeat what is raised.
logging.getLogger("oss2").setLevel(logging.CRITICAL)

MAX_ANSWER_BYTES = 4_000_000
MAX_KEY_BYTES = 1023
PAGE = 1000
_CHUNK = 1 << 16


class OssClient:
    """Reads and writes objects. One is enough for all threads; they share its connections.

    Attributes:
        settings: With endpoint and region filled in.
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
            BackendMissing: If endpoint, region or credentials are missing.
        """
        self.settings = settings.resolve()
        self._retry = retry or Retry(settings.attempts)
        provider = credentials or oss2.credentials.EnvironmentVariableCredentialsProvider()
        with _translated("OSS"):
            provider.get_credentials()
        self._auth = oss2.ProviderAuthV4(provider)
        self._session = oss2.Session(pool_size=settings.connections)
        # Else a ~/.netrc entry for the host would replace the signature.
        self._session.session.auth = lambda request: request

    def read(self, place: OssPlace, *, max_bytes: int) -> Blob:
        """Read an object whole, its length and checksum compared with what OSS announces.

        Raises:
            LimitExceeded: If it has more bytes, before they are read.
            UnsupportedPicture: If it is stored compressed (Content-Encoding).
            StorageError: If it cannot be read.
            BackendMissing: If bucket or credentials are missing.
        """

        def once() -> Blob:
            with _translated(str(place)), self._bucket(place).get_object(place.key) as answer:
                return Blob(_body(answer, str(place), max_bytes), answer.etag)

        return self._retry(once)

    def ask_image_codes(self, place: OssPlace) -> ImageCodes:
        """Ask IMM, through OSS, what codes it sees in an object.

        Raises:
            StorageError: If there is no answer.
            BackendMissing: If bucket or credentials are missing.
        """
        name = f"{place}?x-oss-process=image/codes"

        def once() -> ImageCodes:
            with (
                _translated(name),
                self._bucket(place).get_object(place.key, process="image/codes") as answer,
            ):
                return ImageCodes(_answer_body(answer, name), answer.etag)

        return self._retry(once)

    def write(self, place: OssPlace, data: bytes, *, content_type: str, overwrite: bool) -> None:
        """Store an object whole.

        Raises:
            AlreadyExists: If it is there and may not be replaced. (In buckets with versioning,
                OSS replaces it all the same.)
            StorageError: If it cannot be written.
            BackendMissing: If bucket or credentials are missing.
        """
        _check_key(place)
        headers = {
            "Content-Type": content_type,
            "Content-MD5": base64.b64encode(_md5(data)).decode(),
            "x-oss-forbid-overwrite": "false" if overwrite else "true",
        }
        failed: list[StorageError] = []

        def once() -> None:
            try:
                with _translated(str(place)):
                    self._bucket(place).put_object(place.key, data, headers=headers)
            except (Unavailable, DamagedTransfer) as error:
                failed.append(error)
                raise
            except AlreadyExists:
                # The answer to an earlier attempt may have been lost after the work was done.
                if not failed or not self._holds(place, data):
                    raise

        self._retry(once)

    def delete(self, place: OssPlace) -> None:
        """Delete an object; one that does not exist is no error."""

        def once() -> None:
            with _translated(str(place)):
                self._bucket(place).delete_object(place.key)

        self._retry(once)

    def keys(self, place: OssPlace) -> Iterator[str]:
        """List the keys below a prefix, page by page, without folder placeholders.

        Raises:
            StorageError: If a page cannot be had.
            BackendMissing: If bucket, credentials or permissions are missing.
        """
        token = ""
        while True:
            page = self._page(place, token, PAGE)
            yield from (entry.key for entry in page.object_list if not entry.key.endswith("/"))
            if not page.is_truncated:
                return
            token = page.next_continuation_token

    def check(self, place: OssPlace) -> None:
        """Do nothing if the bucket can be listed.

        Raises:
            StorageError: If it cannot be reached.
            BackendMissing: If bucket, credentials or permissions are missing.
        """
        self._page(place, "", 1)

    def _page(self, place: OssPlace, token: str, max_keys: int) -> Any:  # noqa: ANN401 - oss2 has no types
        def once() -> Any:  # noqa: ANN401 - oss2 has no types
            with _translated(str(place), is_about_bucket=True):
                return self._bucket(place).list_objects_v2(
                    prefix=place.key, continuation_token=token, max_keys=max_keys
                )

        return self._retry(once)

    def _holds(self, place: OssPlace, data: bytes) -> bool:
        with _translated(str(place)):
            head = self._bucket(place).head_object(place.key)
        checksum = oss2.utils.Crc64()
        checksum.update(data)
        return head.content_length == len(data) and head.server_crc == checksum.crc

    def _bucket(self, place: OssPlace) -> Any:  # noqa: ANN401 - oss2 has no types
        settings = self.settings
        return oss2.Bucket(
            self._auth,
            settings.endpoint,
            place.bucket,
            session=self._session,
            # oss2 hands the pair on to requests: connect and read.
            connect_timeout=(settings.connect_timeout_s, settings.read_timeout_s),
            region=settings.region,
            app_name="redactor",
            # This machine itself is never behind a proxy.
            proxies=_NO_PROXY if _is_loopback(settings.endpoint or "") else None,
        )


def connect(settings: OssSettings) -> OssClient:
    """Give the client for these settings; the same one each time, so that all share it.

    Raises:
        BackendMissing: If endpoint, region or credentials are missing.
    """
    return _connect(settings.resolve())


@lru_cache(maxsize=8)
def _connect(settings: OssSettings) -> OssClient:
    return OssClient(settings)


_UNPACKED = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd"})
_NO_PROXY = {"http": None, "https": None, "all": None}


def _is_loopback(endpoint: str) -> bool:
    return re.match(r"https?://(127\.[\d.]+|localhost)(:|/|$)", endpoint) is not None


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


@contextlib.contextmanager
def _translated(place: str, *, is_about_bucket: bool = False) -> Iterator[None]:
    """Turn whatever oss2 and the libraries below it raise into the project's errors."""
    try:
        yield
    except oss2.exceptions.RequestError as error:
        raise Unavailable(f"{place}: {_why_unreachable(error.exception)}") from error
    except oss2.exceptions.InconsistentError as error:
        raise DamagedTransfer(f"{place}: the checksum OSS computed differs; run again") from error
    except oss2.exceptions.ClientError as error:
        raise _client_error(place, error) from error
    except oss2.exceptions.OssError as error:
        raise _report(place, error, is_about_bucket=is_about_bucket).error() from error
    except (OSError, HTTPError) as error:
        # Reading a body, requests raises its own errors, and they are OSErrors.
        raise _broken_body(place, error) from error
    except (ParseError, RuntimeError, ValueError) as error:
        raise StorageError(f"{place}: the answer is not one of OSS; check OSS_ENDPOINT") from error


def _report(place: str, error: Any, *, is_about_bucket: bool) -> OssReport:  # noqa: ANN401 - oss2 has no types
    return OssReport(
        place=place,
        status=error.status,
        code=error.code or "",
        message=error.message or "",
        request_id=error.request_id or "",
        is_about_bucket=is_about_bucket,
    )


def _client_error(place: str, error: Any) -> RedactorError:  # noqa: ANN401 - oss2 has no types
    text = error.body.removeprefix("ClientError: ")
    if "access key" in text.lower():
        return BackendMissing(
            "OSS: no credentials; set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET"
            " (and OSS_SESSION_TOKEN for temporary ones)"
        )
    if "endpoint" in text.lower():
        return BackendMissing(f"OSS: {text}; check OSS_ENDPOINT")
    return StorageError(f"{place}: {text}")


def _why_unreachable(error: BaseException) -> str:
    kind = type(error).__name__
    if "Timeout" in kind:
        return "OSS did not answer in time; run again, perhaps with fewer jobs"
    if "SSL" in kind:
        return "no secure connection to OSS; check OSS_ENDPOINT and this machine's certificates"
    return f"OSS cannot be reached ({kind}); check OSS_ENDPOINT and the network"


def _broken_body(place: str, error: Exception) -> StorageError:
    cause = error.args[0] if error.args else error
    if isinstance(cause, ProtocolError) or isinstance(error, ProtocolError):
        return DamagedTransfer(f"{place}: the connection broke within the answer; run again")
    return Unavailable(f"{place}: {_why_unreachable(error)}")
