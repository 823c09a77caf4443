"""The main job over oss://, against a stand-in; in a process of its own where it matters."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import oss2
import pytest

from redactor.testing import OssServer

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

ROOT = Path(__file__).resolve().parents[2]
LINK = "https://example.org/secret?token=4711"
# Within the reach of IMM (one is turned), and beyond it: too many codes, a kind it does not know.
WITHIN = [
    "payment-screenshot",
    "brick-wall",
    "profile-card",
    "tea-carton",
    "rotated-business-card",
]
BEYOND = ["poster", "train-ticket"]


def rows(path):
    return {row["name"]: row for row in map(json.loads, path.read_text().splitlines())}


# The loop over processes, as a user has it.


@pytest.fixture(scope="module")
def elsewhere():
    """The environment of a stand-in in a process of its own."""
    command = [sys.executable, "-m", "redactor.testing", "--bucket", "shop"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        yield dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def bucket(elsewhere):
    """The bucket as the plain client has it."""
    credentials = oss2.credentials.StaticCredentialsProvider(
        elsewhere["OSS_ACCESS_KEY_ID"], elsewhere["OSS_ACCESS_KEY_SECRET"]
    )
    auth = oss2.ProviderAuthV4(credentials)
    region = elsewhere["OSS_REGION"]
    return oss2.Bucket(auth, elsewhere["OSS_ENDPOINT"], "shop", region=region)


@pytest.fixture(scope="module")
def uploaded(bucket):
    """Samples below uploads/, put there by the plain client."""
    pictures = {}
    for case in WITHIN + BEYOND:
        (path,) = (ROOT / "samples" / case).glob("picture.*")
        pictures[f"{case}{path.suffix}"] = path.read_bytes()
        bucket.put_object(f"uploads/{case}{path.suffix}", path.read_bytes())
    return pictures


@pytest.fixture
def there(monkeypatch, elsewhere, uploaded, tmp_path):
    """Point the environment to the other process."""
    for name in [name for name in os.environ if name.startswith("OSS_")]:
        monkeypatch.delenv(name)
    for name, value in elsewhere.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return uploaded


def test_hybrid_passes_whole_and_nothing_can_be_read(redactor, there, bucket, tmp_path, read_codes):
    ended = redactor(
        "run", "oss://shop/uploads/", "--out", "oss://shop/hybrid/", "--results", "r.jsonl"
    )

    told = rows(tmp_path / "r.jsonl")
    assert ended.code == 0, ended.err
    assert {row["verdict"] for row in told.values()} == {"redacted", "clean"}
    assert all("imm" in row["detectors"] for row in told.values())
    for name, before in there.items():
        assert told[f"oss://shop/uploads/{name}"]["written"] == f"oss://shop/hybrid/{name}"
        answer = bucket.get_object(f"hybrid/{name}")
        after = answer.read()
        assert read_codes(after) == []
        assert (after == before) is (name == "brick-wall.jpg")
        suffix = {"jpg": "jpeg"}.get(name.rpartition(".")[2], name.rpartition(".")[2])
        assert answer.headers["Content-Type"] == f"image/{suffix}"
        assert bucket.get_object(f"uploads/{name}").read() == before
    checked = redactor("verify", "oss://shop/hybrid/")
    assert (checked.code, checked.out.strip()) == (0, "Nothing can be read in 7 pictures.")


def test_imm_alone_quarantines_what_is_beyond_it(redactor, there, bucket, tmp_path, read_codes):
    ended = redactor(
        "run", "oss://shop/uploads/", "--out", "oss://shop/imm/", "--detector", "imm",
        "--results", "r.jsonl", "--quarantine", "oss://shop/held/",
    )  # fmt: skip

    told = rows(tmp_path / "r.jsonl")
    failed = {name.split("/")[-1].split(".")[0] for name in told if "quar" in told[name]["verdict"]}
    assert ended.code == 4
    assert failed == set(BEYOND)
    assert "2 pictures could not be handled" in ended.err
    for name, before in there.items():
        row = told[f"oss://shop/uploads/{name}"]
        assert bucket.object_exists(f"imm/{name}") is (row["verdict"] != "quarantined")
        if row["verdict"] == "quarantined":
            assert row["reasons"][0].startswith("beyond IMM: ")
            assert bucket.get_object(f"held/{name}").read() == before
        else:
            assert read_codes(bucket.get_object(f"imm/{name}").read()) == []
            assert row["checks"][-1]["scope"] == "picture"
            assert row["detectors"] == ["imm"]
    assert redactor("verify", "oss://shop/imm/").code == 0
    command = shlex.split(ended.lines[-1])
    assert command[:6] == ["redactor", "run", "--detector", "imm", "--out", "oss://shop/imm/"]
    assert {word.split("/")[-1].split(".")[0] for word in command[8:]} == set(BEYOND)


def test_the_command_for_failures_finishes_the_job(redactor, there, bucket):
    words = ["--detector", "imm", "--out", "oss://shop/again/"]
    first = redactor("run", "oss://shop/uploads/", *words)
    command = shlex.split(first.lines[-1])[1:]
    # What is beyond IMM is within reach of both.
    command[command.index("imm")] = "hybrid"

    ended = redactor(*command)

    assert ended.code == 0, ended.err
    assert all(bucket.object_exists(f"again/{name}") for name in there)


# A stand-in in this process, which can be told to fail.


@pytest.fixture
def shop(oss, shelf, tmp_path, monkeypatch):
    """A bucket with a shelf of pictures below in/."""
    for name, data in shelf.items():
        oss.put("shop", f"in/{name}", data)
    monkeypatch.chdir(tmp_path)
    return oss


def test_from_a_bucket_to_a_folder_and_back(redactor, shop, tmp_path, tree, shelf):
    down = redactor("run", "oss://shop/in/", "--out", "out")
    up = redactor("run", "out", "--out", "oss://shop/up/")

    assert (down.code, up.code) == (0, 0)
    assert tree(tmp_path / "out") == sorted(shelf)
    assert shop.keys("shop", "up/") == [f"up/{name}" for name in sorted(shelf)]


def test_one_object_goes_to_one_object(redactor, shop, read_codes):
    ended = redactor("run", "oss://shop/in/a/code.png", "--out", "oss://shop/one.png")

    assert ended.code == 0
    assert read_codes(shop.get("shop", "one.png")) == []


def test_what_is_there_is_not_replaced_unless_asked(redactor, shop):
    shop.put("shop", "out/a/code.png", b"mine")

    ended = redactor("run", "oss://shop/in/", "--out", "oss://shop/out/")

    assert ended.code == 4
    assert "oss://shop/in/a/code.png: oss://shop/out/a/code.png: " in ended.err
    assert "FileAlreadyExists" in ended.err
    assert shop.get("shop", "out/a/code.png") == b"mine"
    assert redactor("run", "oss://shop/in/", "--out", "oss://shop/out/", "--overwrite").code == 0


def test_the_output_may_lie_below_the_source(redactor, shop, shelf):
    for _ in range(2):
        ended = redactor("run", "oss://shop/", "--out", "oss://shop/out/", "--overwrite")
        assert ended.code == 0

    assert shop.keys("shop", "out/") == [f"out/in/{name}" for name in sorted(shelf)]


def test_no_object_is_written_over_itself(redactor, shop, shelf):
    ended = redactor("run", "oss://shop/in/", "--out", "oss://shop/in/", "--overwrite")

    assert ended.code == 2
    assert "the pictures lie there themselves" in ended.err
    assert all(shop.get("shop", f"in/{name}") == data for name, data in shelf.items())


def test_the_quarantine_may_not_be_published(redactor, shop):
    words = ["--out", "oss://shop/out/", "--quarantine", "oss://shop/out/held/"]

    assert redactor("run", "oss://shop/in/", *words).code == 2


def test_a_list_may_name_objects_and_files(redactor, shop, shelf, tmp_path, tree):
    (tmp_path / "here.png").write_bytes(shelf["a/clean.png"])
    (tmp_path / "list").write_text("here.png\noss://shop/in/a/code.png\n")

    ended = redactor("run", "--files-from", "list", "--out", "out", "--results", "r.jsonl")

    assert ended.code == 0
    assert tree(tmp_path / "out") == ["code.png", "here.png"]
    assert "imm" in rows(tmp_path / "r.jsonl")["oss://shop/in/a/code.png"]["detectors"]


@pytest.mark.parametrize("command", [["run", "--out", "out"], ["scan"], ["verify"]], ids=" ".join)
def test_a_missing_bucket_ends_with_6_and_one_line(command, redactor, shop, tmp_path):
    ended = redactor(*command, "oss://absent/in/")

    assert ended.code == 6
    assert len(ended.lines) == 1
    assert ended.lines[0].startswith("redactor: oss://absent/in/: NoSuchBucket")
    assert "check the bucket's name" in ended.lines[0]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("OSS_ACCESS_KEY_SECRET", "wrong", "SignatureDoesNotMatch"),
        ("OSS_ACCESS_KEY_ID", "nobody", "InvalidAccessKeyId"),
    ],
)
def test_refused_credentials_end_with_6_and_one_line(
    variable, value, said, redactor, shop, monkeypatch
):
    monkeypatch.setenv(variable, value)

    ended = redactor("run", "oss://shop/in/", "--out", "out")

    assert ended.code == 6
    assert len(ended.lines) == 1
    assert said in ended.lines[0]
    assert "wrong" not in ended.lines[0]


@pytest.mark.parametrize("missing", ["OSS_ENDPOINT", "OSS_REGION", "OSS_ACCESS_KEY_ID"])
def test_a_missing_variable_is_named(missing, redactor, shop, monkeypatch):
    monkeypatch.delenv(missing)

    ended = redactor("run", "oss://shop/in/", "--out", "out")

    assert ended.code == 6
    assert len(ended.lines) == 1
    assert missing in ended.lines[0]


def test_credentials_that_expire_on_the_way_lose_no_record(redactor, shop, tmp_path, a_picture):
    for n in range(12):
        shop.put("shop", f"in/z{n:02}.png", a_picture())
    shop.fail(
        None,
        status=403,
        code="SecurityTokenExpired",
        message="The security token has expired.",
        when=lambda request: request.key == "in/z05.png",
    )

    ended = redactor(
        "run", "oss://shop/in/", "--out", "oss://shop/out/", "--results", "r.jsonl", "--jobs", "2"
    )

    assert ended.code == 6
    assert "SecurityTokenExpired" in ended.err
    written = {row["written"] for row in rows(tmp_path / "r.jsonl").values()}
    assert written == {f"oss://shop/{key}" for key in shop.keys("shop", "out/")}
    assert len(written) >= 5


def test_a_network_that_is_down_fails_the_place_by_name(redactor, shop):
    shop.stop()

    ended = redactor("run", "oss://shop/in/a/code.png", "--out", "out")

    assert ended.code == 4
    assert "oss://shop/in/a/code.png: OSS cannot be reached" in ended.err


def test_one_object_that_cannot_be_read_fails_alone(redactor, shop, tmp_path, tree):
    shop.fail(
        None, status=403, code="AccessDenied", when=lambda request: request.key == "in/a/code.png"
    )

    ended = redactor("run", "oss://shop/in/", "--out", "out")

    assert ended.code == 4
    assert "1 picture could not be handled" in ended.err
    assert "oss://shop/in/a/code.png: AccessDenied" in ended.err
    assert tree(tmp_path / "out") == ["a/clean.png", "b/code.jpg"]


def test_hybrid_passes_when_imm_is_not_bound(redactor, shop, tmp_path, read_codes):
    shop.fail(
        None,
        status=400,
        code="Imm Client",
        message="the bucket is not bound to a project",
        when=lambda request: request.process,
    )

    ended = redactor("run", "oss://shop/in/", "--out", "out", "--results", "r.jsonl")

    told = rows(tmp_path / "r.jsonl")["oss://shop/in/a/code.png"]
    assert ended.code == 0
    assert any("IMM project" in remark for remark in told["remarks"])
    assert read_codes((tmp_path / "out/a/code.png").read_bytes()) == []


def test_nothing_secret_is_ever_said(redactor, shop):
    shop.fail(None, status=403, code="AccessDenied", message="no", when=None)

    ended = redactor("run", "oss://shop/in/", "--out", "out")

    assert ended.code == 6
    assert shop.access_key_secret not in ended.out + ended.err
    assert "Signature=" not in ended.out + ended.err


@pytest.mark.parametrize("detector", ["hybrid", "imm"])
def test_a_project_is_asked_where_the_bucket_is_bound_to_none(
    redactor, photos, fill, shelf, monkeypatch, tmp_path, read_codes, detector
):
    with OssServer(buckets=["shop"], imm_project="moderation", image_codes_details=True) as oss:
        for name, value in oss.env().items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("IMM_PROJECT")
        for name, data in shelf.items():
            oss.put("shop", f"in/{name}", data)
        oss.fail(None, status=400, code="Imm Client", when=lambda request: request.process)

        ended = redactor(
            "run", "oss://shop/in/", "--out", "out", "--detector", detector,
            "--imm-project", "moderation", "--imm-price", "1000", "--results", "r.jsonl",
        )  # fmt: skip

    assert ended.code == 0, ended.err
    assert "asked 3 times and answered 3: about USD 3.0000" in ended.err
    told = rows(tmp_path / "r.jsonl")["oss://shop/in/a/code.png"]
    assert told["remarks"] == []
    assert "imm" in told["codes"][0]["sources"]
    assert read_codes((tmp_path / "out/a/code.png").read_bytes()) == []


# What is taken, and how often IMM is asked.


def test_only_what_is_asked_for_is_taken(redactor, shop, tmp_path, tree):
    shop.put("shop", "in/old.png", shop.get("shop", "in/a/clean.png"), modified=0)

    ended = redactor(
        "run", "oss://shop/in/", "--out", "out", "--include", "*.png", "--exclude", "a/code*",
        "--since", "1d",
    )  # fmt: skip

    assert ended.code == 0, ended.err
    assert tree(tmp_path / "out") == ["a/clean.png"]
    assert redactor("run", "oss://shop/in/", "--out", "o", "--since", "soon").code == 2


def test_imm_is_asked_as_often_as_allowed_and_the_cost_is_told(redactor, shop, tmp_path):
    ended = redactor(
        "run", "oss://shop/in/", "--out", "out", "--max-imm-calls", "2", "--imm-qps", "50",
        "--imm-price", "1000", "--results", "r.jsonl", "--jobs", "1",
    )  # fmt: skip

    assert ended.code == 0, ended.err
    assert sum(bool(request.process) for request in shop.requests) == 2
    assert "image/codes was asked 2 times and answered 2: about USD 2.0000" in ended.err
    assert "--max-imm-calls was reached" in ended.err
    told = [remark for row in rows(tmp_path / "r.jsonl").values() for remark in row["remarks"]]
    assert any("as often as allowed" in remark for remark in told)


def test_a_run_goes_on_locally_when_imm_is_down(redactor, shop, a_picture, read_codes, tmp_path):
    for number in range(6):
        shop.put("shop", f"in/{number}.png", a_picture(LINK, scale=2, margin=20))
    shop.fail(None, when=lambda request: request.process)

    ended = redactor("run", "oss://shop/in/", "--out", "out", "--jobs", "1")

    assert ended.code == 0, ended.err
    assert "IMM failed too often and was not asked any more" in ended.err
    # Five pictures, three tries each; two more may be asked about while they are waited for.
    assert sum(bool(request.process) for request in shop.requests) in range(15, 22)
    assert all(read_codes(path.read_bytes()) == [] for path in (tmp_path / "out").rglob("*.png"))
