"""What an error of OSS means, by status and code; classes of oss2 do not tell them all apart."""

from __future__ import annotations

from dataclasses import dataclass

from redactor.errors import (
    AccessRefused,
    AlreadyExists,
    BackendMissing,
    Changed,
    DamagedTransfer,
    NotFound,
    RedactorError,
    StorageError,
    Unavailable,
)
from redactor.storage.names import IF_THERE


class CredentialsExpired(BackendMissing):
    """Credentials that were good once, or whose token is not known any more."""


Kind = type[BackendMissing] | type[StorageError]

_CREDENTIALS = "check OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET and OSS_SESSION_TOKEN"
_PERMISSIONS = "the credentials need oss:GetObject, oss:PutObject and oss:ListObjects here"
_IMM = "bind the bucket to an IMM project of its region and allow oss:ProcessImm"
_RESTORE = "restore it from the archive first"

_BY_CODE: dict[str, tuple[Kind, str]] = {
    "NoSuchBucket": (BackendMissing, "check the bucket's name and OSS_ENDPOINT"),
    # That of temporary credentials is forgotten when they expire.
    "InvalidAccessKeyId": (CredentialsExpired, _CREDENTIALS),
    "SignatureDoesNotMatch": (BackendMissing, _CREDENTIALS + " and OSS_REGION"),
    "InvalidSecurityToken": (CredentialsExpired, _CREDENTIALS),
    "SecurityTokenExpired": (CredentialsExpired, "fetch fresh credentials and run again"),
    "RequestTimeTooSkewed": (BackendMissing, "set this machine's clock"),
    "UserDisable": (BackendMissing, "the account is disabled"),
    "InDebt": (BackendMissing, "the account is in debt"),
    "InvalidObjectState": (StorageError, _RESTORE),
    "FileAlreadyExists": (AlreadyExists, IF_THERE),
    "RequestTimeout": (Unavailable, "the network is slow or the store is busy; run again"),
    "InvalidDigest": (DamagedTransfer, "the bytes changed on their way; run again"),
    "Imm Client": (StorageError, _IMM),
}
_BY_STATUS: dict[int, tuple[Kind, str]] = {
    304: (Changed, ""),
    401: (AccessRefused, _CREDENTIALS),
    403: (AccessRefused, _PERMISSIONS),
    404: (NotFound, ""),
    405: (NotFound, ""),
    408: (Unavailable, "run again"),
    412: (Changed, "it is not the object that was read; run again"),
    429: (Unavailable, "the store is busy; run again with fewer jobs"),
}
_SERVER = (Unavailable, "the store is busy; run again, perhaps with fewer jobs")


@dataclass(frozen=True, slots=True)
class OssReport:
    """What OSS said.

    Attributes:
        place: What was asked for, such as `oss://bucket/key`.
        status: Of HTTP.
        code: Of OSS; empty where none was sent.
        message: Of OSS; empty where none was sent.
        request_id: For the support of OSS; empty where none was sent.
        is_about_bucket: Whether all of a bucket was asked for, as in a listing.
    """

    place: str
    status: int
    code: str = ""
    message: str = ""
    request_id: str = ""
    is_about_bucket: bool = False

    def error(self) -> RedactorError:
        """Translate."""
        kind, hint = self._meaning()
        said = (
            f"{self.code or 'HTTP'} {self.message}".strip() if self.code else f"HTTP {self.status}"
        )
        request = f" (request {self.request_id})" if self.request_id else ""
        way_out = f"; {hint}" if hint else ""
        return kind(" ".join(f"{self.place}: {said}{request}{way_out}".split()))

    def _meaning(self) -> tuple[Kind, str]:
        if self.code == "AccessDenied" and self.is_about_bucket:
            return BackendMissing, _PERMISSIONS
        if self.code == "InvalidArgument" and "signing region" in self.message:
            return BackendMissing, "set OSS_REGION to the bucket's own region"
        if self.status >= 500:
            return _SERVER
        return _BY_CODE.get(self.code) or _BY_STATUS.get(self.status) or (StorageError, "")
