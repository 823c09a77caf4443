"""One picture from bytes to bytes: decode, detect, decide, render, encode, verify.

`Redactor.redact` never raises for a picture: whatever goes wrong with it ends in a result with
the verdict `quarantined` and the reason. `plan` is the same path cut after the decision.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Self

from redactor import codec, drawing, motion, render, verify
from redactor.detect import LocalDetector, imm, parse_image_codes
from redactor.errors import (
    BackendMissing,
    DetectorError,
    LimitExceeded,
    PictureError,
    RedactorError,
    StorageError,
)
from redactor.geometry import Quad
from redactor.model import (
    DEFAULT_LIMITS,
    Action,
    AskImageCodes,
    Check,
    Decision,
    Detection,
    Facts,
    Flag,
    Limits,
    Metadata,
    Origin,
    PictureDecision,
    Region,
    Result,
    Style,
    Trailer,
    Verdict,
)
from redactor.policy import Policy

# Escalation of a region that can still be read: how far it grows, and what is drawn on it.
_LARGER = 1.6
_ROUNDS = 6


class Where(StrEnum):
    """Where codes are looked for."""

    LOCAL = "local"
    IMM = "imm"
    HYBRID = "hybrid"


class Way(StrEnum):
    """What is to be done with a picture: as the methods of `Redactor`."""

    REDACT = "redact"
    PLAN = "plan"
    APPLY = "apply"


@dataclass(frozen=True)
class Job:
    """A picture and what is to be done with it; the rest as for the methods of `Redactor`."""

    way: Way
    data: bytes = field(repr=False)
    name: str
    etag: str | None = None
    origin: Origin | None = None
    decisions: tuple[Decision, ...] = ()
    flag: Flag | None = None


Do = Callable[[Job, AskImageCodes | None], Result]


class Redactor:
    """Redacts pictures by one policy. Build it once; threads may share it.

    Args:
        policy: What decides.
        detector: `local`; `imm`, which takes the answer of `image/codes` alone and quarantines
            whatever is beyond it; or `hybrid`, which asks it where it can and looks locally too.
        limits: Bounds on what is taken in.
        thorough: Look at every scale with every engine; takes longer and finds a little more.

    Raises:
        ValueError: If there is no such detector.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        detector: str = Where.LOCAL,
        limits: Limits = DEFAULT_LIMITS,
        thorough: bool = False,
    ) -> None:
        self.policy = policy
        if detector not in list(Where):
            raise ValueError(f"no detector {detector!r}; choose local, imm or hybrid")
        self.where = Where(detector)
        self.limits = limits
        self.local = LocalDetector(thorough=thorough)
        self._do: Do | None = None

    @classmethod
    def from_policy(
        cls,
        path: str | Path,
        *,
        detector: str = Where.LOCAL,
        limits: Limits = DEFAULT_LIMITS,
        thorough: bool = False,
    ) -> Redactor:
        """Make a redactor of a policy file; options as for the class.

        Raises:
            PolicyError: With every mistake in the file.
            ValueError: If there is no such detector.
        """
        return cls(Policy.load(path), detector=detector, limits=limits, thorough=thorough)

    def redact(
        self,
        source: bytes | str | Path | BinaryIO,
        *,
        name: str | None = None,
        etag: str | None = None,
        ask: AskImageCodes | None = None,
        origin: Origin | None = None,
    ) -> Result:
        """Find codes, decide, hide what must go and check that it is gone.

        Args:
            source: A picture file's bytes, its path, or an open binary file.
            name: What results call it; the path, or `-`, where None.
            etag: Of the object that the bytes were read from.
            ask: Asks `image/codes` about that object; needed for `imm`, used by `hybrid`.
            origin: Where it comes from, for rules to match; what the name tells where None.

        Raises:
            OSError: If the path or file cannot be read.
            TypeError: If the file is open for text.
            BackendMissing: If `ask` finds that no picture can be asked about.
        """
        return self.do(Job(Way.REDACT, *self._load(source, name), etag, origin), ask)

    def plan(
        self,
        source: bytes | str | Path | BinaryIO,
        *,
        name: str | None = None,
        etag: str | None = None,
        ask: AskImageCodes | None = None,
        origin: Origin | None = None,
    ) -> Result:
        """Say what `redact` would decide; draws nothing. Arguments and errors as there."""
        return self.do(Job(Way.PLAN, *self._load(source, name), etag, origin), ask)

    def apply(
        self,
        source: bytes | str | Path | BinaryIO,
        decisions: Sequence[Decision],
        *,
        name: str | None = None,
        flag: Flag | None = None,
    ) -> Result:
        """Do what was decided before, by whoever, about these very bytes.

        The policy is not asked; it says what stays around the pixels. What verification reads
        outside of every decision's place nobody has decided about: the picture is quarantined.

        Args:
            source: A picture file's bytes, its path, or an open binary file.
            decisions: On every code, in pixels of the stored raster.
            name: What results call it; the path, or `-`, where None.
            flag: The level, where a person should look; None for none.

        Raises:
            OSError: If the path or file cannot be read.
            TypeError: If the file is open for text.
        """
        data, name = self._load(source, name)
        return self.do(Job(Way.APPLY, data, name, decisions=tuple(decisions), flag=flag))

    def do(self, job: Job, ask: AskImageCodes | None = None) -> Result:
        """Do what `redact`, `plan` or `apply` were asked for; errors as theirs."""
        return _Work(self, job, ask).run() if self._do is None else self._do(job, ask)

    def through(self, do: Do) -> Self:
        """Give the same redactor, but what does the work is `do`, such as `Workers.do`."""
        other = copy(self)
        other._do = do
        return other

    def quarantine(self, name: str, reason: str, data: bytes | None = None) -> Result:
        """Give the result of a picture that could not be read or looked at; None for its bytes."""
        result = Result(
            name,
            Verdict.QUARANTINED,
            flag=self.policy.on_error,
            reasons=(reason,),
            policy=f"{self.policy.name}@{self.policy.hash}",
        )
        if data is None:
            return result
        return replace(result, source_hash=hashlib.sha256(data).hexdigest(), source_bytes=len(data))

    def _load(self, source: bytes | str | Path | BinaryIO, name: str | None) -> tuple[bytes, str]:
        return load(source, name, max_bytes=self.limits.max_bytes)


