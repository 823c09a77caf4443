"""The files a policy is made of: itself, what it extends, its lists."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from pathlib import Path

from redactor.errors import Mistake, PolicyError

MAX_BYTES = 1_000_000
MAX_LIST_BYTES = 10_000_000


class Texts:
    """Reads files, each once; what was read travels with the policy to other processes.

    Args:
        known: Texts by the names of their files; these are not read.
    """

    def __init__(self, known: Mapping[str, str] | None = None) -> None:
        self.known = dict(known or {})

    def read(self, name: str, *, max_bytes: int = MAX_BYTES) -> str:
        """Give the text of a file.

        Raises:
            PolicyError: If it cannot be read, is too large or is not UTF-8.
        """
        if name not in self.known:
            self.known[name] = _read(name, max_bytes)
        if len(self.known[name]) > max_bytes:
            raise _too_large(name, max_bytes)
        return self.known[name]


def beside(name: str, reference: str) -> str:
    """Give the name of a file that another file refers to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), reference))


def _read(name: str, max_bytes: int) -> str:
    try:
        with Path(name).open("rb") as file:
            octets = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        if isinstance(error, IsADirectoryError):
            why = f"it is a folder; name the policies in it: {name.rstrip('/')}/*.yaml"
        raise PolicyError([Mistake(name, 1, 1, f"cannot be read: {why}")]) from error
    if len(octets) > max_bytes:
        raise _too_large(name, max_bytes)
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode("utf-8")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = "this is not UTF-8; save the file as UTF-8"
        raise PolicyError([Mistake(name, line, column, message)]) from error


def _too_large(name: str, max_bytes: int) -> PolicyError:
    why = "a policy is for people to read" if max_bytes == MAX_BYTES else "split the list"
    return PolicyError([Mistake(name, 1, 1, f"larger than {max_bytes // 1_000_000} MB; {why}")])
