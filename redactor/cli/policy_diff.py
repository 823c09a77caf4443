"""`redactor policy diff`: what another policy would have decided about recorded codes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redactor.cli import options
from redactor.cli.exits import Exit, Refusal, help_of, leave

if TYPE_CHECKING:
    from rich.console import Console

    from redactor.model import PictureDecision
    from redactor.policy import Difference, Policy, RecordedPicture
    from redactor.policy.replay import Change, Side
    from redactor.report import Content, Row

_SHOWN = 5  # names of pictures; --json gives all


@click.command(
    short_help="Tell which recorded decisions would change.",
    epilog=help_of(
        "redactor policy diff policies/default.yaml policies/own-links.yaml --against results.jsonl"
    ),
)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--against",
    required=True,
    metavar="RESULTS",
    help="Replay the codes that a run recorded here: its results, or its folder.",
)
@click.option("--report", metavar="FILE", help="Write an HTML page of the codes that change.")
@click.option("--show-codes", is_flag=True, help="Leave codes readable on that page.")
@options.content
@click.option("--fail-on-change", is_flag=True, help="Exit with 1 if a decision changes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def diff(
    *,
    old: str,
    new: str,
    against: str,
    report: str | None,
    show_codes: bool,
    content: str,
    fail_on_change: bool,
    as_json: bool,
) -> None:
    """Tell which decisions on recorded codes would change from policy OLD to policy NEW.

    Neither pictures nor detectors are needed. Both policies decide as on this day. Where a
    condition needs more of a content than was recorded, it is named, and the exit code is 2;
    record with `--content full` to compare such policies.
    """
    from redactor.cli import output
    from redactor.cli.report import keep_results
    from redactor.policy import Policy, compare
    from redactor.report import Content

    keep_results((against,), report)
    before, after = Policy.load(old), Policy.load(new)
    found = compare(before, after, _recorded(against))
    if found.unjudged:
        _print_unjudged(output.stderr(), found)
        leave(Exit.USAGE)
    if as_json:
        click.echo(json.dumps(_as_json(found, Content(content)), indent=2))
    else:
        _print(output.stdout(), found, Content(content))
    if report:
        _write_page(report, before, after, _rows(against), Content(content), show_codes=show_codes)
        click.echo(f"Report: {report}", err=True)
    has_changed = bool(found.changes or found.picture_changes or found.terms)
    leave(Exit.FAILED_ON if has_changed and fail_on_change else Exit.DONE)


def _recorded(path: str) -> Iterator[RecordedPicture]:
    from redactor.batch.recorded import recorded_picture

    yield from map(recorded_picture, _rows(path))


def _rows(path: str) -> Iterator[Row]:
    from redactor.batch import Ledger
    from redactor.errors import RedactorError
    from redactor.report import read_rows

    try:
        if Path(path).is_dir():
            with Ledger(path) as ledger:
                rows = list(ledger.rows())
        else:
            with Path(path).open(encoding="utf-8", errors="replace") as lines:
                rows = list(read_rows(lines, name=path))
    except OSError as error:
        raise Refusal(f"{path}: cannot be read: {error.strerror}") from error
    except RedactorError as error:
        raise Refusal(str(error)) from error
    # Without an origin, nothing was decided: the picture could not even be opened.
    yield from (row for row in rows if row["origin"] is not None)


def _write_page(
    path: str, old: Policy, new: Policy, rows: Iterator[Row], content: Content, *, show_codes: bool
) -> None:
    """Write a page of the pictures in which something changes, with those codes alone."""
    from redactor.batch.recorded import changed_row
    from redactor.cli.options import oss_settings
    from redactor.cli.record import beside
    from redactor.cli.report import picture_bytes
    from redactor.report import HtmlReport, reduce

    page = HtmlReport(
        f"{old.name} to {new.name}",
        policy=f"{old.name}@{old.hash} → {new.name}@{new.hash}",
        detector="as recorded",
        is_diff=True,
        show_codes=show_codes,
        **beside(path),
    )
    settings = oss_settings(None, None)
    for row in rows:
        changed = changed_row(row, old, new)
        if changed is not None:
            before = picture_bytes(row["name"], row["source_hash"], row["source_bytes"], settings)
            page.add_row(reduce(changed, content), before, None)
    try:
        Path(path).write_text(page.render(), "utf-8")
    except OSError as error:
        raise Refusal(f"{path}: cannot be written: {error.strerror}") from error


def _print_unjudged(console: Console, found: Difference) -> None:
    from redactor.report.text import escape_text
    from redactor.report.words import count

    console.print("These conditions need more of what codes say than was recorded:")
    for (policy, rule, condition), number in found.unjudged.items():
        told = f"  {policy}: rule {rule}: {condition} ({count(number, 'code')})"
        console.print(escape_text(told), soft_wrap=True)
    console.print("Nothing is compared. Record the run again with --content full.")


def _print(console: Console, found: Difference, content: Content) -> None:
    from redactor.report.text import escape_text
    from redactor.report.words import count

    replayed = f"{count(found.codes, 'code')} in {count(found.pictures, 'picture')} replayed"
    for change in found.changes:
        console.print(f"{_side(change.old)}  →  {_side(change.new)}", style="bold", soft_wrap=True)
        of = f"{count(change.count, 'code')} in {count(len(change.pictures), 'picture')}"
        console.print(f"  {of}")
        for example in _examples(change, content):
            console.print(f"    {escape_text(example)}", soft_wrap=True)
        _print_names(console, list(change.pictures))
        console.print()
    for whole in found.picture_changes:
        told = f"picture: {_rules(whole.old)}  →  {_rules(whole.new)}"
        console.print(told, style="bold", soft_wrap=True)
        console.print(f"  {count(len(whole.pictures), 'picture')}")
        _print_names(console, whole.pictures)
        console.print()
    for key, before, after in found.terms:
        console.print(f"{key}: {before}  →  {after}", style="bold")
        console.print()
    changed = sum(change.count for change in found.changes)
    of_pictures = sum(len(whole.pictures) for whole in found.picture_changes)
    if not changed and not of_pictures and found.terms:
        console.print(f"No decision changes, but what else the policy says. {replayed}.")
        return
    if not changed and not of_pictures:
        console.print(f"No decision changes. {replayed}.")
        return
    parts = [count(changed, "decision")] if changed or not of_pictures else []
    parts += [f"{count(of_pictures, 'picture')} as a whole"] if of_pictures else []
    one = changed + of_pictures == 1
    console.print(f"{' and '.join(parts)} change{'s' if one else ''}. {replayed}.")


def _print_names(console: Console, names: Sequence[str]) -> None:
    from redactor.report.text import escape_text

    for name in names[:_SHOWN]:
        console.print(f"  in {escape_text(name)}", soft_wrap=True)
    if len(names) > _SHOWN:
        console.print(f"  and in {len(names) - _SHOWN:,} more; --json names all")


def _side(side: Side) -> str:
    from redactor.model import Style

    flag = f", flag {side.flag}" if side.flag else ""
    style = ""
    if side.style is not None and side.style != Style():
        color = side.style.color
        told = "auto" if color is None else "#{:02x}{:02x}{:02x}".format(*color)
        style = f" {side.style.blocks} blocks" if side.action == "pixelate" else f" {told}"
    return f"{side.action}{style}{flag} ({side.rule})"


def _rules(said: Sequence[PictureDecision]) -> str:
    named = []
    for decision in said:
        effects = ["quarantine"] if decision.quarantine else []
        effects += [f"flag {decision.flag}"] if decision.flag else []
        named.append(f"{', '.join(effects)} ({decision.rule})")
    return "; ".join(named) or "nothing"


def _examples(change: Change, mode: Content) -> Iterator[str]:
    from redactor.report.words import symbology_name

    told: dict[str, None] = {}
    for _, code in change.examples:
        content = code.detection.content
        if content is not None:
            said = _told(content, mode)
        elif code.is_reduced:
            said = _told(code.origin, mode) if code.origin else "(content not recorded)"
        else:
            said = "not read"
        told[f"{symbology_name(code.detection.symbology)}: {said}"] = None
    yield from told


def _told(content: str, mode: Content) -> str:
    from redactor.report.text import defang, disclose, shorten
    from redactor.report.words import count

    told = disclose(content, mode)
    if told.text is None:
        return f"text of {count(len(content), 'character')}"
    more = {"host": "", "scheme": "…", "full": ""}.get(told.kind)
    return f"#{told.text[:16]}" if more is None else defang(shorten(told.text, limit=80)) + more


def _as_json(found: Difference, content: Content) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "pictures": found.pictures,
        "codes": found.codes,
        "terms": [{"key": key, "old": old, "new": new} for key, old, new in found.terms],
        "changes": [
            {
                "old": asdict(change.old),
                "new": asdict(change.new),
                "codes": change.count,
                "examples": list(_examples(change, content)),
                "pictures": list(change.pictures),
            }
            for change in found.changes
        ],
        "picture_changes": [asdict(change) for change in found.picture_changes],
    }
