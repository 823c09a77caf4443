"""`redactor policy`: work on policies. One file per subcommand: `policy_check.py` and so on."""

from __future__ import annotations

from importlib import import_module

import click

from redactor.cli.exits import help_of

_COMMANDS = ("check", "explain", "test", "diff", "schema")


class _Commands(click.Group):
    """Finds subcommands in files of their names."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"redactor.cli.policy_{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(
    cls=_Commands,
    epilog=help_of(
        "redactor policy check policies/*.yaml",
        "redactor policy explain policies/default.yaml --content https://example.com/",
    ),
)
def policy() -> None:
    """Check, explain, test and compare policies."""
