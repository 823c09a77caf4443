"""Places in OSS are written as oss://bucket/key; how it is reached comes from several places."""

import pytest

from redactor.errors import BackendMissing
from redactor.storage.oss_place import OssPlace, OssSettings


@pytest.mark.parametrize(
    ("text", "bucket", "key", "is_prefix"),
    [
        ("oss://bucket/in/a.jpg", "bucket", "in/a.jpg", False),
        ("oss://bucket/in/", "bucket", "in/", True),
        ("oss://bucket/", "bucket", "", True),
        ("oss://bucket", "bucket", "", True),
        ("oss://bucket/a?b#c%20 d.jpg", "bucket", "a?b#c%20 d.jpg", False),
        ("oss://bucket//a", "bucket", "/a", False),
    ],
)
def test_a_place_is_read(text, bucket, key, is_prefix):
    place = OssPlace.parse(text)

    assert (place.bucket, place.key, place.is_prefix) == (bucket, key, is_prefix)


@pytest.mark.parametrize(
    "text", ["oss://", "oss:///a", "oss://Bucket/a", "oss://b/a", "s3://bucket/"]
)
def test_what_is_no_place_is_refused(text):
    with pytest.raises(ValueError, match="is no place in OSS; expected oss://bucket/key"):
        OssPlace.parse(text)


@pytest.fixture
def no_env(monkeypatch):
    monkeypatch.delenv("OSS_ENDPOINT", raising=False)
    monkeypatch.delenv("OSS_REGION", raising=False)
    return monkeypatch


@pytest.mark.usefixtures("no_env")
def test_the_endpoint_is_needed():
    with pytest.raises(BackendMissing, match="set OSS_ENDPOINT"):
        OssSettings().resolve()


@pytest.mark.usefixtures("no_env")
def test_the_region_is_needed():
    with pytest.raises(BackendMissing, match="set OSS_REGION"):
        OssSettings("https://oss.example.com").resolve()


@pytest.mark.usefixtures("no_env")
@pytest.mark.parametrize(
    "endpoint",
    [
        "oss-cn-hangzhou.aliyuncs.com",
        "https://oss-cn-hangzhou.aliyuncs.com",
        "oss-cn-hangzhou-internal.aliyuncs.com",
    ],
)
def test_the_endpoint_may_tell_the_region(endpoint):
    assert OssSettings(endpoint).resolve().region == "cn-hangzhou"


def test_the_environment_fills_in(no_env):
    no_env.setenv("OSS_ENDPOINT", "http://127.0.0.1:1")
    no_env.setenv("OSS_REGION", "oss-cn-beijing")

    settings = OssSettings().resolve()

    assert (settings.endpoint, settings.region) == ("http://127.0.0.1:1", "cn-beijing")
    assert OssSettings(region="cn-shanghai").resolve().region == "cn-shanghai"


@pytest.mark.usefixtures("no_env")
def test_an_endpoint_without_a_scheme_is_reached_securely():
    endpoint = OssSettings("oss-cn-hangzhou.aliyuncs.com").resolve().endpoint

    assert endpoint == "https://oss-cn-hangzhou.aliyuncs.com"
