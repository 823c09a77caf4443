"""Requests and answers as values, and the XML in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from redactor.testing.errors import malformed_xml


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
        method: Of HTTP.
        bucket: Empty for a request about all buckets.
        key: Decoded; empty for a request about a bucket.
        query: Decoded names and values.
        headers: Names in lower case; values with bytes read as latin-1.
        body: Whole.
    """

    method: str
    bucket: str = ""
    key: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def process(self) -> str:
        """What `x-oss-process` asks for; empty if nothing."""
        return self.query.get("x-oss-process", "")

    @property
    def version(self) -> str | None:
        """The version it is about; None for the current one."""
        return self.query.get("versionId") or None


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Exchange:
    """A request with the status it was answered with; 0 where the connection was dropped."""

    request: Request
    status: int


def add(parent: ET.Element, name: str, text: str | None = None) -> ET.Element:
    """Add an element."""
    element = ET.SubElement(parent, name)
    element.text = text
    return element


def xml_answer(root: ET.Element, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with XML; without a namespace, which oss2 would not understand."""
    body = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return Answer(200, {"Content-Type": "application/xml", **(headers or {})}, body)


def parse_xml(body: bytes) -> ET.Element:
    """Read the body of a request."""
    try:
        return ET.fromstring(body)
    except ET.ParseError:
        raise malformed_xml() from None
