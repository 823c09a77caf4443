"""A running stand-in and the unmodified oss2 client."""

from functools import partial

import oss2
import pytest

from redactor.testing import OssServer


@pytest.fixture
def server():
    with OssServer(buckets=["uploads"]) as server:
        yield server


@pytest.fixture
def a_client_of():
    """Give a builder of buckets as users of oss2 have them, on any server."""

    def build(server, bucket="uploads", *, key_id=None, secret=None, token="", region=None):
        credentials = oss2.credentials.StaticCredentialsProvider(
            key_id or server.access_key_id, secret or server.access_key_secret, token
        )
        auth = oss2.ProviderAuthV4(credentials)
        return oss2.Bucket(auth, server.endpoint, bucket, region=region or server.region)

    return build


@pytest.fixture
def a_client(server, a_client_of):
    """Give a builder of buckets on the running stand-in."""
    return partial(a_client_of, server)


@pytest.fixture
def client(a_client):
    return a_client()


@pytest.fixture
def refusal():
    """Give status and code of the error that a call of oss2 ends in."""

    def refused(call, *arguments, **options):
        with pytest.raises(oss2.exceptions.OssError) as caught:
            call(*arguments, **options)
        return caught.value.status, caught.value.code

    return refused
