"""`redactor doctor`: what is installed, reachable and permitted, and what to do about the rest."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NamedTuple

import click

from redactor.cli import options
from redactor.cli.exits import Exit, help_of, leave
from redactor.cli.shipped import shipped
from redactor.errors import BackendMissing, StorageError
from redactor.version import __version__

if TYPE_CHECKING:
    from redactor.storage.oss_checks import Checked
    from redactor.storage.oss_place import OssSettings

_OPTIONAL = (
    ("pillow-heif", "heif", "to take HEIF pictures"),
    ("alibabacloud-imm20200930", "imm", "to ask IMM where a bucket is bound to no project"),
    ("alibabacloud-credentials", "credentials", "for credentials by Alibaba's default chain"),
)
_NEEDED = "needed for oss:// places"


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        subject: What.
        is_fine: False where something is missing; None where it is optional and absent, or a
            person must judge.
        says: Version or state, or what to do.
        is_absent: Whether it is not set; of what is None alone.
    """

    subject: str
    is_fine: bool | None
    says: str
    is_absent: bool = True


@click.command(
    short_help="Show what is installed and reachable, and how to get the rest.",
    epilog=help_of("redactor doctor oss://my-bucket/uploads/"),
)
@click.argument("places", nargs=-1, metavar="[oss://BUCKET/PREFIX/]…")
@options.imm_project
@options.oss
def doctor(
    *,
    places: tuple[str, ...],
    imm_project: str | None,
    endpoint: str | None,
    region: str | None,
) -> None:
    """Show what is installed, reachable and permitted, and what to do about the rest.

    In each place an object is put and deleted again, to try permissions one by one and to see
    whether strangers can read there. The safe layout: uploads, originals and quarantine in
    private prefixes, and only finished pictures in a public one.
    """
    from rich.table import Table
    from rich.text import Text

    from redactor.cli import output
    from redactor.report.text import escape_text

    findings = [*_machine(), *_oss(places, endpoint, region)]
    settings = options.oss_settings(endpoint, region, imm_project=imm_project)
    tried = [one for place in places for one in _try(place, settings)]
    for one in tried:
        findings.append(Finding(f"{one.place} {one.subject}", one.is_fine, one.says, False))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("", "", ""):
        table.add_column(column, overflow="fold")
    table.columns[0].no_wrap = True
    marks = {True: ("✓ ok", "green"), False: ("✕ missing", "red"), None: ("○ not set", "dim")}
    for finding in findings:
        is_judged = finding.is_fine is None and not finding.is_absent
        mark = Text("! look", "yellow") if is_judged else Text(*marks[finding.is_fine])
        table.add_row(mark, escape_text(finding.subject), escape_text(finding.says))
    output.stdout().print(table)
    refused = [one for one in tried if one.is_fine is False and one.actions]
    if refused:
        from redactor.storage.oss_checks import ram_policy

        output.stderr().print("If permissions are missing, attach this RAM policy:", style="bold")
        output.stdout().print(ram_policy(refused), soft_wrap=True)
    missing = any(finding.is_fine is False for finding in findings)
    leave(Exit.BACKEND if missing else Exit.DONE)


def _machine() -> Iterator[Finding]:
    from redactor.detect import LocalDetector

    yield Finding("redactor", True, f"{__version__} on Python {platform.python_version()}")
    for package in ("zxing-cpp", "opencv-python-headless", "pillow", "numpy", "jpeglib", "oss2"):
        try:
            yield Finding(package, True, version(package))
        except PackageNotFoundError:
            yield Finding(package, False, f"pip install {package}")
    local = LocalDetector()
    has_zbar = "zbar" in local.names
    remedy = "apt-get install libzbar0, or brew install zbar; until then the rest works without it"
    yield Finding("libzbar", has_zbar, "found" if has_zbar else remedy)
    for package, extra, purpose in _OPTIONAL:
        try:
            yield Finding(package, True, version(package))
        except PackageNotFoundError:
            yield Finding(package, None, f'pip install "redactor[{extra}]", {purpose}')
    from redactor.codec import has_turbo

    remedy = "apt-get install libturbojpeg0, or brew install jpeg-turbo; until then JPEGs take four"
    remedy += " times as long to change, and progressive ones become baseline"
    yield Finding("libturbojpeg", has_turbo(), "found" if has_turbo() else remedy)
    for name in ("policies", "samples"):
        folder = shipped(name)
        yield Finding(name, folder.is_dir(), str(folder))


def _oss(places: tuple[str, ...], endpoint: str | None, region: str | None) -> Iterator[Finding]:
    # A missing variable is a mistake only where a place in OSS was named.
    absent = False if places else None
    value = endpoint or os.environ.get("OSS_ENDPOINT")
    yield Finding("OSS_ENDPOINT", True if value else absent, value or _NEEDED)
    value = region or os.environ.get("OSS_REGION")
    yield Finding("OSS_REGION", True if value else None, value or "else as the endpoint says")
    if places and not os.environ.get("OSS_ACCESS_KEY_ID") and _has_credentials():
        yield Finding("credentials", True, "found, though OSS_ACCESS_KEY_ID is not set")
        return
    for variable in ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"):
        is_set = bool(os.environ.get(variable))
        yield Finding(variable, True if is_set else absent, "set" if is_set else _NEEDED)


def _has_credentials() -> bool:
    from redactor.storage.oss_session import find_credentials

    try:
        return find_credentials()
    except (BackendMissing, StorageError):
        return False


def _try(place: str, settings: OssSettings) -> list[Checked]:
    from redactor.storage.oss import connect
    from redactor.storage.oss_checks import Checked, check_place
    from redactor.storage.oss_place import OssPlace

    try:
        parsed = OssPlace.parse(place)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        return list(check_place(connect(settings), parsed))
    except (BackendMissing, StorageError) as error:
        return [Checked(parsed, "cannot be reached", False, str(error))]
