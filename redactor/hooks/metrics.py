"""What a service counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary, generate_latest

from redactor.hooks.objects import Done
from redactor.model import Result

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters of one service. Threads may share it."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._pictures = self._counter("pictures", "Pictures by verdict.", "verdict")
        self._codes = self._counter("codes", "Codes by what became of them.", "action")
        self._uploads = self._counter("uploads", "Uploads to OSS by what became of them.", "status")
        self._refused = self._counter("refused", "Requests refused, by status of HTTP.", "status")
        self._imm = self._counter("imm_calls", "Questions to image/codes.")
        self._imm_failed = self._counter("imm_failures", "Questions to image/codes that failed.")
        self._stages = Summary(
            "redactor_stage_seconds",
            "Seconds per picture, by stage.",
            ["stage"],
            registry=self._registry,
        )

    def picture(self, result: Result) -> None:
        """Count a picture, its codes and the time it took."""
        self._pictures.labels(result.verdict.value).inc()
        for decision in result.codes:
            self._codes.labels(decision.action.value).inc()
        for stage, seconds in result.seconds.items():
            self._stages.labels(stage).observe(seconds)

    def upload(self, done: Done) -> None:
        """Count an upload, and the picture if one was looked at."""
        self._uploads.labels(done.status.value).inc()
        if done.result is not None:
            self.picture(done.result)

    def failed_upload(self, *, is_final: bool) -> None:
        """Count a failure; most are tried again later."""
        self._uploads.labels("failed" if is_final else "delayed").inc()

    def refused(self, status: int) -> None:
        """Count a request that was refused."""
        self._refused.labels(str(status)).inc()

    def imm(self, is_answered: bool) -> None:
        """Count a question to `image/codes`."""
        self._imm.inc()
        if not is_answered:
            self._imm_failed.inc()

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show what a function gives each time it is asked."""
        Gauge(f"redactor_{name}", text, registry=self._registry).set_function(value)

    def text(self) -> bytes:
        """Give all of it as Prometheus reads it."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"redactor_{name}", text, labels, registry=self._registry)
