"""The handler as the platform calls it, 2.0 and 3.0."""

import json
import os
from types import SimpleNamespace

import pytest

from redactor.errors import BackendMissing, Unavailable
from redactor.hooks import function_compute
from redactor.hooks.settings import Settings

LINK = "https://example.org/secret?token=4711"
CONTEXT = SimpleNamespace(request_id="1", region="cn-hangzhou")


@pytest.fixture
def function(oss, tmp_path, monkeypatch):
    """A function with its environment; its instance ends with the test."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nname: test\ndefault: {action: fill}\n")
    for name, value in {
        "REDACTOR_SOURCES": "oss://uploads/in/",
        "REDACTOR_TARGET": "oss://shop/public/",
        "REDACTOR_POLICY": str(policy),
        "REDACTOR_WORKERS": "1",
        "REDACTOR_SEAL_KEY": "the key of this deployment",
    }.items():
        monkeypatch.setenv(name, value)
    yield function_compute.handler
    function_compute.pre_stop(CONTEXT)


@pytest.fixture
def bare(oss, monkeypatch):
    """No credentials in the environment but those that a test sets."""
    for name in ("OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"):
        monkeypatch.delenv(name)


def event(*keys):
    return json.dumps(
        {
            "events": [
                {
                    "eventName": "ObjectCreated:PutObject",
                    "oss": {"bucket": {"name": "uploads"}, "object": {"key": key, "eTag": "AB"}},
                }
                for key in keys
            ]
        }
    ).encode()


def test_an_event_of_several_uploads_is_worked_off(oss, function, a_picture, read_codes):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))
    oss.put("uploads", "in/b.jpg", b"no picture")

    told = json.loads(function(event("in/a.jpg", "in/b.jpg", "in/gone.jpg"), CONTEXT))

    assert told["uploads"] == [
        "oss://uploads/in/a.jpg: written, redacted, codes: 1; now oss://shop/public/a.jpg",
        "oss://uploads/in/b.jpg: held, quarantined, codes: 0;"
        " not a picture: the bytes begin like no known picture format",
        "oss://uploads/in/gone.jpg: gone",
    ]
    assert read_codes(oss.get("shop", "public/a.jpg")) == []


def test_the_platform_calls_twice_and_the_picture_is_written_once(oss, function, a_picture):
    oss.put("uploads", "in/a.jpg", a_picture(LINK, format="JPEG"))

    function(event("in/a.jpg"), CONTEXT)
    told = json.loads(function(event("in/a.jpg"), CONTEXT))

    assert told["uploads"] == ["oss://uploads/in/a.jpg: already; now oss://shop/public/a.jpg"]


def test_a_passing_failure_raises_once_the_other_uploads_are_done(oss, function, a_picture):
    for key in ("in/a.jpg", "in/b.jpg"):
        oss.put("uploads", key, a_picture(format="JPEG"))
    oss.fail(times=None, when=lambda request: request.key == "public/a.jpg")

    with pytest.raises(Unavailable):
        function(event("in/a.jpg", "in/b.jpg"), CONTEXT)
    assert oss.keys("shop") == ["public/b.jpg"]

    oss.heal()
    function(event("in/a.jpg", "in/b.jpg"), CONTEXT)
    assert oss.keys("shop") == ["public/a.jpg", "public/b.jpg"]


def test_an_event_that_is_none_is_left_alone_because_it_would_come_again(function):
    assert "neither JSON" in json.loads(function(b"\xff", CONTEXT))["error"]


def test_credentials_of_the_context_count_first_and_the_latest_do(oss, function, bare):
    credentials = SimpleNamespace(
        access_key_id=oss.access_key_id,
        access_key_secret=oss.access_key_secret,
        security_token="first",
    )
    oss.expire_token("first")
    context = SimpleNamespace(region="cn-hangzhou", credentials=credentials)
    function(event("in/a.jpg"), context)
    oss.expire_token("second")
    credentials.security_token = "second"

    assert "gone" in function(event("in/a.jpg"), context)


def test_credentials_of_the_environment_do_where_the_context_has_none(
    oss, function, bare, monkeypatch
):
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", oss.access_key_id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", oss.access_key_secret)
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "token")
    oss.expire_token("token")

    assert "gone" in function(event("in/a.jpg"), CONTEXT)


def test_without_credentials_the_function_says_what_is_missing(function, bare):
    with pytest.raises(BackendMissing, match="no credentials"):
        function(event("in/a.jpg"), CONTEXT)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REDACTOR_SOURCES", "", "REDACTOR_SOURCES is not set"),
        ("REDACTOR_SOURCES", "uploads/in/", "REDACTOR_SOURCES: 'uploads/in/' is no place"),
        ("REDACTOR_SOURCES", "oss://uploads/in", "end it with /"),
        ("REDACTOR_TARGET", "oss://uploads/in/out/", "lie within each other"),
        ("REDACTOR_POLICY", "missing.yaml", "missing.yaml"),
        ("REDACTOR_DETECTOR", "magic", "set it to local, hybrid or imm"),
        ("REDACTOR_WORKERS", "many", "no whole number"),
        ("REDACTOR_SEAL_KEY", "short", "16 bytes"),
        ("REDACTOR_IMM_QPS", "0", "REDACTOR_IMM_QPS: '0' is no number above 0"),
        ("REDACTOR_IMM_QPS", "nan", "no number above 0"),
        ("REDACTOR_IMM_QPS", "often", "no number above 0"),
        ("REDACTOR_MAX_IMM_CALLS", "-1", "REDACTOR_MAX_IMM_CALLS: '-1' is no whole number"),
        ("REDACTOR_QUARANTINE", "oss://uploads/in/bad/", "lie within each other"),
    ],
)
def test_a_wrong_setting_is_named(function, monkeypatch, name, value, said):
    monkeypatch.setenv(name, value)

    with pytest.raises(Exception, match=said):
        function(event("in/a.jpg"), CONTEXT)


def test_a_rate_may_be_below_one_and_a_number_of_calls_none(function, monkeypatch):
    monkeypatch.setenv("REDACTOR_IMM_QPS", "0.5")
    monkeypatch.setenv("REDACTOR_MAX_IMM_CALLS", "0")

    settings = Settings.of(os.environ)

    assert (settings.imm_qps, settings.max_imm_calls) == (0.5, 0)


def test_the_function_does_not_work_where_strangers_can_read(oss, function):
    oss.configure("uploads", public_prefixes=["in/"])

    with pytest.raises(BackendMissing, match="strangers can read"):
        function(event("in/a.jpg"), CONTEXT)
