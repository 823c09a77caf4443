"""The pytest fixture `oss_server`; pytest finds it where redactor is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from redactor.testing.server import OssServer


@pytest.fixture
def oss_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OssServer]:
    """An empty OSS stand-in; the `OSS_*` environment variables of the test point to it."""
    from redactor.testing.server import OssServer

    with OssServer() as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        yield server
