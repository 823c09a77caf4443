"""What a run writes to, opened and checked before any work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from redactor.cli import options
from redactor.errors import BackendMissing

if TYPE_CHECKING:
    from redactor.batch.ceiling import Ceiling
    from redactor.storage import Sink, Source
    from redactor.storage.oss_in_place import OssInPlace, OssQuarantine
    from redactor.storage.oss_place import OssSettings

_MOVING = "10%"  # of the pictures, where quarantining takes them from their place


class Targets(NamedTuple):
    """Where a run puts what it makes; see `redactor.batch.Batch`."""

    sink: Sink | None
    originals: Sink | OssInPlace | None
    quarantine: Sink | OssQuarantine | None
    ceiling: Ceiling | None


def open_targets(
    source: Source,
    named: tuple[str, ...],
    settings: OssSettings,
    *,
    out: str | None,
    originals: str | None,
    quarantine: str | None,
    purge_versions: bool,
    max_quarantine: str | None,
    dry_run: bool,
) -> Targets:
    """Open everything that a run writes to.

    Raises:
        click.UsageError: If a place will not do.
        BackendMissing: If objects are to be replaced where strangers can read them or their
            originals, or OSS cannot be reached.
    """
    from redactor.batch.ceiling import Ceiling
    from redactor.storage.places import open_in_place, open_quarantine, oss_folders

    is_moving = bool(originals and quarantine and oss_folders(source))
    limit = max_quarantine or (_MOVING if is_moving else None)
    try:
        ceiling = Ceiling.parse(limit) if limit else None
        if dry_run:
            return Targets(None, None, None, ceiling)
        kept = (
            open_in_place(originals, source, purge_versions=purge_versions, settings=settings)
            if originals
            else None
        )
        aside: Sink | OssQuarantine | None = None
        if quarantine:
            aside = (
                open_quarantine(quarantine, source, settings=settings)
                if is_moving
                else options.open_target(quarantine, (), settings)
            )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    sink = options.open_target(out, named, settings) if out else None
    if originals:
        _check_private(source, [place for place in (originals, quarantine) if place], settings)
    return Targets(sink, kept, aside, ceiling)


def _check_private(source: Source, places: list[str], settings: OssSettings) -> None:
    from redactor.storage.oss_place import OssPlace
    from redactor.storage.places import oss_folders

    folders = oss_folders(source)
    if not folders:
        return
    from redactor.storage.oss import connect
    from redactor.storage.oss_probe import check_private

    try:
        check_private(connect(settings), [*folders, *map(OssPlace.parse, places)])
    except BackendMissing as error:
        raise BackendMissing(f"--in-place does not start: {error}") from error
