"""What only a process of its own shows: signals, pipes, encodings, the installed package."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = "https://example.org/secret?token=4711"

posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")


@posix
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_records_what_it_finished(sign, tmp_path, a_picture, fill):
    picture = a_picture(LINK, "1", "2", scale=8)
    fill(tmp_path / "in", {f"{n:03}.png": picture for n in range(300)})
    command = [sys.executable, "-m", "redactor", "run", "in", "--out", "out", "--jobs", "2"]
    command += ["--results", "r.jsonl", "--report", "r.html"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(sign, signal.SIG_DFL),
    ) as process:
        wait_for(lambda: lines_of(tmp_path / "r.jsonl"))
        process.send_signal(sign)
        out, err = process.communicate(timeout=30)

    told = [json.loads(line) for line in lines_of(tmp_path / "r.jsonl")]
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert "redacted" in out
    assert 0 < len(told) < 300
    # Every picture that is there is recorded, and every one recorded is there.
    assert sorted(Path(row["written"]).name for row in told) == written
    assert (tmp_path / "r.html").read_text().rstrip().endswith("</html>")


@posix
@pytest.mark.parametrize(
    ("by_nohup", "code", "number"), [(signal.SIG_DFL, 130, 300), (signal.SIG_IGN, 0, 30)]
)
def test_a_terminal_that_closes_ends_a_run_in_order_unless_nohup_is_used(
    by_nohup, code, number, tmp_path, a_picture, fill, monkeypatch
):
    picture = a_picture(LINK, "1", scale=8)
    fill(tmp_path / "in", {f"{n:03}.png": picture for n in range(number)})
    monkeypatch.chdir(tmp_path)
    told = tmp_path / "kept/run.json"
    command = [sys.executable, "-m", "redactor", "run", "in", "--out", "out"]
    pid, terminal = pty.fork()
    if not pid:
        signal.signal(signal.SIGHUP, by_nohup)
        os.execv(sys.executable, [*command, "--run-folder", "kept"])
    wait_for(lambda: lines_of(tmp_path / "kept/results.jsonl"))

    os.close(terminal)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code
    ended = json.loads(told.read_text())
    assert ended["ended"] is not None
    written = list((tmp_path / "out").iterdir())
    assert ended["totals"]["pictures"] == len(written)
    assert (len(written) == number) == (code == 0)


@posix
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("engine", ["processes", "threads"])
def test_a_second_interrupt_drops_what_is_in_hand(engine, sign, tmp_path, a_picture, fill):
    slow = a_picture(*(f"https://example.org/{n}" for n in range(90)), format="JPEG", scale=8)
    fill(tmp_path / "in", {f"{n}.jpg": slow for n in range(4)})
    command = [sys.executable, "-m", "redactor", "run", "in", "--out", "out", "--run-folder", "r"]
    command += ["--quarantine", "aside", "--engine", engine]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        wait_for((tmp_path / "r/run.json").exists)
        time.sleep(1)
        workers = workers_of(process.pid)
        for _ in range(2):
            process.send_signal(sign)
            time.sleep(0.3)
        _, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "finishing the pictures in hand (again to drop them)" in err
    assert "Traceback" not in err
    assert bool(workers) == (engine == "processes")
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    assert json.loads((tmp_path / "r/run.json").read_text())["exit_code"] == 130
    # What was dropped is neither written nor put aside: nothing is wrong with it.
    assert not [path for path in tmp_path.glob("*/*.jpg") if path.parent.name != "in"]


@posix
def test_a_run_folder_tells_from_the_start_that_a_run_has_not_ended(tmp_path, a_picture, fill):
    picture = a_picture(LINK, "1", scale=8)
    fill(tmp_path / "in", {f"{n:03}.png": picture for n in range(200)})
    told = tmp_path / "kept/run.json"
    command = [sys.executable, "-m", "redactor", "run", "in", "--out", "out", "--jobs", "1"]
    with subprocess.Popen(
        [*command, "--run-folder", "kept"], cwd=tmp_path, stderr=subprocess.PIPE
    ) as process:
        wait_for(told.exists)
        begun = json.loads(told.read_text())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)

    ended = json.loads(told.read_text())
    assert (begun["ended"], begun["exit_code"]) == (None, None)
    assert ended["ended"] is not None
    assert ended["exit_code"] == 130


@posix
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_a_plan_that_broke_off_is_none_and_the_page_of_before_stays(
    sign, tmp_path, a_picture, fill
):
    picture = a_picture(LINK, "1", scale=8)
    fill(tmp_path / "in", {f"{n:03}.png": picture for n in range(200)})
    (tmp_path / "plan.html").write_text("the page of before")
    command = [sys.executable, "-m", "redactor", "plan", "in", "-o", "plan.jsonl", "--jobs", "1"]
    with subprocess.Popen(
        [*command, "--report", "plan.html"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_for(lambda: lines_of(tmp_path / "plan.jsonl.part"))
        process.send_signal(sign)
        _, err = process.communicate(timeout=30)

    assert not (tmp_path / "plan.jsonl").exists()
    assert 0 < len(lines_of(tmp_path / "plan.jsonl.part")) < 200
    page = (tmp_path / "plan.html").read_text()
    if sign == signal.SIGKILL:
        assert page == "the page of before"
    else:
        assert page.rstrip().endswith("</html>")
        assert "The plan broke off; what there is of it lies in" in err
        assert not (tmp_path / "plan.html.part").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("option", ["--results", "--report"])
def test_a_run_that_cannot_be_told_of_ends_as_with_a_full_disk(
    option, tmp_path, a_picture, fill, redactor
):
    fill(tmp_path / "in", {f"{n:03}.png": a_picture() for n in range(20)})

    ended = redactor("run", tmp_path / "in", "--out", tmp_path / "out", option, "/dev/full")

    assert ended.code == 6
    assert "/dev/full: no space left on device; make room, and run again" in ended.err
    assert "clean" in ended.out


def wait_for(sight, *, timeout_s=30):
    end = time.monotonic() + timeout_s
    while not sight():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)


def workers_of(pid):
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text().split()]


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


@posix
@pytest.mark.parametrize(("out", "code"), [("-", 6), ("b.png", 0)])
def test_a_picture_is_not_written_to_a_standard_output_that_is_closed(
    out, code, tmp_path, a_picture
):
    (tmp_path / "a.png").write_bytes(a_picture(LINK))
    command = f"{sys.executable} -m redactor run a.png --out {out} <&- >&-"

    ended = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False
    )

    assert ended.returncode == code, ended.stderr
    assert ("standard output is closed" in ended.stderr) == (code == 6)


@posix
def test_a_reader_that_leaves_changes_neither_work_nor_exit_code(tmp_path, a_picture, fill):
    fill(tmp_path / "in", {"a.png": a_picture(LINK), "b.jpg": b""})
    command = f"{sys.executable} -m redactor run in --out out | true; echo ${{PIPESTATUS[0]}}"

    ended = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ended.stdout.strip() == "4"
    assert "Traceback" not in ended.stderr
    assert "BrokenPipe" not in ended.stderr
    assert (tmp_path / "out" / "a.png").exists()


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_a_terminal_without_unicode_ends_no_run(env, run_redactor, tmp_path, a_picture, fill):
    fill(tmp_path, {"é.png": a_picture(LINK), "한.jpg": b""})

    ended = run_redactor("scan", tmp_path, "--content", "full", env=env)

    assert ended.returncode == 4
    assert b"Traceback" not in ended.stderr


def test_bytes_go_through_pipes_untouched(run_redactor, a_picture):
    data = a_picture(format="JPEG")

    ended = run_redactor("run", "-", "--out", "-", stdin=data)

    assert ended.returncode == 0
    assert ended.stdout == data


def test_the_installed_package_finds_its_policies(tmp_path, a_picture):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = (tmp_path / "dist").iterdir()
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "a.png").write_bytes(a_picture(LINK))

    ended = subprocess.run(
        [sys.executable, "-m", "redactor", "run", "a.png", "--out", "b.png"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "b.png").exists()
    shipped = tmp_path / "site" / "redactor" / "shipped"
    assert (shipped / "policies" / "default.yaml").is_file()
    assert len(list((shipped / "samples").glob("*/picture.*"))) >= 14
