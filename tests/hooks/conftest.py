"""The stand-in that hooks are tested on."""

import pytest


@pytest.fixture
def oss(oss_server):
    """A stand-in with a private bucket that uploads land in and one for finished pictures."""
    oss_server.create_bucket("uploads")
    oss_server.create_bucket("shop")
    return oss_server
