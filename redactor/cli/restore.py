"""`redactor restore`: put an original back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from redactor.cli import options
from redactor.cli.exits import Refusal, help_of


@click.command(
    short_help="Put an original back, as after an appeal.",
    epilog=help_of(
        "redactor restore oss://shop/pictures/a.jpg --originals oss://kept/originals/",
    ),
)
@click.argument("key", metavar="oss://BUCKET/KEY")
@click.option(
    "--originals", required=True, metavar="PLACE", help="Take it from here, as --in-place kept it."
)
@click.option(
    "--etag",
    metavar="ETAG",
    help="Of the original, where several are kept.",
    show_default="the one that the object names, or the only one",
)
@click.option(
    "--overwrite", is_flag=True, help="Replace the object even if it is not of redactor's making."
)
@click.option("--reason", metavar="TEXT", default="", help="Record why.")
@click.option(
    "--log",
    metavar="FILE",
    default="redactor.restored.jsonl",
    show_default=True,
    help="Record what was put back as a line of JSON here.",
)
@options.oss
def restore(
    *,
    key: str,
    originals: str,
    etag: str | None,
    overwrite: bool,
    reason: str,
    log: str,
    endpoint: str | None,
    region: str | None,
) -> None:
    """Put back the original of an object that was redacted in place, or moved to quarantine.

    Bytes, metadata and tags are the original's; the access list stays that of the object, and is
    private where there is none. The next run over it redacts it again: leave it out with
    --exclude, or change the policy.
    """
    from redactor.cli import output
    from redactor.storage.oss import connect
    from redactor.storage.oss_in_place import OssShelf
    from redactor.storage.oss_place import OssPlace
    from redactor.storage.oss_restore import put_back

    try:
        target, place = OssPlace.parse(key), OssPlace.parse(originals)
    except ValueError as error:
        raise click.UsageError(
            f"{error}; originals of files are files: copy them back from --originals"
        ) from error
    if target.is_prefix or not place.is_prefix:
        raise click.UsageError("restore one object, oss://BUCKET/KEY, from a prefix that ends in /")
    shelf = OssShelf(connect(options.oss_settings(endpoint, region)), place)
    try:
        # Opened first: what cannot be recorded is not done.
        with Path(log).open("a", encoding="utf-8") as file:
            done = put_back(shelf, target, etag=etag, overwrite=overwrite)
            entry = {
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "name": str(target),
                "restored_from": str(done.source),
                "etag": done.etag,
                "replaced_etag": done.replaced_etag,
                "reason": reason,
            }
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
    except OSError as error:
        raise Refusal(f"{log}: cannot be written: {error.strerror}") from error
    console = output.stdout()
    console.print(f"{target}: put back from {done.source}; recorded in {log}", soft_wrap=True)
    remarks = output.stderr()
    remarks.print(f"Refresh in any cache in front of OSS: {done.url}", soft_wrap=True)
    remarks.print("The next run over it will redact it again; leave it out with --exclude.")
