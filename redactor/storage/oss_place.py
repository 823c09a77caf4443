"""Where something is in OSS, and how OSS is reached. Loads no client."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import quote, urlsplit

from redactor.errors import BackendMissing

SCHEME = "oss://"


@dataclass(frozen=True, slots=True)
class OssPlace:
    """An object or a prefix.

    Attributes:
        bucket: Its name.
        key: Of an object; a prefix if it is empty or ends with `/`. As it is, not URL-encoded.
    """

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `oss://bucket/key`.

        Raises:
            ValueError: If it is no such place.
        """
        bucket, _, key = text.removeprefix(SCHEME).partition("/")
        if not text.startswith(SCHEME) or not re.fullmatch(
            r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", bucket
        ):
            raise ValueError(
                f"{text!r} is no place in OSS; expected oss://bucket/key or oss://bucket/prefix/"
                " with a bucket of 3 to 63 lower-case letters, digits and hyphens"
            )
        return cls(bucket, key)

    @property
    def is_prefix(self) -> bool:
        """Whether it stands for everything below it."""
        return not self.key or self.key.endswith("/")

    @property
    def folder(self) -> str:
        """The key up to its last `/`; a prefix itself."""
        head, slash, _ = self.key.rpartition("/")
        return head + slash

    def below(self, relative: str) -> OssPlace:
        """Give a place below a prefix."""
        return OssPlace(self.bucket, self.key + relative)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class OssSettings:
    """How OSS is reached.

    Attributes:
        endpoint: Such as oss-cn-hangzhou.aliyuncs.com; None for OSS_ENDPOINT.
        region: Such as cn-hangzhou; None for OSS_REGION, or what the endpoint says.
        connections: Kept open at most; as many as there are jobs.
        connect_timeout_s: Seconds until a connection must stand.
        read_timeout_s: Seconds without a byte after which an answer is given up.
        attempts: How often a request is tried; at least 1.
        is_custom_domain: Whether the endpoint is a domain bound to the one bucket (CNAME).
        imm_project: A project of IMM that is asked itself, not through the bucket's binding; None
            for IMM_PROJECT, and for the binding where that is not set.
        imm_endpoint: Where IMM is reached; None for IMM_ENDPOINT, or that of the region.
    """

    endpoint: str | None = None
    region: str | None = None
    connections: int = 10
    connect_timeout_s: float = 10
    read_timeout_s: float = 20
    attempts: int = 3
    is_custom_domain: bool = False
    imm_project: str | None = None
    imm_endpoint: str | None = None

    def resolve(self) -> OssSettings:
        """Fill in what the environment says.

        Raises:
            BackendMissing: If endpoint or region stay unknown.
        """
        endpoint = self.endpoint or os.environ.get("OSS_ENDPOINT", "").strip()
        if not endpoint:
            raise BackendMissing(
                "OSS: no endpoint; set OSS_ENDPOINT or pass one, such as"
                " https://oss-cn-hangzhou.aliyuncs.com"
            )
        region = self.region or os.environ.get("OSS_REGION", "").strip() or _region_of(endpoint)
        if not region:
            raise BackendMissing("OSS: no region; set OSS_REGION or pass one, such as cn-hangzhou")
        # oss2 would use plain HTTP for an endpoint without a scheme.
        full = endpoint if "://" in endpoint else f"https://{endpoint}"
        return replace(
            self,
            endpoint=full,
            region=region.removeprefix("oss-"),
            imm_project=self.imm_project or os.environ.get("IMM_PROJECT", "").strip() or None,
            imm_endpoint=self.imm_endpoint or os.environ.get("IMM_ENDPOINT", "").strip() or None,
        )

    def url(self, place: OssPlace) -> str:
        """Give the public address of an object, as caches in front of OSS know it."""
        parts = urlsplit(self.endpoint or "")
        host = parts.netloc.replace("-internal.aliyuncs.com", ".aliyuncs.com")
        path = f"/{quote(place.key)}"
        if _is_address(parts.hostname or ""):
            path = f"/{place.bucket}{path}"
        elif not self.is_custom_domain:
            host = f"{place.bucket}.{host}"
        return f"{parts.scheme}://{host}{path}"


def _is_address(host: str) -> bool:
    return host == "localhost" or re.fullmatch(r"[\d.]+", host) is not None


def _region_of(endpoint: str) -> str:
    found = re.search(r"\boss-([a-z0-9-]+?)(-internal)?\.aliyuncs\.com", endpoint)
    return found.group(1) if found else ""
