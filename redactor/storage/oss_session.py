"""How requests reach OSS: through oss2, signed, in time, and with its errors translated.

oss2 makes one request and believes the answer. What is added here: separate time-outs for
connecting and reading, fresh credentials once a token has expired, trying again, and errors by
status and code. This file and that of the credentials alone import oss2.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError

import oss2
from urllib3.exceptions import HTTPError, ProtocolError

from redactor.errors import (
    BackendMissing,
    DamagedTransfer,
    RedactorError,
    StorageError,
    Unavailable,
)
from redactor.storage.oss_credentials import EnvironmentCredentials
from redactor.storage.oss_errors import CredentialsExpired, OssReport
from redactor.storage.oss_place import OssPlace, OssSettings
from redactor.storage.retry import Retry, deadline_left

# Its DEBUG lines hold the signature and the session token; its ERROR lines repeat what is raised.
logging.getLogger("oss2").setLevel(logging.CRITICAL)

T = TypeVar("T")
_NO_PROXY = {"http": None, "https": None, "all": None}


class OssSession:
    """Connections and credentials. One is enough for all threads.

    Attributes:
        settings: With endpoint and region filled in.
    """

    def __init__(
        self,
        settings: OssSettings,
        retry: Retry | None = None,
        credentials: Any = None,  # noqa: ANN401 - oss2 has no types
    ) -> None:
        """Prepare a session; nothing is sent yet.

        Args:
            settings: How OSS is reached.
            retry: How it tries again; as the settings say by default.
            credentials: A provider of oss2; by default the environment is asked at each request.

        Raises:
            BackendMissing: If endpoint, region or credentials are missing.
        """
        self.settings = settings.resolve()
        self._retry = retry or Retry(settings.attempts)
        self._credentials = credentials or EnvironmentCredentials()
        self._renewing = threading.Lock()
        self._fingerprint()
        self._auth = oss2.ProviderAuthV4(self._credentials)
        self._session = oss2.Session(pool_size=settings.connections)
        # Else a ~/.netrc entry for the host would replace the signature.
        self._session.session.auth = lambda request: request

    def call(
        self,
        place: OssPlace,
        do: Callable[[Any], T],
        *,
        name: str | None = None,
        is_about_bucket: bool = False,
    ) -> T:
        """Do something with the bucket of oss2, again after failures that may pass.

        Args:
            place: Where; names the bucket, and the failure.
            do: Is given an `oss2.Bucket`.
            name: What a failure is about, if not the place.
            is_about_bucket: Whether a refusal concerns all of the bucket.

        Raises:
            StorageError: If it fails.
            BackendMissing: If bucket or credentials are missing.
        """
        return self._retry(
            lambda: self.call_once(place, do, name=name, is_about_bucket=is_about_bucket)
        )

    def call_once(
        self,
        place: OssPlace,
        do: Callable[[Any], T],
        *,
        name: str | None = None,
        is_about_bucket: bool = False,
    ) -> T:
        """Do the same, but again only with fresh credentials. Arguments and errors as there."""

        def once() -> T:
            with translated(name or str(place), is_about_bucket=is_about_bucket):
                return do(self._bucket(place))

        return self.renewing(once)

    def renewing(self, do: Callable[[], T]) -> T:
        """Do something that needs credentials, again with fresh ones where they have expired."""
        used = self._fingerprint()
        try:
            return do()
        except CredentialsExpired:
            if not self._renew(used):
                raise
            return do()

    def credentials(self) -> tuple[str, str, str]:
        """Give access key id, secret and token as they are now; empty where there is none."""
        with translated("OSS"):
            now = self._credentials.get_credentials()
        return (
            now.get_access_key_id() or "",
            now.get_access_key_secret() or "",
            now.get_security_token() or "",
        )

    def _fingerprint(self) -> tuple[str, str]:
        key_id, _, token = self.credentials()
        return key_id, token

    def _renew(self, used: tuple[str, str]) -> bool:
        """Ask whoever gives the credentials again; says whether there are others now."""
        with self._renewing:
            # Another thread may have asked before.
            if self._fingerprint() == used and hasattr(self._credentials, "renew"):
                with translated("OSS"):
                    self._credentials.renew()
            return self._fingerprint() != used

    def retry(self, do: Callable[[], T]) -> T:
        """Do something again after failures that may pass."""
        return self._retry(do)

    def unsigned_status(self, place: OssPlace) -> int:
        """Give the status of HTTP that a stranger gets who asks for an object.

        Raises:
            StorageError: If there is no answer.
        """
        bucket = self._bucket(place, oss2.AnonymousAuth())

        def once() -> int:
            try:
                with translated(str(place)), bucket.get_object(place.key) as answer:
                    return int(answer.status)
            except StorageError as error:
                status = getattr(error.__cause__, "status", 0)
                if status < 100 or status >= 500:
                    raise
                return int(status)
            except BackendMissing as error:
                return int(getattr(error.__cause__, "status", 0))

        return self._retry(once)

    def _bucket(self, place: OssPlace, auth: Any = None) -> Any:  # noqa: ANN401 - oss2 has no types
        settings = self.settings
        left_s = max(deadline_left(), 0.001)
        return oss2.Bucket(
            auth or self._auth,
            settings.endpoint,
            place.bucket,
            is_cname=settings.is_custom_domain,
            session=self._session,
            # oss2 hands the pair on to requests: connect and read.
            connect_timeout=(
                min(settings.connect_timeout_s, left_s),
                min(settings.read_timeout_s, left_s),
            ),
            region=settings.region,
            app_name="redactor",
            # This machine itself is never behind a proxy.
            proxies=_NO_PROXY if _is_loopback(settings.endpoint or "") else None,
        )


def find_credentials() -> bool:
    """Whether there are credentials, wherever they come from.

    Raises:
        BackendMissing: If there are none.
        StorageError: If they cannot be fetched.
    """
    with translated("OSS"):
        return bool(EnvironmentCredentials().get_credentials().get_access_key_id())


def crc64(data: bytes) -> int:
    """Compute what OSS announces as `x-oss-hash-crc64ecma`."""
    checksum = oss2.utils.Crc64()
    checksum.update(data)
    return int(checksum.crc)


def tagging(tags: dict[str, str]) -> Any:  # noqa: ANN401 - oss2 has no types
    """Give tags as oss2 wants them."""
    rule = oss2.models.TaggingRule()
    for key, value in tags.items():
        rule.add(key, value)
    return oss2.models.Tagging(rule)


@contextlib.contextmanager
def bounded(answer: Any) -> Iterator[None]:  # noqa: ANN401 - oss2 has no types
    """Drop the connection of an answer once the deadline of the picture has passed.

    The time-out for reading starts anew with every byte: a body that drips would never end.
    """
    left_s = deadline_left()
    if left_s == float("inf"):
        yield
        return

    def stop() -> None:
        with contextlib.suppress(OSError, RuntimeError, ValueError):  # it has ended already
            answer.resp.response.raw.shutdown()

    timer = threading.Timer(left_s, stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def translated(place: str, *, is_about_bucket: bool = False) -> Iterator[None]:
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
            " (and OSS_SESSION_TOKEN for temporary ones), or pip install 'redactor[credentials]'"
            " for Alibaba's default chain"
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


def _is_loopback(endpoint: str) -> bool:
    return re.match(r"https?://(127\.[\d.]+|localhost)(:|/|$)", endpoint) is not None
