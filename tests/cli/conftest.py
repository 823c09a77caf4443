"""The command line run in this process, and folders of pictures to run it on."""

import io
import os
import sys
from typing import NamedTuple

import pytest

from redactor.cli import main
from redactor.testing import OssServer

LINK = "https://example.org/secret?token=4711"


class Ended(NamedTuple):
    """How a command ended: its exit code, and what it wrote to stdout and stderr."""

    code: int
    out: str
    err: str
    data: bytes

    @property
    def lines(self):
        """What it said on stderr, line by line, without empty ones."""
        return [line for line in self.err.split("\n") if line.strip()]


@pytest.fixture
def redactor(monkeypatch):
    """Run `redactor …` as the shell would, in this process."""

    def run(*arguments, stdin=b"", encoding="utf-8", columns=None):
        out, err = io.BytesIO(), io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["redactor", *map(str, arguments)])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
            patch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding, write_through=True))
            patch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding, write_through=True))
            patch.delenv("COLUMNS", raising=False)
            if columns:
                patch.setenv("COLUMNS", str(columns))
            with pytest.raises(SystemExit) as end:
                main()
            code, data = end.value.code, out.getvalue()
        ended = Ended(code, data.decode(encoding, "replace"), err.getvalue().decode(encoding), data)
        assert "Traceback" not in ended.err
        assert "internal error" not in ended.err
        return ended

    return run


@pytest.fixture(scope="session")
def shelf(a_picture):
    """Give some pictures by name: with a code, without, as PNG and JPEG."""
    return {
        "a/code.png": a_picture(LINK),
        "a/clean.png": a_picture(),
        "b/code.jpg": a_picture(LINK, format="JPEG"),
    }


@pytest.fixture
def photos(tmp_path, monkeypatch, shelf):
    """A folder `photos` in the current one, with a shelf of pictures in it."""
    monkeypatch.chdir(tmp_path)
    fill(tmp_path / "photos", shelf)
    return tmp_path / "photos"


def fill(folder, files):
    """Write files by name."""
    for name, data in files.items():
        path = folder / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def tree(folder):
    """Give the names of the files below a folder."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


@pytest.fixture(name="fill")
def fill_fixture():
    return fill


@pytest.fixture(name="tree")
def tree_fixture():
    return tree


@pytest.fixture
def oss(monkeypatch):
    """A stand-in that the environment points to, with a bucket `shop`."""
    with OssServer(buckets=["shop"]) as server:
        for name in [name for name in os.environ if name.startswith(("OSS_", "IMM_"))]:
            monkeypatch.delenv(name)
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def no_oss(monkeypatch):
    """An environment without any OSS."""
    for name in [name for name in os.environ if name.startswith(("OSS_", "IMM_"))]:
        monkeypatch.delenv(name)
