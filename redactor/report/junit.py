"""Rows as JUnit's XML, which pipelines show as tests: a picture each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from xml.etree import ElementTree

from redactor.model import Verdict
from redactor.report.rows import Row
from redactor.report.text import escape_text, shorten
from redactor.report.words import codes_of, done_to

# What XML 1.0 cannot hold, however it is written.
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(rows: Iterable[Row], *, title: str, failing: Collection[Verdict] = ()) -> str:
    """Give a document with a case for every picture.

    Args:
        rows: Of the pictures.
        title: Of the suite.
        failing: Verdicts that are failures. What is quarantined or could not be written is an
            error, whatever is failing.
    """
    suite = ElementTree.Element("testsuite", name=_text(title))
    counts = {"tests": 0, "failures": 0, "errors": 0}
    whole_s = 0.0
    for entry in rows:
        counts["tests"] += 1
        seconds = sum(spent or 0 for spent in entry["seconds"].values())
        whole_s += seconds
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_text(entry["policy"] or "redactor"),
            name=_text(entry["name"]),
            time=f"{seconds:.3f}",
        )
        verdict = Verdict(entry["verdict"])
        if entry["error"] or verdict is Verdict.QUARANTINED:
            counts["errors"] += 1
            ElementTree.SubElement(case, "error", type=verdict, message=_text(done_to(entry)))
        elif verdict in failing:
            counts["failures"] += 1
            told = f"{codes_of(entry)}: {done_to(entry)}"
            ElementTree.SubElement(case, "failure", type=verdict, message=_text(told))
    for key, number in counts.items():
        suite.set(key, str(number))
    suite.set("time", f"{whole_s:.3f}")
    text = ElementTree.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", escape_text(shorten(text, limit=1000)))
