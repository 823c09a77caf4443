"""HTTP for the stand-in: reads requests off the wire, writes answers, drops connections."""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
import sys
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

from redactor.testing.errors import OssFailure, invalid_argument
from redactor.testing.faults import Fault
from redactor.testing.messages import Answer, Request

MAX_BODY_BYTES = 1 << 30


class LoopbackServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1, one thread a connection, and can drop them all.

    Attributes:
        fault_for: Gives what goes wrong with a request.
        answer: Does the work; raises `OssFailure`.
        record: Is told of every request and its status.
        stopping: Set when the server goes down, so that delays end.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        *,
        fault_for: Callable[[Request], Fault],
        answer: Callable[[Request], Answer],
        record: Callable[[Request, int], None],
    ) -> None:
        self.fault_for = fault_for
        self.answer = answer
        self.record = record
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base has it
        """Remember the connection."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - as the base has it
        """Forget the connection."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base has it
        """Say nothing of clients that went away."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def drop_connections(self) -> None:
        """End every connection, idle ones too."""
        self.stopping.set()
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


_NO_FAULT = Fault()


def _corrupted(answer: Answer) -> Answer:
    if answer.body:
        return replace(answer, body=bytes((answer.body[0] ^ 1,)) + answer.body[1:])
    name = "x-oss-hash-crc64ecma"
    return (
        replace(answer, headers={**answer.headers, name: "1"}) if name in answer.headers else answer
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    # Headers and body leave together: else Nagle's algorithm costs 40 ms an answer.
    wbufsize = -1
    disable_nagle_algorithm = True
    server: LoopbackServer

    def version_string(self) -> str:
        return "AliyunOSS"

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent; `OssServer.exchanges` has it all."""

    def _serve(self) -> None:
        request_id = uuid.uuid4().hex[:24].upper()
        try:
            request = self._read()
        except OssFailure as failure:
            self.close_connection = True
            self._send(self.command, self._failed(failure, request_id), request_id)
            return
        fault = self.server.fault_for(request)
        if fault.delay_s:
            self.server.stopping.wait(fault.delay_s)
        if fault.reset == "before":
            self._reset(request)
            return
        answer = self._work(request, fault, request_id)
        if fault.reset == "after":
            self._reset(request)
            return
        # Recorded first: who has the answer finds the record.
        self.server.record(request, answer.status)
        if fault.corrupt:
            answer = _corrupted(answer)
        self._send(request.method, answer, request_id, fault)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _serve  # noqa: N815 - names of the base

    def _work(self, request: Request, fault: Fault, request_id: str) -> Answer:
        try:
            if fault.failure is not None:
                raise fault.failure
            return self.server.answer(request)
        except OssFailure as failure:
            return self._failed(failure, request_id)

    def _failed(self, failure: OssFailure, request_id: str) -> Answer:
        if failure.status == 304:
            return Answer(304)
        if "x-acs-action" in self.headers:
            body = failure.json(request_id=request_id, host=self.headers.get("Host", ""))
            return Answer(failure.status, {"Content-Type": "application/json"}, body)
        body = failure.xml(request_id=request_id, host=self.headers.get("Host", ""))
        headers = {"Content-Type": "application/xml", **failure.headers}
        if self.command == "HEAD":
            headers["x-oss-err"] = base64.b64encode(body).decode()
        return Answer(failure.status, headers, body)

    def _read(self) -> Request:
        path, _, raw_query = self.path.partition("?")
        headers = {name.lower(): value.strip() for name, value in self.headers.items()}
        body = self._read_body()
        bucket, _, raw_key = path.removeprefix("/").partition("/")
        try:
            # requests writes a space as `+` and a plus as `%2B`.
            pairs = parse_qsl(raw_query, keep_blank_values=True, errors="strict")
            key = unquote(raw_key, errors="strict")
        except UnicodeDecodeError:
            raise OssFailure(400, "InvalidObjectName", "Names are UTF-8.") from None
        return Request(self.command, bucket, key, dict(pairs), headers, body)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._read_chunk, b""))
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            raise invalid_argument("Content-Length", length, "The length is invalid.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise OssFailure(400, "RequestTimeout", "The body ended early.")
        return body

    def _read_chunk(self) -> bytes:
        try:
            size = int(self.rfile.readline().split(b";")[0], 16)
        except ValueError:
            raise OssFailure(400, "BadRequest", "The chunks of the body are malformed.") from None
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def _send(self, method: str, answer: Answer, request_id: str, fault: Fault = _NO_FAULT) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("x-oss-request-id", request_id)
        self.send_header("x-oss-server-time", "1")
        has_body = answer.status not in (204, 304)
        # After HEAD this is the length of what GET would send, but an error has no body at all.
        length = 0 if method == "HEAD" and answer.status >= 400 else len(answer.body)
        if has_body:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if not has_body or method == "HEAD":
            return
        body = answer.body if fault.keep_bytes is None else answer.body[: fault.keep_bytes]
        if fault.drip_s:
            self._drip(body, fault.drip_s)
        else:
            self.wfile.write(body)
        if fault.keep_bytes is not None:
            self.close_connection = True

    def _drip(self, body: bytes, seconds: float) -> None:
        for byte in body:
            self.wfile.write(bytes((byte,)))
            self.wfile.flush()
            if self.server.stopping.wait(seconds):
                return

    def _reset(self, request: Request) -> None:
        self.server.record(request, 0)
        self.close_connection = True
        # Lingering for no time makes the system send RST instead of FIN.
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
