"""Options that several commands share, and what they open."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redactor.cli.exits import Refusal
from redactor.cli.shipped import shipped

if TYPE_CHECKING:
    from redactor.model import Detection, Facts
    from redactor.pipeline import Redactor
    from redactor.storage import Sink, Source
    from redactor.storage.imm_gate import ImmGate
    from redactor.storage.oss_place import OssSettings

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class _Jobs(click.IntRange):
    """A range that help texts do not spell out."""

    def _describe_range(self) -> str:
        return ""

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's own
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            self.fail(f"{value} is no number from {self.min} to {self.max}", param, ctx)


def _cores() -> int:
    """Give the cores that this process may use, which in a container are not all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


sources = click.argument("sources", nargs=-1, metavar="SOURCE…")
files_from = click.option(
    "--files-from", metavar="FILE", help="Take sources from FILE, one a line; - for stdin."
)
jobs = click.option(
    "--jobs",
    type=_Jobs(1, 256),
    default=_cores(),
    metavar="N",
    show_default="the number of cores",
    help="Work on N pictures at a time.",
)


class _Bytes(click.ParamType[int]):
    """A number of bytes such as 800M or 2G."""

    name = "size"

    def convert(
        self,
        value: Any,  # noqa: ANN401 - as click gives it
        param: click.Parameter | None,
        context: click.Context | None,
    ) -> int:
        """Read it."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", value.strip(), re.IGNORECASE)
        if found is None or not float(found[1]):
            self.fail(f"{value!r}: expected a size such as 800M or 2G", param, context)
        return int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " "))


memory = click.option(
    "--memory",
    type=_Bytes(),
    metavar="SIZE",
    show_default="six tenths of the machine's",
    help="Let the pictures in work take so much together, such as 2G.",
)
detector = click.option(
    "--detector",
    type=click.Choice(["local", "imm", "hybrid"]),
    show_default="local; hybrid for oss://",
    help="Look here, through image/codes of OSS (imm), or both.",
)
thorough = click.option(
    "--thorough", is_flag=True, help="Look at every scale with every engine; takes longer."
)
quiet = click.option(
    "-q", "--quiet", is_flag=True, help="Print sums and failures only, no remarks."
)
content = click.option(
    "--content",
    type=click.Choice(["full", "host", "hash", "none"]),
    default="host",
    show_default=True,
    help="Tell so much of what codes say; they may hold a login or a payment link.",
)


def page(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for what a report shows."""
    command = click.option(
        "--show-codes", is_flag=True, help="Leave codes in the report's pictures readable."
    )(command)
    return click.option(
        "--no-images", is_flag=True, help="Show no pictures in the report, where they may not go."
    )(command)


def policy(*, required: bool = True, help_text: str = "Decide by this policy.") -> Decorator:
    """The option that names a policy; without `required` it has no default."""
    return click.option(
        "--policy",
        "policy_file",
        metavar="FILE",
        default=str(shipped("policies") / "default.yaml") if required else None,
        show_default="the shipped default.yaml" if required else None,
        help=help_text,
    )


