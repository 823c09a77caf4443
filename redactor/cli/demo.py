"""`redactor demo`: the whole loop on an embedded OSS."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from redactor.cli import options
from redactor.cli.exits import Exit, help_of, leave, worst
from redactor.cli.run import run
from redactor.cli.shipped import shipped
from redactor.cli.verify import verify

_BUCKET = "demo"


@click.command(
    short_help="Show the whole loop: samples, an embedded OSS, and a report.",
    epilog=help_of("redactor demo --out redactor-demo"),
)
@click.option(
    "--out",
    metavar="FOLDER",
    default="redactor-demo",
    show_default=True,
    help="Put pictures before and after, and the report, here.",
)
@options.policy()
@options.jobs
@click.pass_context
def demo(context: click.Context, *, out: str, policy_file: str, jobs: int) -> None:
    """Upload the samples to an embedded OSS, redact them there, and show what happened.

    The pictures go into a bucket of a small OSS server on this machine; codes are found through
    image/codes and locally; the policy decides; what it hides is drawn over and checked; the
    pictures are written back under redacted/ and downloaded, with a report, into FOLDER.
    Nothing leaves this machine.
    """
    from redactor.cli import output
    from redactor.storage.names import is_picture
    from redactor.testing import OssServer

    remarks = output.stderr()
    folder = Path(out)
    samples = shipped("samples")
    with OssServer(buckets=[_BUCKET]) as server, _environment(server.env()):
        for path in sorted(path for path in samples.rglob("*") if is_picture(path.name)):
            server.put(_BUCKET, f"uploads/{path.relative_to(samples)}", path.read_bytes())
        uploaded = server.keys(_BUCKET)
        remarks.print(f"Uploaded {len(uploaded)} pictures to oss://{_BUCKET}/uploads/", style="dim")
        code = _ended(
            context,
            run,
            sources=(f"oss://{_BUCKET}/uploads/",),
            out=f"oss://{_BUCKET}/redacted/",
            policy_file=policy_file,
            detector="hybrid",
            results=str(folder / "results.jsonl"),
            report=str(folder / "report.html"),
            jobs=jobs,
        )
        _download(server.get, [*uploaded, *server.keys(_BUCKET, "redacted/")], folder)
        asked = sum("x-oss-process" in request.query for request in server.requests)
    remarks.print(f"image/codes was asked {asked} times.", style="dim")
    checked = _ended(
        context, verify, sources=(str(folder / "redacted"),), policy_file=policy_file, jobs=jobs
    )
    remarks.print(
        f"Pictures before: {folder / 'uploads'}, after: {folder / 'redacted'}", soft_wrap=True
    )
    remarks.print(f"Now open {folder / 'report.html'}", style="bold", soft_wrap=True)
    leave(worst(code, checked))


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set how OSS is reached, and forget any other way to it for so long."""
    before = {
        name: value for name, value in os.environ.items() if name.startswith(("OSS_", "IMM_"))
    }
    try:
        for name in before:
            del os.environ[name]
        os.environ.update(variables)
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


def _ended(context: click.Context, command: click.Command, **given: object) -> Exit:
    """Run another command and give its exit code instead of leaving."""
    try:
        context.invoke(command, **given)
    except click.exceptions.Exit as error:
        return Exit(error.exit_code)
    return Exit.DONE


def _download(get: Callable[[str, str], bytes], keys: list[str], folder: Path) -> None:
    for key in keys:
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(get(_BUCKET, key))
