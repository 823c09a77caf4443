"""How far a run is, on a terminal and off it."""

import io
import time

import pytest
from rich.console import Console

from redactor.batch import Entry
from redactor.cli.progress import Watch
from redactor.model import Verdict
from redactor.report import Tally
from redactor.storage.imm_gate import ImmGate


@pytest.fixture
def watched():
    """Give a function that watches so many pictures, and gives what was shown."""

    def watch(recalled, fresh, *, is_terminal, columns=80, total=50_000, **options):
        shown = io.StringIO()
        console = Console(file=shown, force_terminal=is_terminal, width=columns)
        tally = Tally()
        gate = ImmGate(calls=1_234, answers=1_234)
        watch = Watch(console, "redacting", total=lambda: total, gate=gate, price=0.1, **options)

        def entries():
            for number in range(recalled + fresh):
                if number >= recalled:
                    time.sleep(1.2 / fresh)
                yield Entry({}, "", is_recalled=number < recalled)

        for number, _ in enumerate(watch.over(entries(), tally)):
            tally.verdicts[list(Verdict)[number % 5]] += 1_000
        return shown.getvalue()

    return watch


def test_off_a_terminal_a_line_comes_now_and_then(watched):
    lines = watched(2, 6, is_terminal=False, every_s=0.4).splitlines()

    assert len(lines) >= 2
    assert lines[0].startswith("redacting ")
    assert " of 50,000, 2 done before, " in lines[0]
    assert "left" not in lines[0]  # nothing is known yet
    assert "0:00:01 elapsed" in lines[-1] or "0:00:00 elapsed" in lines[-1]


def test_the_rate_is_of_what_this_start_has_handled(watched):
    last = watched(1_000, 6, is_terminal=False, every_s=1.15).splitlines()[-1]

    assert "1,000 done before" in last
    rate = float(last.partition("/s")[0].rpartition(" ")[2])
    assert rate < 10


def test_a_narrow_terminal_loses_the_verdicts_first(watched):
    shown = watched(0, 10, is_terminal=True)

    last = shown.split("redacting ")[-1].split("\x1b")[0]
    assert all(word in last for word in (" of 50,000", "/s", "elapsed", "left", "IMM USD 0.1234"))


def test_what_else_is_told_comes_at_the_start_and_now_and_then(watched):
    told = []

    watched(0, 6, is_terminal=False, every_s=0.3, also=lambda: told.append(1))

    assert len(told) >= 3
