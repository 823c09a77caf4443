"""The HTTP service, as an ASGI application.

| request | does |
| --- | --- |
| `POST /redact` | takes a picture and answers the picture, with the verdict in headers |
| `POST /callback/oss` | takes the upload callback of OSS |
| `POST /events` | takes events about uploads |
| `GET /healthz` | says that it runs |
| `GET /metrics` | counts, for Prometheus |

A picture that must not be published is answered without its bytes: 413 if it is too large, 422 if
it is quarantined or held, 503 if there is no room for it now.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from redactor.codec import CONTENT_TYPES
from redactor.errors import AccessRefused, BackendMissing, NotPublishable, Unavailable
from redactor.hooks import metrics
from redactor.hooks.service import Service
from redactor.hooks.uploads import UnknownEventError, Upload, upload_in_callback, uploads_in
from redactor.model import Result
from redactor.report.rows import row
from redactor.version import __version__

log = logging.getLogger("redactor.hooks")
_EVENT_BYTES = 1_000_000
_RETRY_S = "5"
_CALLBACKS = 8
_DISCARDED = 2  # times the limit: so much of a body that is too large is read


def make_app(service: Service) -> Starlette:
    """Make the application of a service, which it starts and stops."""
    return _App(service).make()


class _RefusedError(Exception):
    """A request that is answered by an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _App:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._in_hand = 0
        self._threads = ThreadPoolExecutor(service.max_in_hand, thread_name_prefix="requests")
        # Apart from the others: a callback may have to fetch a key, and anybody may send one.
        self._callbacks = ThreadPoolExecutor(_CALLBACKS, thread_name_prefix="callbacks")

    def make(self) -> Starlette:
        routes = [
            Route("/redact", self._guarded(self._redact), methods=["POST"]),
            Route("/events", self._guarded(self._events), methods=["POST"]),
            Route("/metrics", self._guarded(self._metrics), methods=["GET"]),
            # OSS cannot bear a token; it signs. Whether the service runs is no secret.
            Route("/callback/oss", self._open(self._callback), methods=["POST"]),
            Route("/healthz", self._open(self._health), methods=["GET"]),
        ]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._service.start()
        try:
            yield
        finally:
            await asyncio.to_thread(self._service.stop)
            self._threads.shutdown()
            self._callbacks.shutdown()

    async def _redact(self, request: Request) -> Response:
        if request.headers.get("content-type", "").startswith("multipart/"):
            raise _RefusedError(415, "send the picture itself as the body, not a form")
        if self._in_hand >= self._service.max_in_hand:
            raise _RefusedError(503, "too many pictures are in hand; try again later")
        self._in_hand += 1
        try:
            data = await self._body(request, self._service.workers.redactor.limits.max_bytes)
            work = self._service.workers.redact
            result = await asyncio.get_running_loop().run_in_executor(self._threads, work, data)
        finally:
            self._in_hand -= 1
        self._service.metrics.picture(result)
        log.info(
            "/redact: %s, codes: %d, bytes: %d", result.verdict.value, len(result.codes), len(data)
        )
        return _answer(result, wants_json="application/json" in request.headers.get("accept", ""))

    async def _events(self, request: Request) -> Response:
        self._check_hook()
        try:
            uploads = uploads_in(await self._body(request, _EVENT_BYTES))
        except UnknownEventError as error:
            raise _RefusedError(400, str(error)) from error
        return await self._queue(uploads)

    async def _callback(self, request: Request) -> Response:
        self._check_hook()
        body = await self._body(request, _EVENT_BYTES)

        def check() -> None:
            self._service.verifier.check(
                request.scope["raw_path"].decode("latin-1").partition("?")[0],
                request.scope["query_string"].decode("latin-1"),
                body,
                authorization=request.headers.get("authorization", ""),
                key_url=request.headers.get("x-oss-pub-key-url", ""),
            )

        await asyncio.get_running_loop().run_in_executor(self._callbacks, check)
        try:
            upload = upload_in_callback(body, request.headers.get("content-type", ""))
        except UnknownEventError as error:
            raise _RefusedError(400, str(error)) from error
        return await self._queue([upload])

    async def _queue(self, uploads: list[Upload]) -> Response:
        def put() -> int:
            return sum(self._service.enqueue(upload) for upload in uploads)

        queued = await asyncio.to_thread(put)
        # OSS relays the answer to the uploader: it tells nothing.
        return JSONResponse({"status": "ok", "queued": queued})

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def _metrics(self, _: Request) -> Response:
        text = await asyncio.to_thread(self._service.metrics.text)
        return Response(text, headers={"Content-Type": metrics.CONTENT_TYPE})

    async def _body(self, request: Request, most: int) -> bytes:
        """Read a body whole, unless it is too large or comes too slowly."""
        announced = request.headers.get("content-length", "")
        is_too_large = announced.isdecimal() and int(announced) > most
        if is_too_large and "expect" in request.headers:
            raise _RefusedError(413, f"more than {most:,} bytes")  # the client waits to hear that
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._service.body_s):
                async for chunk in request.stream():
                    size += len(chunk)
                    is_too_large = is_too_large or size > most
                    # Read on and throw away, within reason: a client that still sends when the
                    # connection is closed may lose the answer.
                    if is_too_large:
                        chunks.clear()
                    else:
                        chunks.append(chunk)
                    if size > _DISCARDED * most:
                        break
        except TimeoutError:
            raise _RefusedError(408, "the body did not come in time") from None
        except ClientDisconnect:
            raise _RefusedError(400, "the body ended early") from None
        if is_too_large:
            raise _RefusedError(413, f"more than {most:,} bytes")
        return b"".join(chunks)

    def _check_hook(self) -> None:
        if self._service.hook is None or self._service.queue is None:
            raise _RefusedError(404, "this service handles no uploads; start it with --source")

    def _guarded(self, handle: _Handle) -> _Handle:
        """Let in whoever bears the token."""
        token = self._service.token

        async def guarded(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode("latin-1")
            if token is not None and not hmac.compare_digest(given, f"Bearer {token}".encode()):
                raise _RefusedError(401, "a bearer token is needed")
            return await handle(request)

        return self._open(guarded)

    def _open(self, handle: _Handle) -> _Handle:
        """Turn every failure into an answer that tells no more than it should."""

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except _RefusedError as error:
                return self._refused(error.status, str(error))
            except AccessRefused as error:
                return self._refused(403, str(error))
            except (Unavailable, BackendMissing) as error:
                log.warning("%s: %s", request.url.path, error)
                return self._refused(503, "not now; try again later")
            except Exception:  # a mistake of ours must not end the service
                log.exception("%s: internal error", request.url.path)
                return self._refused(500, "internal error")

        return answered

    def _refused(self, status: int, message: str) -> Response:
        self._service.metrics.refused(status)
        headers = {503: {"Retry-After": _RETRY_S}, 401: {"WWW-Authenticate": "Bearer"}}
        # What is left of a body that was refused must not be taken for the next request.
        closing = {"Connection": "close"} if status in (408, 413) else {}
        return JSONResponse({"error": message}, status, headers.get(status, {}) | closing)


_Handle = Callable[[Request], Awaitable[Response]]


def _answer(result: Result, *, wants_json: bool) -> Response:
    headers = {
        "Redactor-Verdict": result.verdict.value,
        "Redactor-Changed": "true" if result.changed else "false",
        "Redactor-Codes": str(len(result.codes)),
        "Redactor-Policy": result.policy.rpartition("@")[2],
        # A picture can hold what looks like a page; nobody may show it as one.
        "X-Content-Type-Options": "nosniff",
    }
    if result.flag is not None:
        headers["Redactor-Flag"] = result.flag.value
    try:
        image = result.image
    except NotPublishable:
        return JSONResponse(_told(result), 422, headers)
    if wants_json:
        return JSONResponse(
            {**_told(result), "image": base64.b64encode(image).decode()}, headers=headers
        )
    return Response(image, headers=headers, media_type=CONTENT_TYPES[result.format or ""])


def _told(result: Result) -> dict[str, Any]:
    """Give what a results file says of a picture: hosts of links, and lengths of all else."""
    told: dict[str, Any] = json.loads(json.dumps(row(result)))
    return told
