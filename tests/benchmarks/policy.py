"""How fast policies decide and compare: `python -m tests.benchmarks.policy`.

Processor time of one core, on codes of which no two say the same.
"""

import io
import json
import random
import sys
import tempfile
import time
from contextlib import redirect_stdout, suppress
from pathlib import Path

from redactor.cli import main
from redactor.geometry import Quad
from redactor.model import Detection, Facts, Symbology
from redactor.policy import Policy

RULES = 200
ENTRIES = 10_000
CODES = 50_000
RECORDED = 100_000
FACTS = Facts(size=(3000, 4000), format="JPEG", codes=1)


def a_large_policy(folder):
    """Write a policy of 200 rules of every kind, two of them with 10,000 entries each."""
    (folder / "ours.txt").write_text("".join(f"shop{n}.example\n" for n in range(ENTRIES)))
    (folder / "known.txt").write_text("".join(f"TICKET-{n:06}\n" for n in range(ENTRIES)))
    kinds = [
        lambda n: f"{{when: {{domain: [a{n}.example, '*.b{n}.example']}}, action: fill}}",
        lambda n: f"{{when: {{content: [one-{n}, two-{n}]}}, action: blur}}",
        lambda n: f"{{when: {{prefix: 'https://pay{n}.'}}, action: fill, flag: high}}",
        lambda n: f"{{when: {{regex: '[?&]promo{n}='}}, action: pixelate}}",
        lambda n: f"{{when: {{contains: 'secret{n}', symbology: 2d}}, action: fill}}",
        lambda n: f"{{when: {{url: {{host: c{n}.example, path: /pay/**}}}}, action: fill}}",
        lambda n: f"{{when: {{payload: [wifi, otpauth], prefix: 'WIFI:S:n{n}'}}, action: fill}}",
        lambda n: f"{{when: {{symbology: ean13, prefix: '69{n}'}}, action: allow}}",
    ]
    rules = [kinds[n % len(kinds)](n).replace("{", f"{{id: r{n}, ", 1) for n in range(RULES - 4)]
    ends = [
        "{id: ours, when: {domain: ours}, action: allow}",
        "{id: known, when: {listed: known}, action: allow}",
        "{id: payment, when: {payload: payment}, action: pixelate, flag: high}",
        "{id: unread, when: {read: false}, action: blur, flag: review}",
    ]
    lines = "\n".join(f"  - {rule}" for rule in [*rules, *ends])
    path = folder / "large.yaml"
    lists = "lists: {ours: {file: ours.txt}, known: {file: known.txt}}"
    path.write_text(f"version: 1\n{lists}\nrules:\n{lines}\ndefault: {{action: blur}}\n")
    return path


def contents(count, *, seed=7):
    """Give contents as uploads have them: half of them links, some payment, some goods."""
    draw = random.Random(seed)
    for n in range(count):
        yield draw.choice(
            [
                f"https://shop{draw.randrange(2 * ENTRIES)}.example/item/{n}?ref={n}",
                f"https://www.site{n}.example.com/p/{n}",
                f"https://elsewhere.example/{n}",
                f"TICKET-{n:06}",
                f"wxp://f2f0{n:012}",
                f"https://qr.alipay.com/fkx{n:012}",
                f"69{n:011}",
                None,
            ]
        )


def codes(count):
    """Give codes, each in a place of its own."""
    for n, content in enumerate(contents(count)):
        is_number = content is not None and content.isdecimal()
        yield Detection(
            Quad.from_box(100 + n % 50, 100, 200, 200),
            Symbology.EAN13 if is_number else Symbology.QRCODE,
            content,
            1.0,
            ("zxing",),
            () if content is None else (content,),
        )


def decisions_per_second(policy):
    """Decide about every code by itself; give the rate and how often each rule decided."""
    every = list(codes(CODES))
    policy.decide(every[0], FACTS)
    start = time.process_time()
    decided = [policy.decide(code, FACTS).rule for code in every]
    spent = time.process_time() - start
    return CODES / spent, {rule: decided.count(rule) for rule in set(decided)}


def a_results_file(path):
    """Record codes as `run --results --content full` does, four to a picture."""
    from redactor.model import Decision, Result, Verdict
    from redactor.policy import profile
    from redactor.report import Content, dump_row, row

    with path.open("w", encoding="utf-8") as file:
        hand = []
        for n, code in enumerate(codes(RECORDED)):
            hand.append(Decision(code, "blur", "default"))
            if len(hand) == 4:
                result = Result(
                    f"photos/{n // 4}.jpg",
                    Verdict.REDACTED,
                    tuple(_side_by_side(hand)),
                    format="JPEG",
                    size=(3000, 4000),
                    facts=FACTS,
                )
                file.write(dump_row(row(result, content=Content.FULL, profile=profile)))
                hand = []


def _side_by_side(decisions):
    from dataclasses import replace

    from redactor.model import Action

    for place, decision in enumerate(decisions):
        quad = decision.detection.quad.shift(300 * place, 0)
        yield replace(
            decision, action=Action.BLUR, detection=replace(decision.detection, quad=quad)
        )


def seconds_of_diff(old, new, results):
    """Compare two policies from the command line; give the time and what it printed."""
    sys.argv[:] = ["redactor", "policy", "diff", str(old), str(new), "--against", str(results)]
    sys.argv.append("--json")
    told = io.StringIO()
    start = time.process_time()
    with redirect_stdout(told), suppress(SystemExit):
        main()
    return time.process_time() - start, json.loads(told.getvalue())


def run():
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = time.process_time()
        large = a_large_policy(folder)
        policy = Policy.load(large)
        loading = time.process_time() - start
        rate, decided = decisions_per_second(policy)
        print(f"policy               {len(policy.rules)} rules, two lists of {ENTRIES:,} entries")
        print(f"to load it           {loading:.2f} s")
        print(f"decisions            {rate:,.0f} a second on one core")
        told = ", ".join(
            f"{rule} {n:,}" for rule, n in sorted(decided.items(), key=lambda i: -i[1])
        )
        print(f"decided by           {told}")
        small = folder / "small.yaml"
        small.write_text("version: 1\ndefault: {action: blur}\n")
        results = folder / "results.jsonl"
        a_results_file(results)
        spent, found = seconds_of_diff(small, large, results)
        changed = sum(group["codes"] for group in found["changes"])
        print(f"diff                 {spent:.1f} s for {found['codes']:,} recorded codes,")
        print(f"                     {changed:,} decisions change")


if __name__ == "__main__":
    run()
