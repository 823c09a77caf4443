"""From what the user typed to sources and sinks.

`oss2` is loaded only where `oss://` is among it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from redactor.errors import AlreadyExists, BackendMissing
from redactor.storage import Item, Sink, Source
from redactor.storage.imm_gate import ImmGate
from redactor.storage.local import LocalItem, LocalSource, StreamItem, local_failure
from redactor.storage.local_sink import FileSink, FolderSink, StreamSink, refuse_unwritable
from redactor.storage.names import FailedItem, is_picture, shared_folder
from redactor.storage.oss_in_place import OssInPlace, OssQuarantine, OssShelf
from redactor.storage.oss_place import SCHEME, OssPlace, OssSettings
from redactor.storage.oss_store import OssSink, OssSource

STREAM = "-"


def is_oss(spec: str) -> bool:
    """Whether it names a place in OSS."""
    return spec.startswith(SCHEME)


def names_one(specs: str | Sequence[str]) -> bool:
    """Whether it names one picture itself, and not a folder, a prefix or a pattern."""
    if not isinstance(specs, str):
        return len(specs) == 1 and names_one(specs[0])
    if is_oss(specs):
        return not OssPlace.parse(specs).is_prefix
    return specs == STREAM or os.path.isfile(specs)  # noqa: PTH113 - never raises


def open_source(
    specs: str | Sequence[str],
    *,
    files_from: str | None = None,
    exclude: Sequence[str] = (),
    start_after: str = "",
    settings: OssSettings = OssSettings(),  # noqa: B008 - frozen
    imm: ImmGate | None = None,
    stdin: BinaryIO | None = None,
) -> Source:
    """Open what pictures come from.

    Args:
        specs: Files, folders, patterns, `oss://bucket/key`, `oss://bucket/prefix/` or `-`.
        files_from: A file that names further ones, one a line (or separated by NUL), where
            `*` and `?` have no meaning; `-` for standard input.
        exclude: Places that are not taken though they lie inside, such as the output.
        start_after: A key; those up to it are left out of listings in OSS.
        settings: How OSS is reached.
        imm: Counts and limits what is asked of `image/codes`; None for no limits.
        stdin: Standard input, if it is another.

    Raises:
        ValueError: If a place in OSS is wrongly written.
        StorageError: If `files_from` cannot be read.
        BackendMissing: If OSS is asked for, and endpoint, region or credentials are missing.
    """
    stream = stdin or sys.stdin.buffer
    named = [specs] if isinstance(specs, str) else list(specs)
    listed = _read_list(files_from, stream) if files_from is not None else []
    local = [spec for spec in (*named, *listed) if not is_oss(spec) and spec != STREAM]
    places = [OssPlace.parse(spec) for spec in (*named, *listed) if is_oss(spec)]
    parts: list[Source] = []
    if STREAM in named:
        parts.append(_StreamSource(stream))
    if local:
        skip = [path for path in exclude if not is_oss(path) and path != STREAM]
        parts.append(LocalSource(local, skip, frozenset(listed)))
    if places:
        parts.extend(
            replace(part, start_after=start_after, imm=imm)
            for part in _oss_sources(places, exclude, settings)
        )
    return Several(parts)


def open_sink(
    spec: str,
    *,
    single: bool = False,
    settings: OssSettings = OssSettings(),  # noqa: B008 - frozen
    stdout: BinaryIO | None = None,
) -> Sink:
    """Open what finished pictures go to.

    Args:
        spec: A folder, a file, `oss://bucket/prefix/`, `oss://bucket/key` or `-`.
        single: Whether one picture is to come (see `names_one`); only then a file, an object or
            standard output will do.
        settings: How OSS is reached.
        stdout: Standard output, if it is another.

    Raises:
        ValueError: If several pictures cannot go there, or a place in OSS is wrongly written.
        BackendMissing: If OSS is asked for, and endpoint, region or credentials are missing; if
            nothing may be written to a folder.
    """
    if spec == STREAM and single:
        if stdout is None and getattr(sys.stdout, "name", None) == os.devnull:
            raise BackendMissing("standard output is closed; leave it open, or name a file")
        return StreamSink(stdout or sys.stdout.buffer)
    if is_oss(spec):
        return _oss_sink(OssPlace.parse(spec), single=single, settings=settings)
    is_file = os.path.isfile(spec)  # noqa: PTH113 - never raises
    if spec == STREAM or (is_file and not single):
        raise ValueError(f"{spec}: several pictures need a folder to go to")
    is_named = is_picture(spec) and not spec.endswith("/") and not Path(spec).is_dir()
    if single and (is_file or is_named):
        refuse_unwritable(str(Path(spec).parent))
        return FileSink(spec)
    refuse_unwritable(spec)
    return FolderSink(spec)


def oss_folders(source: Source) -> list[OssPlace]:
    """Give the prefixes in OSS that a source takes objects from, each once, sorted.

    Raises:
        StorageError: If one is that of an inventory that cannot be read.
    """
    parts = source.sources if isinstance(source, Several) else [source]
    if isinstance(source, Listed):
        places = (OssPlace.parse(name) for name, _ in source.pairs if is_oss(name))
        return sorted({OssPlace(place.bucket, place.folder) for place in places}, key=str)
    roots = {part.root for part in parts if isinstance(part, OssSource)}
    return sorted(roots, key=str)


def open_in_place(
    originals: str,
    source: Source,
    *,
    purge_versions: bool = False,
    settings: OssSettings = OssSettings(),  # noqa: B008 - frozen
) -> Sink | OssInPlace:
    """Open what replaces pictures where they lie.

    Args:
        originals: Where the originals are kept: for objects, a prefix in OSS.
        source: Where the pictures come from.
        purge_versions: Delete versions of objects that still hold a code.
        settings: How OSS is reached.

    Raises:
        ValueError: If originals cannot be kept there.
        BackendMissing: If OSS is asked for, and endpoint, region or credentials are missing.
    """
    if not oss_folders(source):
        return open_sink(originals, settings=settings)
    return OssInPlace(_shelf(originals, source, settings), purge_versions)


def open_quarantine(
    place: str,
    source: Source,
    *,
    settings: OssSettings = OssSettings(),  # noqa: B008 - frozen
) -> OssQuarantine:
    """Open what moves objects out of the way. Arguments and errors as with `open_in_place`."""
    return OssQuarantine(_shelf(place, source, settings))


def _shelf(spec: str, source: Source, settings: OssSettings) -> OssShelf:
    if not _is_all_oss(source):
        raise ValueError("files and objects cannot be replaced in one run; run them separately")
    if not is_oss(spec):
        raise ValueError(f"{spec}: objects are copied within OSS; give oss://bucket/prefix/")
    place = OssPlace.parse(spec)
    if not place.is_prefix:
        raise ValueError(f"{place}: originals need a prefix to go to; end it with /")
    for folder in oss_folders(source):
        if folder.bucket == place.bucket and folder.key.startswith(place.key):
            raise ValueError(f"{place}: holds the source {folder}, too; keep copies elsewhere")
    from redactor.storage.oss import connect

    return OssShelf(connect(settings), place)


def _is_all_oss(source: Source) -> bool:
    if isinstance(source, Listed):
        return all(is_oss(name) for name, _ in source.pairs)
    parts = source.sources if isinstance(source, Several) else [source]
    return all(isinstance(part, OssSource) for part in parts)


@dataclass(frozen=True, slots=True)
class Several:
    """Several sources, one after the other.

    Attributes:
        sources: In order. A picture that comes twice is taken once; one that would go where
            another went is named as failed.
    """

    sources: Sequence[Source]

    def items(self) -> Iterator[Item]:
        """List the pictures of all."""
        if len(self.sources) == 1:
            # A prefix of millions is listed in constant memory.
            yield from self.sources[0].items()
            return
        seen: dict[str, str] = {}
        for source in self.sources:
            for item in source.items():
                first = seen.get(item.relative)
                if first is None:
                    seen[item.relative] = item.name
                    yield item
                elif first != item.name:
                    yield _collision(item, first)


@dataclass(frozen=True, slots=True)
class Listed:
    """Pictures that a list names one by one, each with its place below the source.

    Attributes:
        pairs: Name, as the user would type it, and relative name.
        settings: How OSS is reached.
    """

    pairs: Sequence[tuple[str, str]]
    settings: OssSettings

    def items(self) -> Iterator[Item]:
        """List the pictures."""
        client = None
        for name, relative in self.pairs:
            if not is_oss(name):
                yield LocalItem(name, relative)
                continue
            from redactor.storage.oss import connect
            from redactor.storage.oss_store import OssItem

            client = client or connect(self.settings)
            yield OssItem(client, OssPlace.parse(name), relative)


@dataclass(frozen=True, slots=True)
class _StreamSource:
    stream: BinaryIO

    def items(self) -> Iterator[Item]:
        yield StreamItem(self.stream)


def _collision(item: Item, first: str) -> FailedItem:
    message = f"{item.name}: would be written where {first} is; run them one after the other"
    return FailedItem(item.name, item.relative, AlreadyExists(message))


def _read_list(path: str, stdin: BinaryIO) -> list[str]:
    try:
        data = stdin.read() if path == STREAM else Path(path).read_bytes()
    except OSError as error:
        raise local_failure(path, error) from error
    separator = b"\0" if b"\0" in data else b"\n"
    lines = (line.removesuffix(b"\r") for line in data.split(separator))
    return [os.fsdecode(line) for line in lines if line.strip()]


def _oss_sources(
    places: Sequence[OssPlace], exclude: Sequence[str], settings: OssSettings
) -> Iterator[OssSource]:
    from redactor.storage.oss import connect

    client = connect(settings)
    skip = [OssPlace.parse(spec) for spec in exclude if is_oss(spec)]
    base = _base(places)
    has_several_buckets = len({place.bucket for place in places}) > 1
    for place in places:
        folder = f"{place.bucket}/" if has_several_buckets else ""
        yield OssSource(client, place, base, folder=folder, exclude=skip)


def _base(places: Sequence[OssPlace]) -> str:
    """Give what is cut off each key: one prefix itself, or the folder that several share."""
    if len(places) == 1:
        return places[0].key.rpartition("/")[0] + "/" if "/" in places[0].key else ""
    # A prefix among several keeps its own name, as folders do.
    folders = [tuple(place.key.rstrip("/").split("/")[:-1]) for place in places]
    return "".join(f"{part}/" for part in shared_folder(folders))


def _oss_sink(place: OssPlace, *, single: bool, settings: OssSettings) -> Sink:
    if not place.is_prefix and not single:
        raise ValueError(f"{place}: several pictures need a prefix to go to; end it with /")
    from redactor.storage.oss import connect

    return OssSink(connect(settings), place)
