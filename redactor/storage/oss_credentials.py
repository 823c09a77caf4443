"""Where credentials for OSS come from, asked again whenever they are needed or have expired.

In this order: `OSS_ACCESS_KEY_ID` and its kin, `ALIBABA_CLOUD_ACCESS_KEY_ID` and its kin (which
Function Compute sets), and the RAM role of the ECS machine that `ALIBABA_CLOUD_ECS_METADATA` names.
"""

from __future__ import annotations

import os
import threading

from oss2.credentials import (
    Credentials,
    CredentialsProvider,
    EcsRamRoleCredentialsProvider,
    EnvironmentVariableCredentialsProvider,
)

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
        self._lock = threading.Lock()

    def get_credentials(self) -> Credentials:
        """Give credentials.

        Raises:
            oss2.exceptions.ClientError: If there are none.
        """
        if not os.environ.get("OSS_ACCESS_KEY_ID"):
            if os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID"):
                names = ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN")
                return Credentials(*(os.environ.get(f"ALIBABA_CLOUD_{name}", "") for name in names))
            if role := os.environ.get("ALIBABA_CLOUD_ECS_METADATA"):
                return self._role(role).get_credentials()
        return EnvironmentVariableCredentialsProvider().get_credentials()

    def renew(self) -> None:
        """Forget what was fetched: it has expired before its time."""
        with self._lock:
            self._roles.clear()

    def _role(self, name: str) -> EcsRamRoleCredentialsProvider:
        with self._lock:
            if name not in self._roles:
                provider = EcsRamRoleCredentialsProvider(self._metadata_url + name, timeout=5)
                self._roles[name] = provider
            return self._roles[name]