def load(
    source: bytes | str | Path | BinaryIO, name: str | None, *, max_bytes: int
) -> tuple[bytes, str]:
    """Give the bytes and the name of a picture; of a too large one, a byte too much.

    Raises:
        TypeError: If it is neither bytes, a path nor an open binary file.
        OSError: If it cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), name or "-"
    # One byte more than is allowed, so that the limit is seen to be exceeded.
    most = max_bytes + 1
    if isinstance(source, str | Path):
        with Path(source).open("rb") as file:
            return file.read(most), name or str(source)
    if not hasattr(source, "read"):
        kind = type(source).__name__
        raise TypeError(f"pictures are bytes, a path or an open binary file, not {kind}")
    return _read_all(source, most), name or "-"


class _HeldBackError(Exception):
    """A rule for whole pictures says `quarantine`; nothing went wrong."""


@dataclass
class _Work:
    """The way of one picture through the stages."""

    redactor: Redactor
    job: Job
    ask: AskImageCodes | None
    picture: codec.Picture | None = None
    facts: Facts | None = None
    limit_reached: bool = False
    decisions: tuple[Decision, ...] = ()
    picture_rules: tuple[PictureDecision, ...] = ()
    regions: tuple[Region, ...] = ()  # in pages and in other pictures of the file
    checks: list[Check] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    detectors: tuple[str, ...] = ()
    difference: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def is_given(self) -> bool:
        """Whether the decisions were made before."""
        return self.job.way is Way.APPLY

    def run(self) -> Result:
        try:
            return self._run_given() if self.is_given else self._run()
        except BackendMissing:
            raise
        except _HeldBackError as error:
            return self._quarantined(str(error), is_error=False)
        except RedactorError as error:
            return self._quarantined(str(error))
        except MemoryError:
            return self._quarantined("it needs more memory than there is")
        except Exception as error:  # noqa: BLE001
            # Fail closed: a mistake of ours must hold a picture back, never let it through.
            return self._quarantined(f"internal error: {type(error).__name__}: {error}")

    def _run(self) -> Result:
        with self._timed("decode"):
            picture = self.picture = codec.open_picture(self.job.data, self.redactor.limits)
        if picture.trailing and self.redactor.policy.trailer is Trailer.QUARANTINE:
            raise PictureError(f"{picture.trailing:,} bytes lie behind the picture's end")
        with self._timed("detect"):
            detections = self._followed(picture, self._detect(picture))
        self._decide(picture, detections)
        if self.job.way is Way.PLAN:
            return self._result(None, None, dry_run=True)
        image, path = self._render_until_gone(picture, detections)
        return self._result(image, path)

    def _run_given(self) -> Result:
        self.decisions = self.job.decisions
        with self._timed("decode"):
            picture = self.picture = codec.open_picture(self.job.data, self.redactor.limits)
        for decision in self.decisions:
            frame, box = decision.detection.frame, decision.detection.quad.box
            is_there = frame < len(picture.frames)
            inside = box.clip(*picture.frames[frame].size) if is_there else box
            if not is_there or inside.width < 1 or inside.height < 1:
                raise PictureError("a code was decided about that lies outside of the picture")
        detections = [decision.detection for decision in self.decisions]
        self.facts = self._facts(picture, len(detections))
        image, path = self._render_until_gone(picture, detections)
        return self._result(image, path)

    def _decide(self, picture: codec.Picture, detections: Sequence[Detection]) -> None:
        in_each = Counter(code.frame for code in detections)
        if max(in_each.values(), default=0) > self.redactor.limits.max_codes:
            raise LimitExceeded(f"more than {self.redactor.limits.max_codes:,} codes")
        policy = self.redactor.policy
        with self._timed("decide"):
            self.facts = self._facts(picture, len(detections))
            self.decisions = policy.decide_all(detections, self.facts)
            self.picture_rules = policy.decide_picture(detections, self.facts)
        for said in self.picture_rules:
            if said.quarantine:
                raise _HeldBackError(f"rule {said.rule}: {said.reason or 'quarantine'}")

    def _facts(self, picture: codec.Picture, codes: int) -> Facts:
        return Facts(
            picture.size,
            picture.format,
            codes=codes,
            orientation=picture.orientation,
            frames=tuple((frame.name, *frame.size) for frame in picture.frames),
            origin=self.job.origin or Origin.of(self.job.name),
            limit_reached=self.limit_reached,
            day=datetime.now(UTC).date(),
        )

    def _followed(
        self, picture: codec.Picture, detections: tuple[Detection, ...]
    ) -> tuple[Detection, ...]:
        """Add codes to the frames of an animation in which they were missed."""
        return motion.fill_gaps(detections, picture.moving)

    def _detect(self, picture: codec.Picture) -> tuple[Detection, ...]:
        where, local = self.redactor.where, self.redactor.local
        if where is Where.LOCAL or (where is Where.HYBRID and self.ask is None):
            self.detectors = local.names
            return local.detect(picture.frames)
        answer, doubt = self._ask(picture)
        self.detectors = (imm.NAME,)
        if where is Where.IMM:
            if doubt is not None or answer is None:
                raise DetectorError(f"beyond IMM: {doubt}")
            return answer.settled()
        # Always both: IMM never names the symbology that rules ask for, and a picture whose codes
        # came from it alone would have to be looked at whole by the same engines afterwards.
        self.detectors += local.names
        if doubt is not None:
            self.remarks.append(f"looked locally alone: {doubt}" if answer is None else doubt)
        known = local.detect(picture.frames)
        if answer is None:
            return known
        return self._with(known, answer.settled(c for c in known if c.frame == 0), picture)

    def _ask(self, picture: codec.Picture) -> tuple[imm.ImageCodesAnswer | None, str | None]:
        """Ask `image/codes`. Gives its answer, if any, and why that may not be all."""
        if self.ask is None:
            return None, "image/codes can be asked only about objects in OSS"
        if refusal := imm.why_not(picture.format, picture.size, len(self.job.data)):
            return None, refusal
        if len(picture.pages) > 1:
            return None, "image/codes looks at one frame, and the picture has more"
        try:
            answer = self.ask()
            if answer.etag and self.job.etag and answer.etag.upper() != self.job.etag.upper():
                return None, "image/codes looked at other bytes: the object has changed"
            parsed = parse_image_codes(answer.body, picture.size, picture.orientation)
        except (StorageError, DetectorError) as error:
            return None, str(error)
        self.limit_reached = parsed.is_capped
        if parsed.is_capped:
            return (
                parsed,
                f"image/codes answered {imm.CAP} codes, and never more: there may be others",
            )
        return parsed, None

    def _with(
        self,
        known: Sequence[Detection],
        further: Sequence[Detection],
        picture: codec.Picture,
    ) -> tuple[Detection, ...]:
        """Join further detections with those that are known, frame by frame."""
        joined: list[Detection] = []
        touched = {code.frame for code in further}
        for index in sorted(touched | {code.frame for code in known}):
            here = [code for code in known if code.frame == index]
            if index in touched:
                new = [code for code in further if code.frame == index]
                merged = self.redactor.local.merge([*here, *new], picture.frames[index])
                here = [replace(code, frame=index) for code in merged]
            joined += here
        return tuple(joined)

    def _render_until_gone(
        self, picture: codec.Picture, detections: Sequence[Detection]
    ) -> tuple[bytes, str]:
        """Draw, encode and check until nothing hidden can be read.

        Raises:
            PictureError: If it still can after the last remedy.
            DetectorError: If the codes come from IMM alone and it has missed one.
        """
        stages: dict[_Place, int] = {}
        # Whatever was changed is read again, whole; and so is what only IMM has looked at.
        is_remote = self.redactor.where is Where.IMM
        for _ in range(_ROUNDS):
            hidden = [decision for decision in self.decisions if decision.action.hides]
            self.regions = tuple(_region(decision, stages) for decision in hidden)
            image, path, output = self._draw(picture)
            if output is None and not is_remote and not self.is_given:
                return image, path
            findings = self._check(output or picture, hidden)
            if findings.is_clean:
                self.checks.append(findings.check)
                return image, path
            remedy = "larger"
            if findings.strangers:
                remedy = "decide again"
                if self.is_given:
                    raise PictureError("verification read a code that nobody has decided about")
                if is_remote:
                    raise DetectorError("beyond IMM: verification read a code that it missed")
                if any(code.frame >= len(picture.pages) for code in findings.strangers):
                    raise PictureError("another picture in what was written shows a code")
                detections = self._with(detections, findings.strangers, picture)
                self._decide(picture, self._followed(picture, detections))
            drawn = [code for d in hidden if (code := d.detection).frame < len(picture.pages)]
            for code, leaks in zip(drawn, findings.leaks, strict=True):
                if leaks:
                    place = code.frame, code.quad
                    stages[place] = stages.get(place, 0) + 1
                    remedy = ("larger", "fill", "quarantine")[min(stages[place], 3) - 1]
            self.checks.append(replace(findings.check, remedy=remedy))
            if remedy == "quarantine":
                break
        raise PictureError("something that should be hidden can still be read after filling it")

    def _draw(self, picture: codec.Picture) -> tuple[bytes, str, codec.Picture | None]:
        """Write the file without what is hidden, and open it again; None where nothing is."""
        policy = self.redactor.policy
        if not self.regions and policy.metadata is not Metadata.STRIP:
            if policy.trailer is not Trailer.STRIP or not picture.trailing:
                return self.job.data, "unchanged", None
            image, path = self.job.data[: -picture.trailing], "lossless"
        else:
            if picture.refusal is not None:
                raise PictureError(picture.refusal)
            with self._timed("render"):
                patches = tuple(drawing.patches(picture, self.regions))
            with self._timed("encode"):
                image, path = picture.encode(patches, policy.metadata)
        with self._timed("verify"):
            output = codec.open_picture(image, self.redactor.limits)
        has_others = self.regions and len(output.frames) > len(output.pages)
        if [page.size for page in output.pages] != [p.size for p in picture.pages] or has_others:
            raise PictureError("what was written is not the picture that was drawn")
        if not self.regions:
            return image, path, None
        with self._timed("verify"):
            self.difference = drawing.difference(picture, output, self.regions)
        if self.difference and path != "re-encoded":
            raise PictureError("what was written differs outside of the hidden regions")
        return image, path, output

    def _check(self, picture: codec.Picture, hidden: Sequence[Decision]) -> verify.Findings:
        allowed = [decision for decision in self.decisions if not decision.action.hides]
        regions = [region for region in self.regions if region.frame < len(picture.pages)]
        with self._timed("verify"):
            is_remote = self.redactor.where is Where.IMM
            return verify.check(
                self.redactor.local,
                picture.frames,
                regions,
                allowed,
                whole=is_remote,
                by_place=self.is_given,
            )

    def _result(self, image: bytes | None, path: str | None, *, dry_run: bool = False) -> Result:
        flag = max(self._flags(), key=lambda level: level.rank, default=None)
        verdict = self._verdict(flag)
        frames = self.picture.frames if self.picture else ()
        if self.picture and self.regions and len(frames) > len(self.picture.pages):
            self.remarks.append("other pictures in the file were removed")
        if self.redactor.local.remark:
            self.remarks.append(self.redactor.local.remark)
        return replace(
            self._base(),
            verdict=verdict,
            flag=flag,
            held=verdict is Verdict.FLAGGED and self.redactor.policy.hold,
            path=path,
            output_hash=hashlib.sha256(image).hexdigest() if image is not None else None,
            output_bytes=len(image) if image is not None else None,
            difference=self.difference,
            remarks=tuple(self.remarks),
            dry_run=dry_run,
            _image=image,
        )

    def _verdict(self, flag: Flag | None) -> Verdict:
        if flag is not None:
            return Verdict.FLAGGED
        if any(decision.action.hides for decision in self.decisions):
            return Verdict.REDACTED
        return Verdict.ALLOWED if self.decisions else Verdict.CLEAN

    def _flags(self) -> list[Flag]:
        said = [decision.flag for decision in self.decisions]
        said += [rule.flag for rule in self.picture_rules]
        said.append(self.job.flag)
        return [flag for flag in said if flag is not None]

    def _quarantined(self, reason: str, *, is_error: bool = True) -> Result:
        flags = self._flags()
        if is_error and self.redactor.policy.on_error is not None:
            flags.append(self.redactor.policy.on_error)
        return replace(
            self._base(),
            verdict=Verdict.QUARANTINED,
            flag=max(flags, key=lambda level: level.rank, default=None),
            reasons=(reason,),
        )

    def _base(self) -> Result:
        """Give what every result says of this picture."""
        picture = self.picture
        policy = self.redactor.policy
        return Result(
            self.job.name,
            Verdict.QUARANTINED,
            self.decisions,
            self.regions,
            tuple(frame.name for frame in picture.frames) if picture else (),
            format=picture.format if picture else None,
            size=picture.size if picture else None,
            orientation=picture.orientation if picture else 1,
            source_hash=hashlib.sha256(self.job.data).hexdigest(),
            source_bytes=len(self.job.data),
            policy=f"{policy.name}@{policy.hash}",
            detectors=self.detectors,
            checks=tuple(self.checks),
            remarks=tuple(self.remarks),
            seconds=dict(self.seconds),
            picture_rules=self.picture_rules,
            facts=self.facts,
        )

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


def _read_all(file: BinaryIO, most: int) -> bytes:
    """Read a file to its end, or to the most bytes wanted."""
    parts: list[bytes] = []
    size = 0
    # Pipes and sockets give what they have: one read of them may be the half of a picture.
    while size < most and (part := file.read(most - size)):
        if not isinstance(part, bytes):
            raise TypeError("pictures are bytes; open the file in binary mode")
        parts.append(part)
        size += len(part)
    return b"".join(parts)


_Place = tuple[int, Quad]  # a frame and where in it


def _region(decision: Decision, stages: dict[_Place, int]) -> Region:
    """Give the region of a code at the stage of escalation it has reached."""
    stage = stages.get((decision.detection.frame, decision.detection.quad), 0)
    region = render.region_of(decision, scale=_LARGER if stage else 1.0)
    if stage >= 2:
        return replace(region, action=Action.FILL, style=Style())
    return region
