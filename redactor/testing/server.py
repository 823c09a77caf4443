"""`OssServer`: an OSS on loopback that the unmodified oss2 client talks to."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from redactor.testing.errors import OssFailure
from redactor.testing.faults import Fault, Faults, When
from redactor.testing.http import LoopbackServer
from redactor.testing.service import Answer, Exchange, Request, Service
from redactor.testing.signature import Verifier
from redactor.testing.store import Store, StoredObject


class OssServer:
    """An OSS stand-in; everything is in memory and gone when it stops.

    Buckets, objects, listings, signatures of version 4, errors and `image/codes` are as OSS has
    them. It can be told to fail. Credentials are made up and good for nothing else. Copies,
    multipart uploads, tags, access lists and versions are answered with NotImplemented.

    Attributes:
        region: Without `oss-`.
        access_key_id: What requests are signed with.
        access_key_secret: Its secret.
        security_token: What requests must carry; None for none.
        exchanges: Every request with its status, in order.
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
        """
        self.region = region
        self.access_key_id = access_key_id
        self.access_key_secret = access_key_secret
        self.security_token = security_token
        self.clock: Callable[[], float] = time.time
        self.exchanges: list[Exchange] = []
        self._port = port
        self._store = Store()
        self._service = Service(self._store, region=region, image_codes_details=image_codes_details)
        self._faults = Faults()
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
        return found

    @property
    def requests(self) -> list[Request]:
        """Every request so far, in order."""
        return [exchange.request for exchange in self.exchanges]

    def create_bucket(self, bucket: str) -> None:
        """Make a bucket; one that exists stays as it is."""
        self._store.create(bucket)

    def put(
        self, bucket: str, key: str, data: bytes, *, headers: dict[str, str] | None = None
    ) -> None:
        """Store an object without a request; makes the bucket where it is missing.

        Args:
            bucket: Its name.
            key: Of the object.
            data: The bytes.
            headers: As a PUT would send them, such as `x-oss-meta-owner`.
        """
        self._store.create(bucket)
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        self._store.put(bucket, key, StoredObject(data, lower))

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

    def corrupt(self, times: int | None = 1, *, when: When | None = None) -> None:
        """Change a byte of the body that is sent; the checksum stays that of the object."""
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
        """Forget every fault that was asked for."""
        self._faults.clear()

    def _answer(self, request: Request) -> Answer:
        Verifier(
            access_key_id=self.access_key_id,
            access_key_secret=self.access_key_secret,
            region=self.region,
            security_token=self.security_token,
            clock=self.clock,
        ).check(request)
        return self._service.answer(request)

    def _record(self, request: Request, status: int) -> None:
        self.exchanges.append(Exchange(request, status))
