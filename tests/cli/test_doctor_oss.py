"""`redactor doctor oss://…`: permissions one by one, and what to grant."""

import json
import os

import pytest

from redactor.testing import OssServer

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def marks(ended):
    """Give mark and words by subject."""
    lines = [line.split("oss://shop/in/ ") for line in ended.out.splitlines() if "oss://" in line]
    return {rest[1].split("  ")[0].strip(): rest[0].strip() for rest in lines if len(rest) > 1}


def policy(ended):
    return json.loads(ended.out[ended.out.index("{\n") :])


def test_a_place_with_all_permissions_is_fine(redactor, oss):
    ended = redactor("doctor", "oss://shop/in/")

    assert ended.code == 0, ended.out
    assert set(marks(ended).values()) == {"✓ ok"}
    assert "strangers" in ended.out
    assert "cannot read here: fit for uploads and originals" in ended.out
    assert oss.keys("shop") == []


@pytest.mark.parametrize(
    ("action", "subject"),
    [
        ("oss:ListObjects", "can be listed"),
        ("oss:PutObject", "write"),
        ("oss:GetObject", "read"),
        ("oss:PutObjectTagging", "write tags"),
        ("oss:GetObjectTagging", "read tags"),
        ("oss:GetObjectAcl", "read ACL"),
        ("oss:ProcessImm", "image/codes"),
        ("oss:DeleteObject", "delete"),
        ("oss:GetBucketVersioning", "versions"),
        ("oss:GetBucketReplication", "replication"),
    ],
)
def test_a_missing_permission_is_named_and_granted(redactor, oss, action, subject):
    oss.deny(action, "shop")

    ended = redactor("doctor", "oss://shop/in/")

    assert ended.code == 6
    assert marks(ended)[subject] == "✕ missing"
    (statement, *_) = policy(ended)["Statement"]
    assert action in statement["Action"]
    assert statement["Resource"] == ["acs:oss:*:*:shop", "acs:oss:*:*:shop/in/*"]


def test_a_project_of_imm_is_tried_itself(redactor, monkeypatch):
    with OssServer(buckets=["shop"], imm_project="moderation") as oss:
        for name, value in oss.env().items():
            monkeypatch.setenv(name, value)
        oss.deny("oss:ProcessImm", "shop")
        fine = redactor("doctor", "oss://shop/in/")
        oss.deny("imm:DetectImageCodes", "")
        refused = redactor("doctor", "oss://shop/in/")

    assert marks(fine)["IMM, project moderation"] == "✓ ok"
    assert refused.code == 6
    assert policy(refused)["Statement"] == [
        {"Effect": "Allow", "Action": ["imm:DetectImageCodes"], "Resource": ["acs:imm:*"]}
    ]


def test_credentials_may_come_from_elsewhere(redactor, oss, monkeypatch):
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", oss.access_key_id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", oss.access_key_secret)
    monkeypatch.delenv("OSS_ACCESS_KEY_ID")
    monkeypatch.delenv("OSS_ACCESS_KEY_SECRET")

    ended = redactor("doctor", "oss://shop/in/")

    assert ended.code == 0, ended.out
    assert "found, though OSS_ACCESS_KEY_ID is not set" in ended.out


def test_what_a_person_must_judge_is_said(redactor, oss):
    oss.configure("shop", acl="public-read", versioning="Enabled", replicas=["elsewhere"])

    ended = redactor("doctor", "oss://shop/in/")

    assert ended.code == 0, ended.out
    assert {name for name, mark in marks(ended).items() if mark == "! look"} == {
        "strangers",
        "versions",
        "replication",
    }
    assert "can read here (HTTP 200)" in ended.out
    assert "copies go to oss://elsewhere/" in ended.out
    assert oss._store.versions("shop") == []


def test_a_bucket_that_is_not_bound_to_imm_is_told(redactor, oss):
    oss.fail(None, status=400, code="Imm Client", message="ResourceNotFound, project",
             when=lambda request: request.process)  # fmt: skip

    ended = redactor("doctor", "oss://shop/in/")

    assert marks(ended)["image/codes"] == "✕ missing"
    assert "bind the bucket to an IMM project" in ended.out


def test_a_wrong_clock_is_told(redactor, oss):
    oss.clock = lambda: 0

    ended = redactor("doctor", "oss://shop/in/")

    assert ended.code == 6
    assert "set this machine's clock" in ended.out


def test_a_missing_bucket_is_told_once(redactor, oss):
    ended = redactor("doctor", "oss://absent/")

    assert ended.code == 6
    assert ended.out.count("NoSuchBucket") == 1
    assert os.environ["OSS_ACCESS_KEY_SECRET"] not in ended.out
