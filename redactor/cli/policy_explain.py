"""`redactor policy explain`: which rule decides about a code, and why no earlier one does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from redactor.cli import options
from redactor.cli.exits import Exit, help_of, leave

if TYPE_CHECKING:
    from rich.console import Console

    from redactor.model import Decision, Detection, Facts
    from redactor.policy import Policy, Step

_PICTURE, _SIDE = 1000, 200
_ASSUMED = f"a code of {_SIDE} px in the middle of a picture of {_PICTURE} by {_PICTURE} px"


@click.command(
    short_help="Say which rule decides about a code, and why.",
    epilog=help_of(
        "redactor policy explain policies/own-links.yaml --content https://example.com/",
        "redactor policy explain policies/own-links.yaml --unread",
        "redactor policy explain policies/own-links.yaml --image photo.jpg",
    ),
)
@click.argument("file", metavar="POLICY")
@click.option("--content", metavar="TEXT", help="Explain what becomes of a code that says this.")
@click.option("--unread", is_flag=True, help="Explain what becomes of a code nobody could read.")
@click.option("--image", metavar="FILE", help="Explain what becomes of the codes in this picture.")
@click.option(
    "--symbology",
    default="qrcode",
    show_default=True,
    metavar="NAME",
    help="Take the code for a symbol of this kind; for --content and --unread.",
)
@click.option("--key", metavar="KEY", help="Take the picture for the object of this key.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def explain(
    *,
    file: str,
    content: str | None,
    unread: bool,
    image: str | None,
    symbology: str,
    key: str | None,
    as_json: bool,
) -> None:
    """Say which rule decides about a code, and what kept each earlier rule from it."""
    if sum((content is not None, unread, image is not None)) != 1:
        raise click.UsageError("give one of --content TEXT, --unread and --image FILE")

    from redactor.cli import output
    from redactor.policy import Policy

    policy = Policy.load(file)
    if image is not None:
        codes, facts = options.look_at(image, key=key)
    else:
        codes, facts = _one(content, symbology, key)
    if as_json:
        click.echo(json.dumps(_as_json(policy, codes, facts), indent=2))
        return
    console = output.stdout()
    if image is None:
        output.stderr().print(f"Taken for {_ASSUMED}; --image FILE takes a picture as it is.")
    if not codes:
        console.print("No code was found.")
    decisions = policy.decide_all(codes, facts)
    for number, decision in enumerate(decisions):
        if number:
            console.print()
        _print(console, policy, decision, facts)
    _print_picture(console, policy, codes, facts)
    leave(Exit.DONE)


def _one(content: str | None, symbology: str, key: str | None) -> tuple[list[Detection], Facts]:
    from redactor.geometry import Quad
    from redactor.model import Detection, Facts, Origin, Symbology
    from redactor.policy.fields import suggestion

    known = tuple(kind.value for kind in Symbology)
    if symbology not in known:
        hint = suggestion(symbology, known)
        raise click.UsageError(f"--symbology: unknown symbology `{symbology}`; {hint}")
    # A code of middling size in the middle of a picture: what is asked about is what it says.
    corner = (_PICTURE - _SIDE) // 2
    code = Detection(
        Quad.from_box(corner, corner, _SIDE, _SIDE),
        Symbology(symbology),
        content,
        1.0,
        ("zxing",),
        () if content is None else (content,),
    )
    return [code], Facts((_PICTURE, _PICTURE), "JPEG", codes=1, origin=Origin(key=key))


def _print(console: Console, policy: Policy, final: Decision, facts: Facts) -> None:
    from redactor.policy import explain as explain_code
    from redactor.policy import payloads
    from redactor.report.text import escape_text, shorten
    from redactor.report.words import symbology_name

    code = final.detection
    found = explain_code(policy, code, facts)
    name = symbology_name(code.symbology)
    if code.content is None:
        console.print(f"{name}, not read")
    else:
        said = escape_text(shorten(code.content, limit=120))
        kinds = ", ".join(payloads(code.content))
        console.print(f"{name}, {kinds}: {said}", soft_wrap=True)
    decision = found.decision
    _print_steps(console, found.steps, ends_without=decision.rule == "default")
    console.print(f"  → {_effect(decision)}", soft_wrap=True)
    if final.action is not decision.action:
        console.print(f"  → but {_effect(final)}", soft_wrap=True)


def _print_steps(console: Console, steps: Sequence[Step], *, ends_without: bool = False) -> None:
    from redactor.report.text import escape_text

    names = [step.rule for step in steps] + ["default"] * ends_without
    width = max(map(len, names), default=0)
    for step in steps:
        why = f"no: {step.found}; asks for {step.asks}"
        told = f"yes (line {step.line})" if step.matched else why
        console.print(f"  {step.rule:<{width}}  {escape_text(told)}", soft_wrap=True)
    if ends_without:
        console.print(f"  {'default':<{width}}  yes: no rule matches")


def _effect(decision: Any) -> str:  # noqa: ANN401 - of a code or a picture
    from redactor.report.text import escape_text

    action = "quarantine" if getattr(decision, "quarantine", False) else None
    parts = [
        getattr(decision, "action", action),
        f"flag {decision.flag}" if decision.flag else None,
        f"tags {', '.join(decision.tags)}" if decision.tags else None,
    ]
    told = ", ".join(str(part) for part in parts if part)
    return escape_text(f"{told}: {decision.reason}" if decision.reason else told)


def _print_picture(
    console: Console, policy: Policy, codes: Sequence[Detection], facts: Facts
) -> None:
    from redactor.policy import explain_picture, verdict_of

    said, steps = explain_picture(policy, codes, facts)
    if steps:
        console.print()
        console.print("The picture")
        _print_steps(console, steps)
    for decision in said:
        console.print(f"  → {_effect(decision)}", soft_wrap=True)
    if len(codes) > 1 or steps:
        verdict = verdict_of(policy.decide_all(codes, facts), said)
        console.print()
        console.print(f"Verdict: {verdict}")


def _as_json(policy: Policy, codes: Sequence[Detection], facts: Facts) -> dict[str, Any]:
    from dataclasses import asdict

    from redactor.policy import explain as explain_code
    from redactor.policy import explain_picture, payloads, verdict_of

    said, steps = explain_picture(policy, codes, facts)
    told = []
    for decision in policy.decide_all(codes, facts):
        code = decision.detection
        found = explain_code(policy, code, facts)
        told.append(
            {
                "symbology": code.symbology.value,
                "content": code.content,
                "kinds": [] if code.content is None else list(payloads(code.content)),
                "action": decision.action.value,
                "rule": decision.rule,
                "flag": decision.flag,
                "reason": decision.reason,
                "tags": list(decision.tags),
                "steps": [asdict(step) for step in found.steps],
            }
        )
    return {
        "policy": f"{policy.name}@{policy.hash}",
        "codes": told,
        "picture": {
            "rules": [asdict(decision) for decision in said],
            "steps": [asdict(step) for step in steps],
            "verdict": verdict_of(policy.decide_all(codes, facts), said).value,
        },
    }
