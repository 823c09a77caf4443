"""The command that runs again what could not be handled, as it can be typed or pasted."""

from __future__ import annotations

import itertools
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import click

from redactor.report.text import escape_text
from redactor.storage.names import shared_folder
from redactor.storage.places import STREAM, is_oss, names_one

NAMED = 20  # more than this go into a file
# Where files go is told anew; a second run must not write over the results of the first.
_PLACES = ("out", "originals", "quarantine")
# What selects pictures of a source has done so: it would not know them under their own names.
_SELECTING = ("include", "exclude", "since", "until", "start_after")
_LEFT_OUT = (
    "sources", "files_from", "results", "report", "plan_file", "run_folder_path", "resume",
    *_SELECTING, *_PLACES,
)  # fmt: skip


class Failure(NamedTuple):
    """One picture that could not be handled.

    Attributes:
        name: As the user would type it.
        relative: Its place below the source.
        reason: In words.
        number: Its place in the listing.
        is_quarantined: What it is keeps it from being handled, not what is around it.
        is_moved: It does not lie there any more; the reason says where it lies.
    """

    name: str
    relative: str
    reason: str
    number: int = 0
    is_quarantined: bool = False
    is_moved: bool = False


class Again(NamedTuple):
    """A command that runs failures again.

    Attributes:
        command: To be typed or pasted.
        below: The folder, below the source, that what it makes belongs into, where it cannot be
            told so itself; empty for none.
    """

    command: str
    below: str = ""


def commands(
    context: click.Context, failures: Sequence[Failure], list_path: str
) -> Iterator[Again]:
    """Give commands that run failures again, so that they go where they would have gone.

    Args:
        context: Of the command that has run; its options are given again.
        failures: What could not be handled.
        list_path: Of the file that names them, where they are too many to type.

    Raises:
        OSError: If that file cannot be written.
    """
    named = set(context.params["sources"])
    # What is missing has no place below the source; files and objects are mirrored each from
    # their own folder.
    absent = [one for one in failures if one.name == one.relative and one.name in named]
    local = [one for one in failures if one not in absent and not is_oss(one.name)]
    remote = [one for one in failures if one not in absent and is_oss(one.name)]
    # Copies of objects that are replaced in place go by their whole keys, wherever a run begins.
    below = "" if context.params.get("in_place") else _prefix(remote, named)
    groups = [(absent, ""), (local, _prefix(local, named)), (remote, below)]
    plan_file = context.params.get("plan_file")
    fresh = _fresh_names(plan_file) if plan_file else iter(())
    for number, (group, prefix) in enumerate(one for one in groups if one[0]):
        path = f"{list_path}.{number}" if number else list_path
        command = _command(context, group, prefix, path, next(fresh, None))
        yield Again(command, prefix if plan_file else "")


def whole_command(context: click.Context) -> str:
    """Give the command that has run, to be run again; a run folder keeps it from doing so twice."""
    # To begin anew was asked for once.
    left_out = ("resume",) if context.params.get("resume") is False else ()
    words = ["redactor", context.info_name or "", *_options(context, left_out)]
    named: list[str] = []
    for parameter in context.command.params:
        if isinstance(parameter, click.Argument):
            value = context.params[parameter.name or ""]
            named += map(str, value) if isinstance(value, tuple) else [str(value)]
    if any(name.startswith("-") and name != STREAM for name in named):
        words.append("--")
    return " ".join(map(quote, [*words, *named]))


def quote(text: str) -> str:
    r"""Quote a word for a shell; what moves the cursor or is no text becomes `$'\x1b'`."""
    if escape_text(text) == text:
        return shlex.quote(text)
    escaped = (
        chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}"
        for byte in os.fsencode(text)
    )
    return f"$'{''.join(escaped)}'"


def _command(
    context: click.Context,
    failures: Sequence[Failure],
    prefix: str,
    list_path: str,
    plan_file: str | None,
) -> str:
    names = [failure.name for failure in failures]
    words = ["redactor", context.info_name or "", *_options(context)]
    words += _places(context.params, prefix)
    words += ["--output", plan_file] if plan_file else []
    if len(names) > NAMED:
        Path(list_path).write_bytes(_listed(names))
        words += ["--files-from", list_path]
    elif any(name.startswith("-") and name != STREAM for name in names):
        words += ["--", *names]
    else:
        words += names
    return " ".join(map(quote, words))


def _options(context: click.Context, left_out: Sequence[str] = _LEFT_OUT) -> Iterator[str]:
    """Give again every option that was given."""
    for option in context.command.params:
        name = option.name or ""
        value = context.params.get(name)
        if (
            isinstance(option, click.Argument)
            or name in left_out
            or value is None
            or value == option.get_default(context)
        ):
            continue
        for one in value if isinstance(value, tuple) else (value,):
            is_off = value is False and option.secondary_opts
            yield option.secondary_opts[0] if is_off else _long(option)
            if not (isinstance(option, click.Option) and option.is_flag):
                yield str(one)


def _fresh_names(path: str) -> Iterator[str]:
    """Name files beside a plan that are not there yet: people have written into that one."""
    whole = Path(path)
    names = (whole.with_name(f"{whole.stem}.{n}{whole.suffix}") for n in itertools.count(2))
    return (str(name) for name in names if not name.exists())


def _long(option: click.Parameter) -> str:
    return next(name for name in reversed(option.opts) if name.startswith("-"))


def _places(params: dict[str, object], prefix: str) -> Iterator[str]:
    for name in _PLACES:
        place = params.get(name)
        if isinstance(place, str):
            is_single = name == "out" and (place == STREAM or _is_file(place, params))
            yield f"--{name}"
            yield place if is_single or not prefix else f"{place.rstrip('/')}/{prefix}/"


def _is_file(place: str, params: dict[str, object]) -> bool:
    sources = params.get("sources")
    return isinstance(sources, tuple) and names_one(sources)


def _prefix(failures: Sequence[Failure], named: set[str]) -> str:
    """Give the folder, below the source, that these names will be mirrored from."""
    if {failure.name for failure in failures} == named:
        return ""
    if len(failures) == 1 and Path(failures[0].name).is_dir():
        return failures[0].relative
    folders = [PurePosixPath(failure.relative).parent.parts for failure in failures]
    return "/".join(shared_folder(folders)) if folders else ""


def _listed(names: Sequence[str]) -> bytes:
    # A line end may be part of a name; NUL never is.
    end = (
        b"\0" if any("\n" in name or "\r" in name or not name.strip() for name in names) else b"\n"
    )
    return b"".join(os.fsencode(name) + end for name in names)
