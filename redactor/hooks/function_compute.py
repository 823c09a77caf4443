"""The handler for Function Compute, 2.0 and 3.0: `redactor.hooks.function_compute.handler`.

It is configured by its environment (see `redactor.hooks.settings`) and invoked by an OSS trigger,
or with the same events out of MNS or EventBridge. What fails for good is left private, tagged and
logged, and the invocation succeeds; what may pass raises, so that the platform invokes again.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from dataclasses import dataclass
from typing import Any

from redactor.errors import RedactorError
from redactor.hooks.objects import PASSING, ObjectHook, describe
from redactor.hooks.settings import Settings
from redactor.hooks.uploads import UnknownEventError, uploads_in
from redactor.storage.oss import OssClient
from redactor.storage.oss_credentials import EnvironmentCredentials
from redactor.storage.oss_place import OssSettings

log = logging.getLogger("redactor.hooks")


def handler(event: bytes, context: Any) -> str:  # noqa: ANN401 - the platform's
    """Handle the uploads of an event.

    Args:
        event: As the platform gives it.
        context: With `region`; with `credentials` where the runtime still has them.

    Returns:
        JSON: what became of each upload.

    Raises:
        RedactorError: If any upload should be tried again; the others are done.
    """
    hook = _instance.hook(context)
    try:
        uploads = uploads_in(event)
    except UnknownEventError as error:
        log.error("an event was left alone: %s", error)  # it would be none the next time, either
        return json.dumps({"error": str(error)})
    done: list[str] = []
    failed: list[RedactorError] = []
    for upload in uploads:
        try:
            done.append(describe(hook.handle(upload)))
        except PASSING as error:
            failed.append(error)
    for line in done:
        log.info("%s", line)
    if failed:
        raise failed[0]
    return json.dumps({"uploads": done})


def pre_stop(context: Any) -> None:  # noqa: ANN401 - the platform's
    """End the worker processes, for the platform's hook of that name."""
    _instance.stop()


class _Instance:
    """What one instance of the function keeps between invocations."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._credentials = _Credentials()
        self._hook: ObjectHook | None = None

    def hook(self, context: Any) -> ObjectHook:  # noqa: ANN401 - the platform's
        """Give the hook, made and checked at the first invocation.

        Raises:
            RedactorError: If it cannot be made, or strangers can read where uploads land.
        """
        with self._lock:
            self._credentials.take(context)
            if self._hook is None:
                self._hook = self._make(getattr(context, "region", None))
            return self._hook

    def stop(self) -> None:
        with self._lock:
            if self._hook is not None:
                self._hook.workers.close()
            self._hook = None

    def _make(self, region: str | None) -> ObjectHook:
        settings = Settings.of()
        # The internal endpoint costs no traffic; OSS_ENDPOINT names another.
        internal = f"https://oss-{region}-internal.aliyuncs.com" if region else None
        endpoint = None if os.environ.get("OSS_ENDPOINT") else internal
        reach = OssSettings(endpoint, None if os.environ.get("OSS_REGION") else region)
        client = OssClient(reach, credentials=self._credentials)
        workers = settings.make_workers()
        try:
            hook = settings.make_hook(client, workers)
            hook.check()
        except BaseException:
            workers.close()
            raise
        return hook


@dataclass(frozen=True, slots=True)
class _Keys:
    """A key pair and its token, as oss2 asks for them."""

    id: str
    secret: str
    token: str | None

    def get_access_key_id(self) -> str:
        return self.id

    def get_access_key_secret(self) -> str:
        return self.secret

    def get_security_token(self) -> str | None:
        return self.token


class _Credentials:
    """Those of the latest invocation; oss2 asks for them at each request.

    The context has them in 2.0, and in 3.0 up to Python 3.10; later ones are in the environment.
    """

    def __init__(self) -> None:
        self._keys: _Keys | None = None
        self._environment = EnvironmentCredentials()

    def take(self, context: Any) -> None:  # noqa: ANN401 - the platform's
        given: Any = getattr(context, "credentials", None)
        key_id = getattr(given, "access_key_id", None)
        self._keys = (
            _Keys(key_id, given.access_key_secret, given.security_token or None) if key_id else None
        )

    def get_credentials(self) -> Any:  # noqa: ANN401 - as oss2 has it
        return self._keys or self._environment.get_credentials()


_instance = _Instance()
