"""The command line: one file per subcommand; the only place that prints or exits.

Commands load what they need when they run, so that `--help` and `--version` load no decoder.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NoReturn

import click

from redactor.cli.exits import HELP, Exit
from redactor.errors import BackendMissing, PolicyError, RedactorError
from redactor.version import __version__

_COMMANDS = ("run", "scan", "verify", "policy", "doctor", "demo")


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
    epilog=HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="redactor")
def cli() -> None:
    """Find every QR code and barcode in pictures, decide by a policy, hide what must go.

    Begin with `redactor demo`, then `redactor run photo.jpg --out redacted.jpg`.
    """


def main() -> NoReturn:
    """Run the command line and exit."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except PolicyError as error:
        click.echo(f"{error}\nThe policy is invalid; nothing was done.", err=True)
        code = Exit.POLICY
    except BackendMissing as error:
        click.echo(f"redactor: {error}", err=True)
        code = Exit.BACKEND
    except RedactorError as error:
        click.echo(f"redactor: {error}", err=True)
        code = Exit.SOME_FAILED
    except (KeyboardInterrupt, click.Abort):
        click.echo("redactor: interrupted; pictures in hand were finished", err=True)
        code = Exit.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has had enough; there is nobody left to tell.
        sys.stderr.close()
        code = Exit.DONE
    sys.exit(int(code or 0))
