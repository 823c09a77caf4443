"""Workers that tests share, and a policy that hides everything."""

import pytest

from redactor.hooks.workers import Workers
from redactor.policy import Policy


@pytest.fixture(scope="session")
def policy():
    return Policy.parse("version: 1\nname: test\ndefault: {action: fill}\non_error: {flag: high}\n")


@pytest.fixture(scope="module")
def workers(policy):
    with Workers(policy, count=1) as workers:
        yield workers


@pytest.fixture
def oss(oss_server):
    """A stand-in with a private bucket that uploads land in and one for finished pictures."""
    oss_server.create_bucket("uploads")
    oss_server.create_bucket("shop")
    return oss_server
