"""The stand-in serves from a process of its own."""

import os
import signal
import subprocess
import sys

import oss2
import pytest

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_it_prints_its_environment_and_serves_until_it_is_terminated():
    command = [sys.executable, "-m", "redactor.testing", "--bucket", "uploads"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        env = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        credentials = oss2.credentials.StaticCredentialsProvider(
            env["OSS_ACCESS_KEY_ID"], env["OSS_ACCESS_KEY_SECRET"]
        )
        bucket = oss2.Bucket(
            oss2.ProviderAuthV4(credentials),
            env["OSS_ENDPOINT"],
            "uploads",
            region=env["OSS_REGION"],
        )

        bucket.put_object("a", b"x")

        assert bucket.get_object("a").read() == b"x"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


def test_the_fixture_module_loads_nothing_heavy():
    script = (
        "import sys, redactor.testing.fixtures;"
        "sys.exit(any(name in sys.modules for name in"
        " ('oss2', 'requests', 'numpy', 'PIL', 'zxingcpp', 'redactor.testing.server')))"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
