"""`redactor policy schema`: what editors need to complete and explain policies."""

from __future__ import annotations

import click

from redactor.cli.exits import help_of


@click.command(epilog=help_of("redactor policy schema", "redactor policy schema --tests"))
@click.option("--tests", is_flag=True, help="Give the schema of *.test.yaml files instead.")
def schema(*, tests: bool) -> None:
    """Print the JSON Schema of policy files.

    Save it as policy.schema.json beside your policies, and begin each with the line below;
    editors that know YAML then complete every key, and say what it means.

    # yaml-language-server: $schema=policy.schema.json
    """
    from redactor.policy import json_schema

    click.echo(json_schema(tests=tests), nl=False)
