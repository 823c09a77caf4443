"""What a hook is told by its environment, and what it makes of that.

| variable | is |
| --- | --- |
| `REDACTOR_SOURCES` | private prefixes that uploads land in, separated by spaces |
| `REDACTOR_TARGET` | the prefix that finished pictures go to |
| `REDACTOR_POLICY` | a policy file |
| `REDACTOR_DETECTOR` | `local`, `hybrid` or `imm`; `hybrid` by default |
| `REDACTOR_IMM_QPS` | questions to `image/codes` a second at most, of each instance |
| `REDACTOR_MAX_IMM_CALLS` | questions at most, of each instance; the rest is looked at locally |
| `REDACTOR_QUARANTINE` | the private prefix that uploads are moved to which cannot be handled |
| `REDACTOR_SEAL_KEY` | a secret of 16 bytes or more, with which finished pictures are sealed |
| `REDACTOR_WORKERS` | processes that look at pictures; one for each core by default |
| `REDACTOR_TIMEOUT` | seconds that a picture may take; 60 by default |
| `REDACTOR_MEMORY_MB` | of each process; 4096 by default |
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from redactor.errors import BackendMissing
from redactor.hooks.objects import ObjectHook, check_apart
from redactor.hooks.seal import Seals
from redactor.pipeline import Redactor
from redactor.policy import Policy
from redactor.storage.imm_gate import ImmGate
from redactor.storage.oss_in_place import OssQuarantine, OssShelf
from redactor.storage.oss_place import OssPlace
from redactor.workers.pool import DEFAULT_MEMORY_BYTES, DEFAULT_TIMEOUT_S, Workers

if TYPE_CHECKING:
    from redactor.storage.oss import OssClient

_IMM_REST_S = 60  # hooks run on for weeks: IMM that was down is tried again


@dataclass(frozen=True)
class Settings:
    """How a hook works.

    Attributes:
        policy: What decides.
        sources: Private prefixes that uploads land in; none where no objects are handled.
        target: The prefix that finished pictures go to; None where no objects are handled.
        detector: `local`, `hybrid` or `imm`.
        seal_key: Secret of the deployment; None to seal nothing.
        workers: Processes; one for each core where None.
        timeout_s: Seconds that a picture may take.
        memory_bytes: Address space of each process.
        imm_qps: Questions to `image/codes` a second at most; None for any number.
        max_imm_calls: Questions at most; None for any number.
        quarantine: Where uploads are moved that cannot be handled; None to leave them, tagged.
    """

    policy: Policy
    sources: tuple[OssPlace, ...] = ()
    target: OssPlace | None = None
    detector: str = "hybrid"
    seal_key: bytes | None = None
    workers: int | None = None
    timeout_s: float = DEFAULT_TIMEOUT_S
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    imm_qps: float | None = None
    max_imm_calls: int | None = None
    quarantine: OssPlace | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read them from an environment.

        Raises:
            BackendMissing: If something is missing or is none of what it should be; names it.
            PolicyError: If the policy is wrong.
        """
        places = _needed(environment, "REDACTOR_SOURCES").split()
        detector = environment.get("REDACTOR_DETECTOR") or "hybrid"
        if detector not in ("local", "hybrid", "imm"):
            raise BackendMissing(f"REDACTOR_DETECTOR: {detector!r}; set it to local, hybrid or imm")
        policy = _needed(environment, "REDACTOR_POLICY")
        try:
            loaded = Policy.load(policy)
        except OSError as error:
            raise BackendMissing(f"REDACTOR_POLICY: {policy}: {error.strerror}") from error
        workers = environment.get("REDACTOR_WORKERS")
        return cls(
            loaded,
            tuple(_place("REDACTOR_SOURCES", place) for place in places),
            _place("REDACTOR_TARGET", _needed(environment, "REDACTOR_TARGET")),
            detector,
            seal_key(environment),
            _number(environment, "REDACTOR_WORKERS", 1) if workers else None,
            _number(environment, "REDACTOR_TIMEOUT", DEFAULT_TIMEOUT_S),
            _number(environment, "REDACTOR_MEMORY_MB", DEFAULT_MEMORY_BYTES >> 20) << 20,
            imm_qps=_rate(environment, "REDACTOR_IMM_QPS"),
            max_imm_calls=_most(environment, "REDACTOR_MAX_IMM_CALLS"),
            quarantine=_place("REDACTOR_QUARANTINE", aside)
            if (aside := environment.get("REDACTOR_QUARANTINE", "").strip())
            else None,
        )

    def make_workers(self) -> Workers:
        """Start the processes."""
        return Workers(
            Redactor(self.policy, detector=self.detector),
            count=self.workers,
            timeout_s=self.timeout_s,
            wait_s=self.timeout_s,
            memory_bytes=self.memory_bytes,
        )

    def make_hook(self, client: OssClient, workers: Workers) -> ObjectHook:
        """Make what handles uploads.

        Raises:
            BackendMissing: If a place lies within another that it must not lie in.
        """
        if self.target is None or not self.sources:
            raise BackendMissing("no places: name where uploads land, and where pictures go")
        check_apart(self.sources, self.target)
        return ObjectHook(
            client,
            workers,
            self.sources,
            self.target,
            Seals(self.seal_key, self.policy.hash),
            asks=self.detector != "local",
            gate=ImmGate(self.imm_qps, self.max_imm_calls, rest_s=_IMM_REST_S),
            quarantine=OssQuarantine(OssShelf(client, self.quarantine))
            if self.quarantine
            else None,
        )


def seal_key(environment: Mapping[str, str] = os.environ) -> bytes | None:
    """Give the secret that finished pictures are sealed with; None where there is none."""
    return environment.get("REDACTOR_SEAL_KEY", "").encode() or None


def _needed(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise BackendMissing(f"{name} is not set; it is one of the settings of the hook")
    return value


def _place(name: str, text: str) -> OssPlace:
    try:
        return OssPlace.parse(text)
    except ValueError as error:
        raise BackendMissing(f"{name}: {error}") from error


def _rate(environment: Mapping[str, str], name: str) -> float | None:
    text = environment.get(name)
    if not text:
        return None
    with suppress(ValueError):
        if 0 < (rate := float(text)) < math.inf:
            return rate
    raise BackendMissing(f"{name}: {text!r} is no number above 0")


def _most(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name)
    if not text:
        return None
    if not text.isdecimal():
        raise BackendMissing(f"{name}: {text!r} is no whole number")
    return int(text)


def _number(environment: Mapping[str, str], name: str, default: float) -> int:
    text = environment.get(name) or str(int(default))
    if not text.isdecimal() or not int(text):
        raise BackendMissing(f"{name}: {text!r} is no whole number above 0")
    return int(text)