def selection(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for taking only some pictures of a source."""
    options = (
        click.option(
            "--include",
            multiple=True,
            metavar="PATTERN",
            help="Take only places below SOURCE that match, such as '*.jpg'; repeatable.",
        ),
        click.option(
            "--exclude", multiple=True, metavar="PATTERN", help="Leave out those; repeatable."
        ),
        click.option(
            "--since", metavar="TIME", help="Take what changed since: 2026-01-31 (UTC), 24h, 7d."
        ),
        click.option("--until", metavar="TIME", help="Take what changed before."),
        click.option(
            "--start-after", default="", metavar="KEY", help="Begin a listing in OSS after a key."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


imm_project = click.option(
    "--imm-project",
    metavar="NAME",
    help="Ask this project of IMM itself, where the bucket is bound to none.",
    show_default="IMM_PROJECT",
)


def imm_limits(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for asking `image/codes`, and sparingly."""
    options = (
        imm_project,
        click.option(
            "--imm-qps",
            type=click.FloatRange(min=0, min_open=True),
            metavar="N",
            help="Ask image/codes N times a second at most.",
            show_default="no limit",
        ),
        click.option(
            "--max-imm-calls",
            type=click.IntRange(min=0),
            metavar="N",
            help="Ask image/codes N times at most, and look at the rest locally.",
            show_default="no limit",
        ),
        click.option(
            "--imm-price",
            type=click.FloatRange(min=0),
            default=0.1132075,
            show_default="the international site's",
            metavar="USD",
            help="Count 1,000 answers of image/codes at this.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def select(
    source: Source,
    include: Sequence[str],
    exclude: Sequence[str],
    since: str | None,
    until: str | None,
) -> Source:
    """Take only some pictures of a source.

    Raises:
        click.UsageError: If a time is none.
    """
    from redactor.storage.select import Selected, Selection, parse_time

    if not (include or exclude or since or until):
        return source
    try:
        times = [parse_time(text) if text else None for text in (since, until)]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return Selected(source, Selection(include, exclude, *times))


def counted(source: Source) -> Callable[[], int] | None:
    """Give what counts the pictures of a source, where that costs no requests."""
    from redactor.storage.local import LocalSource
    from redactor.storage.places import Several
    from redactor.storage.select import Selected

    inner = source.source if isinstance(source, Selected) else source
    parts = inner.sources if isinstance(inner, Several) else (inner,)
    is_local = all(isinstance(part, LocalSource) for part in parts)
    return (lambda: sum(1 for _ in source.items())) if is_local else None


def oss(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options for reaching OSS."""
    command = click.option(
        "--region", metavar="NAME", help="Sign for this region of OSS.", show_default="OSS_REGION"
    )(command)
    return click.option(
        "--endpoint", metavar="URL", help="Reach OSS here.", show_default="OSS_ENDPOINT"
    )(command)


def oss_settings(
    endpoint: str | None, region: str | None, jobs: int = 1, *, imm_project: str | None = None
) -> OssSettings:
    """Give how OSS is reached."""
    from redactor.storage.oss_place import OssSettings

    is_custom = os.environ.get("OSS_CUSTOM_DOMAIN", "").lower() in ("1", "true", "yes")
    return OssSettings(
        endpoint,
        region,
        connections=jobs * 3,
        is_custom_domain=is_custom,
        imm_project=imm_project,
    )


def open_sources(
    sources: Sequence[str],
    files_from: str | None,
    *,
    settings: OssSettings,
    exclude: Sequence[str] = (),
    start_after: str = "",
    imm: ImmGate | None = None,
) -> Source:
    """Open what the user named.

    Raises:
        click.UsageError: If nothing was named, or a name is wrongly written.
    """
    from redactor.errors import StorageError
    from redactor.storage.places import open_source

    if not sources and not files_from:
        raise click.UsageError(
            "no SOURCE; name a file, a folder, oss://bucket/prefix/ or - for standard input"
        )
    if sources and not files_from and all(map(_is_missing, sources)):
        raise Refusal(f"{sources[0]}: no such file or folder")
    try:
        return open_source(
            sources,
            files_from=files_from,
            exclude=exclude,
            start_after=start_after,
            settings=settings,
            imm=imm,
        )
    except (ValueError, StorageError) as error:
        raise click.UsageError(str(error)) from error


def _is_missing(source: str) -> bool:
    from redactor.storage.local import is_pattern
    from redactor.storage.places import STREAM, is_oss

    if is_oss(source) or source == STREAM or is_pattern(source):
        return False
    return "\0" in source or not os.path.lexists(source)


def open_target(place: str, sources: Sequence[str], settings: OssSettings) -> Sink:
    """Open a place to write to; a single file will do where a single picture comes.

    Raises:
        click.UsageError: If several pictures cannot go there, or it is wrongly written.
    """
    from redactor.storage.names import is_picture
    from redactor.storage.places import names_one, open_sink

    if sources and not names_one(sources) and is_picture(place) and not Path(place).is_dir():
        raise click.UsageError(
            f"several pictures need a folder, and {place} is named like a picture; give a folder"
        )
    try:
        return open_sink(place, single=names_one(sources), settings=settings)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def make_redactor(policy_file: str | None, detector: str, *, thorough: bool = False) -> Redactor:
    """Build the redactor; without a policy, one that lets everything be."""
    from redactor.pipeline import Redactor
    from redactor.policy import Policy

    if policy_file is None:
        look_only = Policy.parse("version: 1\nname: look-only\ndefault: {action: allow}\n")
        return Redactor(look_only, detector=detector, thorough=thorough)
    return Redactor(Policy.load(Path(policy_file)), detector=detector, thorough=thorough)


def look_at(image: str, *, key: str | None = None) -> tuple[list[Detection], Facts]:
    """Find the codes of a picture file with the local detector.

    Raises:
        click.UsageError: If it cannot be read, or is no picture that can be looked at.
    """
    from redactor.model import Origin

    redactor = make_redactor(None, "local")
    try:
        result = redactor.plan(image, origin=Origin(key=key) if key else None)
    except OSError as error:
        raise Refusal(f"{image}: cannot be read: {error.strerror}") from error
    if result.facts is None:
        raise Refusal(f"{image}: {'; '.join(result.reasons)}")
    return [decision.detection for decision in result.codes], result.facts


def source_names(sources: Sequence[str], files_from: str | None) -> str:
    """Name what the user named, for a report."""
    return " ".join([*sources, *([f"the list {files_from}"] if files_from else [])])


def pick_detector(
    detector: str | None, sources: Sequence[str], files_from: str | None = None
) -> str:
    """Give the detector asked for, or the default for these sources.

    Raises:
        click.UsageError: If IMM is to look at pictures that are not in OSS.
    """
    in_oss = [source.startswith("oss://") for source in sources]
    # What a list names is not known yet; hybrid looks at files locally.
    if detector is None:
        return "hybrid" if any(in_oss) or files_from else "local"
    if detector == "imm" and not all(in_oss):
        raise click.UsageError(
            "--detector imm looks at objects in OSS only; name oss:// sources, or leave it out"
        )
    return detector
