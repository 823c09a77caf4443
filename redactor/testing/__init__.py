"""An OSS stand-in on loopback, for this project's tests and for its users'.

::

    from redactor.testing import OssServer

    with OssServer(buckets=["uploads"]) as server:
        server.put("uploads", "in/a.jpg", data)
        ...  # anything that talks to OSS, with server.env() in its environment
        assert "out/a.jpg" in server.keys("uploads")

Under pytest, the fixture `oss_server` gives a running server with the environment set.
`python -m redactor.testing` serves from a process of its own.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redactor.testing.messages import Exchange, Request
    from redactor.testing.server import OssServer

__all__ = ["Exchange", "OssServer", "Request"]

_HOMES = {
    "OssServer": "redactor.testing.server",
    "Exchange": "redactor.testing.messages",
    "Request": "redactor.testing.messages",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    # Loaded on first use: pytest imports this package in every run of every project that has
    # redactor installed.
    if name not in _HOMES:
        raise AttributeError(f"module 'redactor.testing' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
