"""Signatures are those of OSS: vectors of the official SDK, then what is refused."""

import pytest

from redactor.testing.errors import OssFailure
from redactor.testing.messages import Request
from redactor.testing.signature import Verifier, canonical_request, sign

UNSIGNED = {"x-oss-content-sha256": "UNSIGNED-PAYLOAD"}
SDK_QUERY = {
    "param1": "value1",
    "+param1": "value3",
    "|param1": "value4",
    "+param2": "",
    "|param2": "",
    "param2": "",
}
SCOPE = ("20260102", "cn-hangzhou", "oss")
NOW = 1767323045  # 2026-01-02T03:04:05Z


def test_the_vector_of_the_official_sdk_comes_out():
    headers = {
        **UNSIGNED,
        "x-oss-date": "20231216T162057Z",
        "x-oss-head1": "value",
        "content-type": "text/plain",
        "abc": "value",
    }

    canonical = canonical_request("PUT", "bucket", "1234+-/123/1.txt", SDK_QUERY, headers)

    assert (
        sign(canonical, "sk", date="20231216T162057Z", scope=("20231216", "cn-hangzhou", "oss"))
        == "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe"
    )


def test_the_vector_with_additional_headers_comes_out():
    headers = {
        **UNSIGNED,
        "x-oss-date": "20231216T172512Z",
        "x-oss-head1": "value",
        "content-type": "text/plain",
        "abc": "value",
        "zabc": "value",
    }

    canonical = canonical_request(
        "PUT", "bucket", "1234+-/123/1.txt", SDK_QUERY, headers, ("abc", "zabc")
    )

    assert (
        sign(canonical, "sk", date="20231216T172512Z", scope=("20231216", "cn-hangzhou", "oss"))
        == "4a4183c187c07c8947db7620deb0a6b38d9fbdd34187b6dbaccb316fa251212f"
    )


@pytest.mark.parametrize(
    ("method", "key", "query", "headers", "signature"),
    [
        (
            "GET",
            "in/a b+c/图.jpg",
            {"x-oss-process": "image/codes"},
            {},
            "a5b59c545da5749db5ffe859e3fa392388e3f39d3fd2541fde288b6a101c5322",
        ),
        (
            "PUT",
            "out/x.jpg",
            {},
            {
                "content-type": "image/jpeg",
                "x-oss-meta-src-etag": "ABC",
                "x-oss-tagging": "redacted=1",
            },
            "c4a2f2a1ad381d129767cb495ea31a23e31935d8bd1be9570c71ac16c7f092d5",
        ),
    ],
)
def test_what_oss2_signs_comes_out(method, key, query, headers, signature):
    signed = {**UNSIGNED, "x-oss-date": "20260102T030405Z", **headers}

    canonical = canonical_request(method, "examplebucket", key, query, signed)

    assert sign(canonical, "testsk", date="20260102T030405Z", scope=SCOPE) == signature


def a_request(*, region="cn-hangzhou", signature=None, form="Credential={c}, Signature={s}"):
    """Build a GET that is rightly signed for 2026-01-02T03:04:05Z unless told otherwise."""
    headers = {**UNSIGNED, "x-oss-date": "20260102T030405Z"}
    scope = ("20260102", region, "oss")
    canonical = canonical_request("GET", "bucket", "key", {}, headers)
    signature = signature or sign(canonical, "sk", date="20260102T030405Z", scope=scope)
    credential = "/".join(("ak", *scope, "aliyun_v4_request"))
    headers["authorization"] = "OSS4-HMAC-SHA256 " + form.format(c=credential, s=signature)
    return Request("GET", "bucket", "key", {}, headers)


def a_verifier(*, access_key_id="ak", token=None, now=NOW):
    return Verifier(access_key_id, "sk", "cn-hangzhou", token, lambda: now)


@pytest.mark.parametrize(
    "form",
    [
        "Credential={c}, Signature={s}",
        "Credential={c},Signature={s}",
        "Signature={s},Credential={c}",
    ],
)
def test_fields_may_stand_in_any_order(form):
    a_verifier().check(a_request(form=form))


@pytest.mark.parametrize(
    ("verifier", "request_", "status", "code"),
    [
        (a_verifier(), Request("GET", "bucket", "key"), 403, "AccessDenied"),
        (a_verifier(), a_request(signature="0" * 64), 403, "SignatureDoesNotMatch"),
        (a_verifier(access_key_id="other"), a_request(), 403, "InvalidAccessKeyId"),
        (a_verifier(token="token"), a_request(), 403, "InvalidSecurityToken"),
        (a_verifier(now=NOW + 901), a_request(), 403, "RequestTimeTooSkewed"),
        (a_verifier(now=NOW - 901), a_request(), 403, "RequestTimeTooSkewed"),
        (a_verifier(), a_request(region="cn-beijing"), 400, "InvalidArgument"),
        (a_verifier(), a_request(form="Signature={s}"), 400, "InvalidArgument"),
        (
            a_verifier(),
            Request("GET", headers={"authorization": "OSS ak:abc="}),
            403,
            "AccessDenied",
        ),
    ],
)
def test_what_is_not_rightly_signed_is_refused(verifier, request_, status, code):
    with pytest.raises(OssFailure) as caught:
        verifier.check(request_)

    assert (caught.value.status, caught.value.code) == (status, code)
