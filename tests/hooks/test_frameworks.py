"""The upload views that the README shows, each in a process of its own, as a reader runs them."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")

CLIENTS = {
    "flask": """
        client = view.app.test_client()
        def post(data):
            answer = client.post("/photos", data={"photo": (io.BytesIO(data), "a.jpg")})
            return answer.status_code, answer.get_data(as_text=True)
    """,
    "django": """
        import django
        from django.conf import settings
        settings.configure(ROOT_URLCONF="view", ALLOWED_HOSTS=["*"], SECRET_KEY="x")
        django.setup()
        from django.test import Client
        def post(data):
            answer = Client().post("/photos", {"photo": io.BytesIO(data)})
            return answer.status_code, answer.content.decode()
    """,
    "fastapi": """
        from fastapi.testclient import TestClient
        client = TestClient(view.app)
        def post(data):
            answer = client.post("/photos", files={"photo": data})
            return answer.status_code, answer.text
    """,
}
SCRIPT = """
import io, json, sys
from pathlib import Path
import view
{client}
answers = [post(Path(name).read_bytes()) for name in sys.argv[1:]]
view.workers.close()
print(json.dumps(answers))
"""


def example(framework):
    (block,) = re.findall(rf"^```python {framework}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return block


@pytest.mark.parametrize("framework", CLIENTS)
def test_the_view_stores_what_may_be_published_and_refuses_the_rest(
    framework, tmp_path, a_picture, read_codes
):
    (tmp_path / "view.py").write_text(example(framework))
    (tmp_path / "policies").symlink_to(ROOT / "policies")
    (tmp_path / "code.jpg").write_bytes(a_picture("https://a.example", format="JPEG"))
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    script = SCRIPT.format(client=textwrap.dedent(CLIENTS[framework]))

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, "code.jpg", "bad.jpg"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    (created, told), (refused, _) = json.loads(done.stdout)
    assert (created, refused) == (201, 422)
    (stored,) = (tmp_path / "photos").iterdir()
    assert json.loads(told) == {"photo": stored.name, "verdict": "redacted"}
    assert read_codes(stored.read_bytes()) == []
