"""Who may do what: names of actions, what strangers may read, what was denied."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

from redactor.testing.errors import access_denied
from redactor.testing.messages import Request
from redactor.testing.store import Store

_ANONYMOUS = "Anonymous access is forbidden for this operation."
_BUCKET_ACTIONS = {
    "versions": "ListObjectVersions",
    "versioning": "GetBucketVersioning",
    "replication": "GetBucketReplication",
    "acl": "GetBucketAcl",
    "bucketInfo": "GetBucketInfo",
}


@dataclass(frozen=True, slots=True)
class Denial:
    """Something that the credentials may not do.

    Attributes:
        action: As a RAM policy names it, such as `oss:PutObject`.
        bucket: Its name.
        prefix: Of the keys it goes for; empty for all.
    """

    action: str
    bucket: str
    prefix: str = ""

    def check(self, request: Request) -> None:
        """Refuse what is denied."""
        for action, bucket, key in actions_of(request):
            if (action, bucket) == (self.action, self.bucket) and key.startswith(self.prefix):
                raise access_denied(f"You have no right to access this object: {action}")


def actions_of(request: Request) -> list[tuple[str, str, str]]:
    """Name what a request needs leave for: actions, each with bucket and key."""
    if action := request.headers.get("x-acs-action"):
        return [(f"imm:{action}", "", "")]
    if not request.bucket:
        return [("oss:ListBuckets", "", "")]
    if not request.key:
        return [(f"oss:{_bucket_action(request)}", request.bucket, "")]
    place = (request.bucket, request.key)
    found = [(f"oss:{_object_action(request)}", *place)]
    if request.process:
        found.append(("oss:ProcessImm", *place))
    if "x-oss-tagging" in request.headers:
        found.append(("oss:PutObjectTagging", *place))
    if request.headers.get("x-oss-object-acl", "default") != "default":
        found.append(("oss:PutObjectAcl", *place))
    if source := request.headers.get("x-oss-copy-source"):
        bucket, _, key = unquote(source).removeprefix("/").partition("/")
        found.append(("oss:GetObject", bucket, key.partition("?versionId=")[0]))
    return found


def check_anonymous(store: Store, request: Request) -> None:
    """Let a request without a signature pass where everybody may read.

    Raises:
        OssFailure: Everywhere else.
    """
    if request.method not in ("GET", "HEAD") or not request.key or request.process:
        raise access_denied(_ANONYMOUS)
    if {"acl", "tagging", "versionId", "symlink", "uploadId"} & request.query.keys():
        raise access_denied(_ANONYMOUS)
    bucket = store.bucket(request.bucket)
    if any(request.key.startswith(prefix) for prefix in bucket.public_prefixes):
        return
    found = bucket.current(request.key)
    acl = found.acl if found is not None and found.acl != "default" else bucket.acl
    if not acl.startswith("public-read"):
        raise access_denied("You have no right to access this object because of bucket acl.")


def _bucket_action(request: Request) -> str:
    if request.method != "GET":
        return {"PUT": "PutBucket", "DELETE": "DeleteBucket"}.get(request.method, "DeleteObject")
    named = [action for name, action in _BUCKET_ACTIONS.items() if name in request.query]
    return named[0] if named else "ListObjects"


def _object_action(request: Request) -> str:
    verb = {"PUT": "Put", "DELETE": "Delete", "POST": "Put"}.get(request.method, "Get")
    if "acl" in request.query:
        return f"{verb}ObjectAcl"
    if "tagging" in request.query:
        return f"{verb}ObjectTagging"
    if request.version and verb in ("Get", "Delete"):
        return f"{verb}ObjectVersion"
    return f"{verb}Object"
