"""`redactor report`: pages, tables and files from what was recorded."""

from __future__ import annotations

import contextlib
import hashlib
import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from redactor.cli import options
from redactor.cli.exits import Refusal, help_of

if TYPE_CHECKING:
    from redactor.report import Content, Row

_FORMATS = ("html", "csv", "markdown", "junit", "table", "jsonl")
_BY_ENDING = {
    ".html": "html", ".htm": "html", ".csv": "csv", ".md": "markdown", ".xml": "junit",
    ".jsonl": "jsonl",
}  # fmt: skip


@click.command(
    short_help="Make a page, a table or a file from recorded results.",
    epilog=help_of(
        "redactor report results.jsonl -o report.html",
        "redactor report plan.jsonl -o plan.html",
        "redactor report weekend/ --format csv -o codes.csv",
    ),
)
@click.argument("recorded", nargs=-1, metavar="RESULTS…")
@click.option("-o", "--output", "target", metavar="FILE", help="Write here; - for stdout.")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="What is made.",
    show_default="as FILE's ending tells, else table",
)
@options.content
@options.page
@click.option("--bom", is_flag=True, help="Begin CSV with a mark that spreadsheets look for.")
@click.option(
    "--fail-on",
    type=click.Choice(["flagged", "redacted"]),
    help="Count such pictures as failed in JUnit's file.",
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a results line, and end.")
@options.oss
def report(
    *,
    recorded: tuple[str, ...],
    target: str | None,
    form: str | None,
    content: str,
    no_images: bool,
    show_codes: bool,
    bom: bool,
    fail_on: str | None,
    schema: bool,
    endpoint: str | None,
    region: str | None,
) -> None:
    """Make a page, a table or a file from results, plans and run folders.

    Pictures are read again from where they were, and shown only if they are still the same, by
    length and SHA-256. Results of a stranger may name any file of yours, or any bucket that your
    credentials are then sent for: use --no-images.
    No more of what codes say is told than was recorded.
    """
    from redactor.report.rows import json_schema

    if schema:
        click.echo(json.dumps(json_schema(), indent=2))
        return
    if not recorded:
        raise click.UsageError("no RESULTS; name a results file, a plan or a run folder")
    keep_results(recorded, target)
    form = form or _BY_ENDING.get(Path(target or "").suffix.lower(), "table")
    rows = _rows(recorded, content)
    title = f"Report on {' '.join(recorded)}"
    page = ""
    if form == "html":  # before the file is opened: a page that was there stays where this fails
        pictures = None if no_images else options.oss_settings(endpoint, region)
        page = _page(rows, title, content, pictures, target, show_codes=show_codes)
    with _writing(target) as file:
        if form == "html":
            file.write(page)
        elif form == "table":
            _print_table(list(rows), file)
        else:
            file.writelines(_lines(rows, form, title, bom, fail_on))


def _rows(recorded: tuple[str, ...], content: str) -> Iterator[Row]:
    from redactor.batch import Ledger
    from redactor.batch.ledger import FILE
    from redactor.errors import RedactorError
    from redactor.report import Content, read_rows, reduce

    for path in recorded:
        try:
            if Path(path).is_dir():
                if not (Path(path) / FILE).exists():
                    raise Refusal(f"{path}: a folder, and no run folder")
                with Ledger(path) as ledger:
                    yield from (reduce(row, Content(content)) for row in ledger.rows())
                continue
            with Path(path).open(encoding="utf-8", errors="replace") as lines:
                found = read_rows(lines, name=path)
                yield from (_reduced(row, Content(content)) for row in found)
            if found.cut:
                click.echo(f"{path}: {found.cut} unfinished line left out", err=True)
        except OSError as error:
            raise Refusal(f"{path}: cannot be read: {error.strerror}") from error
        except RedactorError as error:
            raise Refusal(str(error)) from error


def keep_results(recorded: tuple[str, ...], target: str | None) -> None:
    """Refuse to write over what is to be read."""
    for path in recorded:
        if target and Path(target).exists() and Path(path).exists() and Path(target).samefile(path):
            raise click.UsageError(f"{target}: holds the results themselves; name another FILE")


def _reduced(row: Row, content: Content) -> Row:
    from redactor.report import reduce

    # What people decide on a page goes back into the plan, whose facts have to stay as they are.
    return reduce(row, content, exact="plan" in row)


def _lines(
    rows: Iterator[Row], form: str, title: str, bom: bool, fail_on: str | None
) -> Iterator[str]:
    from redactor.model import Verdict
    from redactor.report.csv import BOM, csv_lines
    from redactor.report.junit import junit
    from redactor.report.markdown import markdown_lines
    from redactor.report.rows import dump_row

    if form == "csv":
        yield BOM if bom else ""
        yield from csv_lines(rows)
    elif form == "markdown":
        yield from markdown_lines(rows, title=title)
    elif form == "junit":
        asked = {"flagged": (Verdict.FLAGGED,), "redacted": (Verdict.FLAGGED, Verdict.REDACTED)}
        yield junit(rows, title=title, failing=asked.get(fail_on or "", ()))
    else:
        yield from map(dump_row, rows)


def _print_table(rows: list[Row], file: TextIO) -> None:
    from rich.console import Console

    from redactor.cli import output
    from redactor.report import Tally, pictures_table, summary_table

    is_terminal = file is sys.stdout
    console = output.stdout() if is_terminal else Console(file=file, width=160, emoji=False)
    if rows:
        console.print(pictures_table(rows))
    console.print(summary_table(Tally.of(rows)))


def _page(
    rows: Iterator[Row],
    title: str,
    content: str,
    settings: Any,  # noqa: ANN401 - of OSS, loaded only where it is needed
    target: str | None,
    *,
    show_codes: bool,
) -> str:
    from redactor.cli.record import beside
    from redactor.report import Content, HtmlReport

    page: HtmlReport | None = None
    is_plan = False
    for row in rows:
        if page is None:
            is_plan = "plan" in row
            page = HtmlReport(
                title,
                policy=row["policy"],
                detector=", ".join(row["detectors"]),
                content=Content(content),
                show_codes=show_codes,
                is_plan=is_plan,
                **beside(target),
            )
        if is_plan is not ("plan" in row):
            raise click.UsageError("a plan and results make two pages; name one of them")
        before = settings and picture_bytes(
            row["name"], row["source_hash"], row["source_bytes"], settings
        )
        after = settings and picture_bytes(
            row["written"], row["output_hash"], row["output_bytes"], settings
        )
        if is_plan:
            _check_whole(cast(dict[str, Any], row))
        page.add_row(row, before or None, after or None)
    if page is None:
        raise Refusal("nothing is recorded there")
    return page.render()


def _check_whole(row: dict[str, Any]) -> None:
    """Refuse a plan that does not tell what it did: `apply` would refuse what is decided on it."""
    from redactor.batch.plan import is_as_planned

    if not is_as_planned(row):
        raise click.UsageError(
            f"{row['name']}: the page of a plan tells what the plan tells of contents, and this"
            " one was edited, or is asked for less; give the --content that it was planned with"
        )


def picture_bytes(
    name: str | None,
    digest: str | None,
    size: int | None,
    settings: Any,  # noqa: ANN401 - of OSS
) -> bytes | None:
    """Read a picture, if it is still what was recorded.

    Who wrote the results may have named any place. So nothing is read that is no plain file (a
    device may never end, a pipe never begin) or has another length, and nothing is given but the
    bytes of that hash.

    Args:
        name: Where it was; None where it was nowhere.
        digest: SHA-256 of it, in hexadecimal.
        size: Its length in bytes.
        settings: How OSS is reached.
    """
    from redactor.errors import RedactorError
    from redactor.model import DEFAULT_LIMITS
    from redactor.storage.places import Listed, is_oss

    if not name or not digest or name == "-" or not size:
        return None
    try:
        if not is_oss(name) and not _is_file(name, size):
            return None
        (item,) = Listed([(name, name)], settings).items()
        data = item.read(max_bytes=min(size, 4 * DEFAULT_LIMITS.max_bytes)).data
    except (RedactorError, ValueError):
        return None
    return data if hashlib.sha256(data).hexdigest() == digest else None


def _is_file(name: str, size: int) -> bool:
    try:
        found = Path(name).stat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == size


@contextlib.contextmanager
def _writing(target: str | None) -> Iterator[TextIO]:
    if target in (None, "-"):
        yield sys.stdout
        return
    assert target is not None
    try:
        # Line ends are part of the formats.
        with Path(target).open("w", encoding="utf-8", newline="") as file:
            yield file
        click.echo(f"Report: {target}", err=True)
    except OSError as error:
        raise Refusal(f"{target}: cannot be written: {error.strerror}") from error
