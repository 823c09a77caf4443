"""`OssServer`: an OSS on loopback that the unmodified oss2 client talks to."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import TracebackType
from typing import Self

from redactor.testing.access import Denial, check_anonymous
from redactor.testing.callbacks import KEY_URL, Callback, public_key_pem
from redactor.testing.errors import OssFailure
from redactor.testing.faults import Fault, Faults, Throttle, When
from redactor.testing.http import LoopbackServer
from redactor.testing.imm_api import Signer, answer_imm, is_for_imm
from redactor.testing.messages import Answer, Exchange, Request
from redactor.testing.service import Service
from redactor.testing.signature import Verifier, is_signed
from redactor.testing.store import Store, StoredObject


class OssServer:
    """An OSS stand-in; everything is in memory and gone when it stops.

    Buckets, objects, copies, uploads in parts, tags, access lists, versions, symlinks, archives,
    listings, signatures of versions 4 and 1, upload callbacks, errors and `image/codes` are as
    OSS has them; what else OSS can do is answered with NotImplemented. Of IMM's own API,
    DetectImageCodes is there under the same address. It can be told to fail.
    Credentials are made up and good for nothing else.

    Attributes:
        region: Without `oss-`.
        access_key_id: What requests are signed with.
        access_key_secret: Its secret.
        security_token: What requests must carry; None for none.
        exchanges: Every request with its status, in order.
        callback_key_url: Where upload callbacks say that their key is.
        clock: Gives the server's time in seconds since 1970.
    """

    def __init__(
        self,
        *,
        buckets: Iterable[str] = (),
        port: int = 0,
        region: str = "cn-hangzhou",
        access_key_id: str = "stand-in-id",
        access_key_secret: str = "stand-in-secret",
        security_token: str | None = None,
        image_codes_details: bool = False,
        imm_project: str | None = None,
    ) -> None:
        """Prepare a server; `start` or `with` starts it.

        Args:
            buckets: To exist from the start.
            port: On 127.0.0.1; 0 for any that is free.
            region: That requests must be signed for.
            access_key_id: That requests must be signed with.
            access_key_secret: Its secret.
            security_token: That requests must carry; None for none.
            image_codes_details: Whether `image/codes` sends Type and Confidence, too.
            imm_project: A project that IMM itself can be asked for; None for none.
        """
        self.region = region
        self.access_key_id = access_key_id
        self.access_key_secret = access_key_secret
        self.security_token = security_token
        self.clock: Callable[[], float] = time.time
        self.exchanges: list[Exchange] = []
        self.callback_key_url = KEY_URL
        self._port = port
        self._imm_project = imm_project
        self._image_codes_details = image_codes_details
        self._store = Store()
        self._service = Service(self._store, region=region, image_codes_details=image_codes_details)
        self._faults = Faults()
        self._throttles: list[Throttle] = []
        self._denials: list[Denial] = []
        self._expired_tokens: set[str] = set()
        self._http: LoopbackServer | None = None
        self._thread: threading.Thread | None = None
        for bucket in buckets:
            self._store.create(bucket)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Serve from a thread of its own."""
        self._http = LoopbackServer(
            self._port, fault_for=self._faults.take, answer=self._answer, record=self._record
        )
        serve = self._http.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.02,), name="oss", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and end every connection."""
        if self._http is None or self._thread is None:
            return
        self._http.shutdown()
        self._http.drop_connections()
        self._thread.join()
        self._http.server_close()
        self._http = self._thread = None

    @property
    def endpoint(self) -> str:
        """Such as http://127.0.0.1:34567; only while it runs."""
        if self._http is None:
            raise RuntimeError("the OSS stand-in is not running; use it in a with statement")
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def env(self) -> dict[str, str]:
        """Give the environment that lets a client find it and sign for it."""
        found = {
            "OSS_ENDPOINT": self.endpoint,
            "OSS_REGION": self.region,
            "OSS_ACCESS_KEY_ID": self.access_key_id,
            "OSS_ACCESS_KEY_SECRET": self.access_key_secret,
        }
        if self.security_token is not None:
            found["OSS_SESSION_TOKEN"] = self.security_token
        if self._imm_project is not None:
            found |= {"IMM_PROJECT": self._imm_project, "IMM_ENDPOINT": self.endpoint}
        return found

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in order."""
        return [exchange.request for exchange in self.exchanges]

    def create_bucket(self, bucket: str) -> None:
        """Make a bucket; one that exists stays as it is."""
        self._store.create(bucket)

    def configure(
        self,
        bucket: str,
        *,
        acl: str | None = None,
        versioning: str | None = None,
        public_prefixes: Iterable[str] | None = None,
        replicas: Iterable[str] | None = None,
    ) -> None:
        """Change a bucket without a request.

        Args:
            bucket: Its name.
            acl: `private`, `public-read` or `public-read-write`.
            versioning: `Enabled`, `Suspended`, or empty for never.
            public_prefixes: What a bucket policy lets everybody read.
            replicas: Buckets that copies go to (named in the rules; nothing is copied).
        """
        found = self._store.bucket(bucket)
        found.acl = found.acl if acl is None else acl
        found.versioning = found.versioning if versioning is None else versioning
        if public_prefixes is not None:
            found.public_prefixes = tuple(public_prefixes)
        if replicas is not None:
            found.replicas = tuple(replicas)

    def put(
        self,
        bucket: str,
        key: str,
        data: bytes,
        *,
        headers: dict[str, str] | None = None,
        acl: str = "default",
        tags: dict[str, str] | None = None,
        modified: float | None = None,
    ) -> None:
        """Store an object without a request; makes the bucket where it is missing.

        Args:
            bucket: Its name.
            key: Of the object.
            data: The bytes.
            headers: As a PUT would send them, such as `x-oss-meta-owner`.
            acl: Of the object.
            tags: Of the object.
            modified: Seconds since 1970; None for now.
        """
        self._store.create(bucket)
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        when = time.time() if modified is None else modified
        stored = StoredObject(data, lower, when, acl=acl, tags=dict(tags or {}))
        self._store.put(bucket, key, stored)

    def get(self, bucket: str, key: str) -> bytes:
        """Give an object without a request.

        Raises:
            KeyError: If there is none.
        """
        return self.stored(bucket, key).data

    def stored(self, bucket: str, key: str) -> StoredObject:
        """Give an object with its headers, ETag and checksum.

        Raises:
            KeyError: If there is none.
        """
        try:
            return self._store.get(bucket, key)
        except OssFailure as failure:
            raise KeyError(f"oss://{bucket}/{key}") from failure

    def versions(self, bucket: str, key: str) -> list[StoredObject]:
        """Give every version of an object and every marker, newest first."""
        return [stored for name, stored, _ in self._store.versions(bucket) if name == key]

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Name the objects of a bucket, in order; none where there is no such bucket."""
        with contextlib.suppress(OssFailure):
            return [key for key in self._store.keys(bucket) if key.startswith(prefix)]
        return []

    def fail(
        self,
        times: int | None = 1,
        *,
        status: int = 503,
        code: str = "ServiceUnavailable",
        message: str = "Please reduce your request rate.",
        when: When | None = None,
    ) -> None:
        """Answer requests with an error instead of doing what they ask.

        Args:
            times: How many requests; None for every one from now on.
            status: Of HTTP.
            code: Of OSS.
            message: In words.
            when: Which requests; None for all.
        """
        self._faults.add(Fault(times, when, failure=OssFailure(status, code, message)))

    def delay(self, seconds: float, times: int | None = 1, *, when: When | None = None) -> None:
        """Let requests wait before they are answered."""
        self._faults.add(Fault(times, when, delay_s=seconds))

    def cut(self, keep_bytes: int, times: int | None = 1, *, when: When | None = None) -> None:
        """Drop the connection after so many bytes of a body that announces more."""
        self._faults.add(Fault(times, when, keep_bytes=keep_bytes))

    def drip(self, seconds: float, times: int | None = 1, *, when: When | None = None) -> None:
        """Send the body byte by byte, and wait so long after each."""
        self._faults.add(Fault(times, when, drip_s=seconds))

    def throttle(self, per_second: float, *, when: When | None = None) -> None:
        """Answer 503 TotalQpsLimitExceeded to what comes faster than this, from now on."""
        self._throttles.append(Throttle(per_second, when))

    @property
    def callback_public_key(self) -> bytes:
        """The key that upload callbacks are verified with; PEM."""
        return public_key_pem()

    def deny(self, action: str, bucket: str, prefix: str = "") -> None:
        """Take a permission away from the credentials, such as `oss:PutObject`."""
        self._denials.append(Denial(action, bucket, prefix))

    def expire_token(self, token: str | None) -> None:
        """Let the session token expire; requests must carry another one from now on."""
        if self.security_token is not None:
            self._expired_tokens.add(self.security_token)
        self.security_token = token

    def corrupt(self, times: int | None = 1, *, when: When | None = None) -> None:
        """Change a byte of the body that is sent; the checksum stays that of the object.

        Of an answer without a body, the checksum is changed.
        """
        self._faults.add(Fault(times, when, corrupt=True))

    def reset(
        self, times: int | None = 1, *, when: When | None = None, after_work: bool = False
    ) -> None:
        """Reset the connection without an answer.

        Args:
            times: How many requests; None for every one from now on.
            when: Which requests; None for all.
            after_work: Do what is asked first, so that only the answer is lost.
        """
        self._faults.add(Fault(times, when, reset="after" if after_work else "before"))

    def heal(self) -> None:
        """Forget every fault, throttle and denial that was asked for."""
        self._faults.clear()
        self._throttles.clear()
        self._denials.clear()

    def _answer(self, request: Request) -> Answer:
        for throttle in self._throttles:
            throttle.check(request)
        if is_for_imm(request):
            return self._answer_imm(request)
        if not is_signed(request):
            check_anonymous(self._store, request)
            return self._service.answer(request)
        Verifier(
            access_key_id=self.access_key_id,
            access_key_secret=self.access_key_secret,
            region=self.region,
            security_token=self.security_token,
            clock=self.clock,
            expired_tokens=self._expired_tokens,
        ).check(request)
        for denial in self._denials:
            denial.check(request)
        callback = Callback.of(request) if request.method in ("PUT", "POST") else None
        answer = self._service.answer(request)
        if callback is None or request.query.keys() & {"partNumber", "uploads"}:
            return answer
        stored = self._store.get(request.bucket, request.key)
        told = callback.post(request, stored, self.callback_key_url)
        return replace(told, headers={**answer.headers, **told.headers})

    def _answer_imm(self, request: Request) -> Answer:
        Signer(
            self.access_key_id,
            self.access_key_secret,
            self.security_token,
            self.clock,
            self._expired_tokens,
        ).check(request)
        for denial in self._denials:
            denial.check(request)
        return answer_imm(
            self._store, request, project=self._imm_project, details=self._image_codes_details
        )

    def _record(self, request: Request, status: int) -> None:
        self.exchanges.append(Exchange(request, status))
