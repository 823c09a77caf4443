"""`DetectImageCodes`, asked of IMM itself, for buckets that are not bound to a project.

IMM reads the object by its own role (AliyunIMMDefaultRole), in the project's region, and answers
what `image/codes` answers, but does not say of which bytes: whoever asks compares the object's
ETag before and after. This file alone imports Alibaba's SDK for IMM.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from redactor.errors import (
    AccessRefused,
    BackendMissing,
    NotFound,
    RedactorError,
    StorageError,
    Unavailable,
)
from redactor.storage.oss_errors import CredentialsExpired
from redactor.storage.oss_place import OssPlace, OssSettings
from redactor.storage.retry import deadline_left

try:
    from alibabacloud_imm20200930.client import Client
    from alibabacloud_imm20200930.models import DetectImageCodesRequest
    from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
    from alibabacloud_tea_openapi.utils_models import Config
    from darabonba.exceptions import RetryError, UnretryableException
    from darabonba.runtime import RuntimeOptions
except ImportError as error:
    raise BackendMissing(
        f"{error.name} is not installed, and a project of IMM was named;"
        " pip install 'redactor[imm]'"
    ) from error

_CREDENTIALS = "check the credentials, which need imm:DetectImageCodes"
# Beginnings of codes, by the error centre of the gateway and the page "Error handling" of IMM;
# which of them DetectImageCodes sends is not documented.
_BY_CODE: tuple[tuple[str, type[RedactorError], str], ...] = (
    ("InvalidSecurityToken", CredentialsExpired, "fetch fresh credentials and run again"),
    ("SecurityTokenExpired", CredentialsExpired, "fetch fresh credentials and run again"),
    ("InvalidAccessKeyId", CredentialsExpired, _CREDENTIALS),
    ("SignatureDoesNotMatch", BackendMissing, _CREDENTIALS),
    ("IncompleteSignature", BackendMissing, _CREDENTIALS),
    ("InvalidTimeStamp", BackendMissing, "set this machine's clock"),
    ("Throttling", Unavailable, "ask less often (--imm-qps)"),
    ("ServiceUnavailable", Unavailable, "run again"),
    ("NoPermission", AccessRefused, _CREDENTIALS),
    ("Forbidden", AccessRefused, _CREDENTIALS),
    ("AccessDenied", AccessRefused, _CREDENTIALS),
)
_PROJECT = "check IMM_PROJECT (--imm-project), which must be of the bucket's region"


@dataclass(frozen=True, slots=True)
class Keys:
    """Credentials as they are now.

    Attributes:
        id: Of the access key.
        secret: Of the access key.
        token: Of temporary credentials; empty for none.
    """

    id: str
    secret: str
    token: str = ""


def detect_image_codes(settings: OssSettings, place: OssPlace, keys: Keys) -> bytes:
    """Ask IMM what codes it sees in an object, once.

    Args:
        settings: Filled in; they name the project.
        place: Of the object.
        keys: What the request is signed with.

    Returns:
        JSON, as `image/codes` answers.

    Raises:
        StorageError: If it fails.
        BackendMissing: If credentials are missing.
    """
    name = f"IMM, about {place}"
    request = DetectImageCodesRequest(project_name=settings.imm_project, source_uri=str(place))
    try:
        answer = _client(settings, keys).detect_image_codes_with_options(
            request, _runtime(settings)
        )
    except AlibabaCloudException as error:
        raise _refusal(name, error) from error
    except UnretryableException as error:
        if isinstance(error.inner_exception, RetryError):
            why = "cannot be reached in time; check IMM_ENDPOINT and the network"
            raise Unavailable(f"{name}: {why}") from error
        raise _nonsense(name) from error
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise _nonsense(name) from error  # the SDK's models take every answer for a right one
    if not answer.body or not answer.body.request_id:
        raise _nonsense(name)
    return json.dumps(answer.body.to_map()).encode()


def _client(settings: OssSettings, keys: Keys) -> Client:
    """Make a client; the SDK keeps its connections apart from it."""
    protocol, _, host = (settings.imm_endpoint or "").rpartition("://")
    is_inside = "-internal.aliyuncs.com" in (settings.endpoint or "")
    return Client(
        Config(
            access_key_id=keys.id,
            access_key_secret=keys.secret,
            security_token=keys.token,
            region_id=settings.region,
            endpoint=host.rstrip("/") or None,
            protocol=protocol or "https",
            network="vpc" if is_inside else "public",
            user_agent="redactor",
        )
    )


def _runtime(settings: OssSettings) -> RuntimeOptions:
    left_s = max(deadline_left(), 0.001)
    return RuntimeOptions(
        autoretry=False,  # that is decided for all requests in one place
        connect_timeout=_milliseconds(min(settings.connect_timeout_s, left_s)),
        read_timeout=_milliseconds(min(settings.read_timeout_s, left_s)),
        max_idle_conns=settings.connections,
    )


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _refusal(name: str, error: AlibabaCloudException) -> RedactorError:
    code, status = error.code or "", error.status_code or 0
    kind, hint = _meaning(code, status, error.message or "")
    said = (error.message or "").partition(" request id: ")[0].partition(", ")[2]
    request = f" (request {error.request_id})" if error.request_id else ""
    text = f"{name}: {code or f'HTTP {status}'} {said}{request}"
    return kind(" ".join(f"{text}{f'; {hint}' if hint else ''}".split()))


def _meaning(code: str, status: int, message: str) -> tuple[type[RedactorError], str]:
    for beginning, kind, hint in _BY_CODE:
        if code.startswith(beginning):
            return kind, hint
    if status >= 500 or status == 429:
        return Unavailable, "run again"
    if "project" in f"{code} {message}".lower():
        return StorageError, _PROJECT
    if status == 404:
        return NotFound, ""
    return (AccessRefused, _CREDENTIALS) if status in (401, 403) else (StorageError, "")


def _nonsense(name: str) -> StorageError:
    return StorageError(f"{name}: the answer is not one of IMM; check IMM_ENDPOINT")
