"""A running OSS stand-in, and a client of the project that does not really wait."""

import pytest

from redactor.storage.oss import OssClient
from redactor.storage.oss_place import OssPlace, OssSettings
from redactor.storage.retry import Retry
from redactor.testing import OssServer


@pytest.fixture
def server(monkeypatch):
    with OssServer(buckets=["uploads"]) as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def waits():
    """Collect the seconds that retries would have waited."""
    return []


@pytest.fixture
def client(server, waits):
    return OssClient(retry=Retry(sleep=waits.append, rand=lambda: 1))


@pytest.fixture
def impatient(server):
    """Give a client that takes a third of a second for a time-out."""
    settings = OssSettings(connect_timeout_s=1, read_timeout_s=0.3)
    return OssClient(settings, retry=Retry(attempts=2, sleep=lambda _: None))


@pytest.fixture
def place():
    return OssPlace.parse("oss://uploads/in/a.jpg")
