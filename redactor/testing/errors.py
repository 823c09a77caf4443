"""Errors as OSS sends them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET


@dataclass
class OssFailure(Exception):
    """An answer that is an error.

    Attributes:
        status: Of HTTP.
        code: As OSS names it, such as `NoSuchKey`.
        message: In words.
        details: Further elements of the body, such as Key or BucketName.
        headers: That go with it.
    """

    status: int
    code: str
    message: str = ""
    details: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(self.status, self.code, self.message)

    def xml(self, *, request_id: str, host: str) -> bytes:
        """Give the body; without a namespace, which oss2 would not understand."""
        root = ET.Element("Error")
        lines = {"Code": self.code, "Message": self.message, "RequestId": request_id}
        for name, text in {**lines, "HostId": host, **self.details}.items():
            ET.SubElement(root, name).text = text
        return ET.tostring(root, encoding="UTF-8", xml_declaration=True)

    def json(self, *, request_id: str, host: str) -> bytes:
        """Give the body as IMM itself sends it."""
        lines = {"RequestId": request_id, "HostId": host, "Code": self.code}
        return json.dumps({**lines, "Message": self.message}).encode()


def access_denied(message: str) -> OssFailure:
    """403, as for anonymous requests and missing permissions."""
    return OssFailure(403, "AccessDenied", message)


def invalid_argument(name: str, value: str, message: str) -> OssFailure:
    """400, naming the argument."""
    details = {"ArgumentName": name, "ArgumentValue": value}
    return OssFailure(400, "InvalidArgument", message, details)


def not_implemented(header: str) -> OssFailure:
    """400, as for conditions on a write, which OSS does not know."""
    message = "A header you provided implies functionality that is not implemented."
    return OssFailure(400, "NotImplemented", message, {"Header": header})


def no_such_bucket(bucket: str) -> OssFailure:
    """404 for a bucket."""
    message = "The specified bucket does not exist."
    return OssFailure(404, "NoSuchBucket", message, {"BucketName": bucket})


def no_such_key(key: str) -> OssFailure:
    """404 for an object."""
    return OssFailure(404, "NoSuchKey", "The specified key does not exist.", {"Key": key})


def method_not_allowed(method: str) -> OssFailure:
    """405, for what the resource does not know."""
    message = "The specified method is not allowed against this resource."
    return OssFailure(405, "MethodNotAllowed", message, {"Method": method})


def malformed_xml() -> OssFailure:
    """400, for a body that is not the XML that was expected."""
    return OssFailure(400, "MalformedXML", "The XML you provided was not well-formed.")
