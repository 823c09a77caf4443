"""The exit codes, and the errors that lead to them."""

from __future__ import annotations

from enum import IntEnum
from typing import IO, Any

import click


class Exit(IntEnum):
    """How a command ended. Where several apply, see `worst`."""

    DONE = 0
    FAILED_ON = 1
    USAGE = 2
    POLICY = 3
    SOME_FAILED = 4
    READABLE = 5
    BACKEND = 6
    INTERRUPTED = 130


class Refusal(click.ClickException):
    """What was asked for is well written, and cannot be done; nothing was done."""

    exit_code = int(Exit.USAGE)

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the message alone: how the command is used would not help."""
        click.echo(f"redactor: {self.format_message()}", file=file, err=file is None)


_ORDER = (
    Exit.INTERRUPTED,
    Exit.BACKEND,
    Exit.POLICY,
    Exit.USAGE,
    Exit.READABLE,
    Exit.SOME_FAILED,
    Exit.FAILED_ON,
)

_HELP = """\b
Exit codes:
  0    done (redacting something is not a failure)
  1    --fail-on or --fail-on-change happened, or a test of a policy failed
  2    wrong usage, or more than was allowed (--max-changes)
  3    the policy is invalid
  4    some pictures could not be handled; they are named at the end
  5    something readable remains (verify)
  6    something is missing: credentials, a bucket, a decoder, room on a disk,
       a run folder of its own; or the run stopped at --max-quarantine
  130  interrupted
Where several apply: 130, 6, 3, 2, 5, 4, 1.
"""


def help_of(*examples: str) -> str:
    """Give what stands at the end of a help text: the exit codes, and examples to copy."""
    # \b keeps click from joining the lines: a broken command cannot be copied.
    lines = "\n".join(f"example:  {example}" for example in examples)
    return f"{_HELP}\n\b\n{lines}"


def worst(*codes: Exit) -> Exit:
    """Give the code that matters most."""
    return next((code for code in _ORDER if code in codes), Exit.DONE)


def leave(code: Exit) -> None:
    """End the command with a code."""
    if code is not Exit.DONE:
        raise click.exceptions.Exit(int(code))
