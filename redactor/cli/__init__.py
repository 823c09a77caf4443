"""The command line: one file per subcommand; the only place that prints or exits.

Commands load what they need when they run, so that `--help` and `--version` load no decoder.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys
import threading
from importlib import import_module
from io import StringIO, TextIOWrapper
from pathlib import Path
from traceback import extract_tb
from typing import NoReturn

import click

from redactor.cli.exits import Exit, help_of
from redactor.errors import BackendMissing, PolicyError, RedactorError
from redactor.version import __version__

_COMMANDS = (
    "run", "plan", "apply", "scan", "verify", "report", "restore", "policy", "serve", "doctor",
    "demo",
)  # fmt: skip
# Pictures are worked on side by side: threads within one would only get in their way. Those of
# OpenBLAS spin while they wait, which took a twentieth of a run.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
# pydantic would look through all that is installed for plugins.
_NO_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
# Objects until garbage is looked for: while modules are loaded there is none.
_GARBAGE = 50_000


class _Commands(click.Group):
    """Finds subcommands in files of the same name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"redactor.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.command(
    cls=_Commands,
    epilog=help_of(
        "redactor demo",
        "redactor run photo.jpg --out redacted.jpg",
        "redactor run photos/ --out redacted/ --report report.html",
    ),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="redactor")
def cli() -> None:
    """Find every QR code and barcode in pictures, decide by a policy, hide what must go.

    Begin with `redactor demo`; `redactor COMMAND --help` tells more.
    """


def main() -> NoReturn:
    """Run the command line and exit."""
    gc.set_threshold(_GARBAGE)
    for name in (*_ONE_THREAD, _NO_PLUGINS):
        os.environ.setdefault(name, "1")
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started this
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Names and marks that a terminal's encoding lacks must not end a run.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(standalone_mode=False, prog_name="redactor")
    except click.ClickException as error:
        usage = StringIO()
        error.show(usage)
        _tell(*usage.getvalue().rstrip("\n").split("\n"))
        code = error.exit_code
    except PolicyError as error:
        _tell(*(str(mistake) for mistake in error.mistakes))
        _tell("redactor: the policy is invalid; nothing was done")
        code = Exit.POLICY
    except BackendMissing as error:
        _tell(f"redactor: {error}")
        code = Exit.BACKEND
    except RedactorError as error:
        _tell(f"redactor: {error}")
        code = Exit.SOME_FAILED
    except (KeyboardInterrupt, click.Abort):
        _tell("redactor: interrupted")
        code = Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has had enough; there is nobody left to tell.
        sys.stderr.close()
        code = Exit.DONE
    except OSError as error:
        _tell(f"redactor: {error.filename or 'the system'}: {error.strerror or error}")
        code = Exit.BACKEND if error.errno == errno.ENOSPC else Exit.SOME_FAILED
    except Exception as error:  # noqa: BLE001 - a mistake of ours; where it is helps to mend it
        place = extract_tb(error.__traceback__)[-1]
        _tell(
            f"redactor: internal error: {type(error).__name__}: {error}"
            f" ({Path(place.filename).name}:{place.lineno}); please report it"
        )
        code = Exit.SOME_FAILED
    code = int(code or 0)
    _end_if_dropped(code)
    gc.freeze()  # the system has the memory back sooner than Python has looked through it
    sys.exit(code)


def _end_if_dropped(code: int) -> None:
    """End at once if pictures in hand were dropped: a thread that is at one cannot be stopped."""
    if code == Exit.INTERRUPTED and any(
        thread.name.startswith("redactor") for thread in threading.enumerate()
    ):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def _tell(*lines: str) -> None:
    with contextlib.suppress(OSError):  # a terminal that is gone
        for line in lines:
            click.echo(_shown(line), err=True)


def _shown(text: str) -> str:
    if text.isprintable():
        return text
    from redactor.report.text import escape_text

    return escape_text(text)
