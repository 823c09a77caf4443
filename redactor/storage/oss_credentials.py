"""Where credentials for OSS come from, asked again whenever they are needed or have expired.

In this order: `OSS_ACCESS_KEY_ID` and its kin, `ALIBABA_CLOUD_ACCESS_KEY_ID` and its kin (which
Function Compute sets), and the RAM role of the ECS machine that `ALIBABA_CLOUD_ECS_METADATA` names.
Where none of these is set, and the extra `credentials` is installed, Alibaba's default chain:
the role of a pod (RRSA, by OIDC), the profiles of the `aliyun` command line and of the SDKs, the
role of the ECS machine without its name, and `ALIBABA_CLOUD_CREDENTIALS_URI`.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from typing import Any

from oss2.credentials import (
    Credentials,
    CredentialsProvider,
    EcsRamRoleCredentialsProvider,
    EnvironmentVariableCredentialsProvider,
)

from redactor.errors import BackendMissing, Unavailable

METADATA_URL = "http://100.100.100.200/latest/meta-data/ram/security-credentials/"


class EnvironmentCredentials(CredentialsProvider):  # type: ignore[misc]  # oss2 has no types
    """Credentials as the environment has them now."""

    def __init__(self, metadata_url: str = METADATA_URL) -> None:
        """Prepare; nothing is asked yet.

        Args:
            metadata_url: Where a machine of ECS is told the credentials of a role; ends with `/`.
        """
        self._metadata_url = metadata_url
        self._roles: dict[str, EcsRamRoleCredentialsProvider] = {}
        self._chain: _DefaultChain | None = None
        self._lock = threading.Lock()

    def get_credentials(self) -> Credentials:
        """Give credentials.

        Raises:
            oss2.exceptions.ClientError: If there are none.
            BackendMissing: If Alibaba's default chain has none; says why.
            Unavailable: If it had some before.
        """
        if not os.environ.get("OSS_ACCESS_KEY_ID"):
            if os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID"):
                names = ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")
                return Credentials(*(os.environ.get(f"ALIBABA_CLOUD_{name}", "") for name in names))
            if role := os.environ.get("ALIBABA_CLOUD_ECS_METADATA"):
                return self._role(role).get_credentials()
            if (chain := self._default_chain()) is not None:
                return chain.get_credentials()
        return EnvironmentVariableCredentialsProvider().get_credentials()

    def renew(self) -> None:
        """Forget what was fetched: it has expired before its time."""
        with self._lock:
            self._roles.clear()
            if self._chain is not None:
                self._chain.renew()

    def _role(self, name: str) -> EcsRamRoleCredentialsProvider:
        with self._lock:
            if name not in self._roles:
                provider = EcsRamRoleCredentialsProvider(self._metadata_url + name, timeout=5)
                self._roles[name] = provider
            return self._roles[name]

    def _default_chain(self) -> _DefaultChain | None:
        """Give Alibaba's default chain; None where it is not installed."""
        with self._lock:
            if self._chain is None:
                try:
                    self._chain = _DefaultChain()
                except ImportError:
                    return None
            return self._chain


class _DefaultChain:
    """Alibaba's default chain; fetches temporary credentials again before they expire."""

    def __init__(self) -> None:
        # Loads an HTTP client and a scheduler: only where nothing else gives credentials.
        from alibabacloud_credentials.provider import DefaultCredentialsProvider

        # It writes to stderr by itself what is raised here.
        logging.getLogger("credentials").setLevel(logging.CRITICAL)
        self._make = DefaultCredentialsProvider
        self._had_some = False
        self.renew()

    def renew(self) -> None:
        self._provider: Any = self._make()

    def get_credentials(self) -> Credentials:
        try:
            found = self._provider.get_credentials()
        except Exception as error:  # noqa: BLE001 - it raises whatever its clients do
            raise self._failure(_reasons(str(error))) from None  # it holds answers, and secrets
        self._had_some = True
        return Credentials(
            found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token()
        )

    def _failure(self, why: str) -> BackendMissing | Unavailable:
        if self._had_some:
            return Unavailable(f"OSS: credentials could not be fetched again: {why}")
        return BackendMissing(
            "OSS: no credentials; set OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET (and"
            f" OSS_SESSION_TOKEN for temporary ones), or what Alibaba's default chain misses: {why}"
        )


def _reasons(text: str) -> str:
    """Give what each part of the chain says, without the answers that it repeats."""
    parts = re.findall(r"(\w+Provider): (.*?)(?= result:|[\"'], [\"']|[\"']\]$)", text, re.DOTALL)
    said = "; ".join(f"{part}: {why}" for part, why in parts) or text.partition("result:")[0]
    return " ".join(said.split())
