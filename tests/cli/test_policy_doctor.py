"""`redactor policy check` and `redactor doctor`, and what help texts tell."""

from pathlib import Path

import click
import pytest

from redactor.cli import cli
from redactor.cli.exits import Exit, worst

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    [],
    ["run"],
    ["scan"],
    ["verify"],
    ["policy"],
    ["policy", "check"],
    ["policy", "explain"],
    ["policy", "test"],
    ["policy", "diff"],
    ["policy", "schema"],
    ["doctor"],
    ["demo"],
]


# Policy check.


def test_valid_policies_are_named_with_their_hash(redactor):
    files = sorted((ROOT / "policies").glob("*.yaml"))

    ended = redactor("policy", "check", *files)

    assert ended.code == 0
    assert ended.out.count(": valid: ") == len(files)
    assert ended.err == ""


def test_every_mistake_of_every_file_is_told_at_once(redactor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("version: 1\ndefault: {action: blurr}\nname: [x\n")
    (tmp_path / "b.yaml").write_text("version: 1\ndefualt: {action: blur}\nhold: maybe\n")
    (tmp_path / "c.yaml").write_text("version: 1\ndefault: {action: blur}\n")

    ended = redactor("policy", "check", "a.yaml", "b.yaml", "c.yaml", "absent.yaml")

    told = ended.out.splitlines()
    assert ended.code == 3
    assert [line.split(":")[0] for line in told if "valid:" in line] == ["c.yaml"]
    assert {line.split(":")[0] for line in told} == {"a.yaml", "b.yaml", "c.yaml", "absent.yaml"}
    assert any(line.startswith("b.yaml:2:1: ") and "default" in line for line in told)
    assert any(line.startswith("b.yaml:3:7: ") for line in told)
    assert ended.lines[-1].endswith("mistakes in 3 of 4 files.")


def test_a_policy_cannot_move_the_cursor(redactor, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text('version: 1\n"\\e[2J": 1\ndefault: {action: blur}\n')

    ended = redactor("policy", "check", file)

    assert ended.code == 3
    assert "\x1b" not in ended.out + ended.err


# Doctor.


def test_the_doctor_tells_what_is_installed(redactor, no_oss):
    ended = redactor("doctor")

    assert ended.code == 0
    for subject in (
        "redactor",
        "zxing-cpp",
        "libzbar",
        "libturbojpeg",
        "oss2",
        "policies",
        "samples",
    ):
        assert subject in ended.out
    assert "OSS_ENDPOINT" in ended.out
    assert "missing" not in ended.out


def test_the_doctor_reaches_a_bucket(redactor, oss):
    ended = redactor("doctor", "oss://shop/uploads/")

    assert ended.code == 0
    assert "can be listed" in ended.out
    assert oss.access_key_secret not in ended.out


def test_the_doctor_misses_a_bucket_and_says_what_to_do(redactor, oss):
    ended = redactor("doctor", "oss://absent/x/")

    assert ended.code == 6
    assert "NoSuchBucket" in ended.out
    assert "check the bucket's name" in ended.out


def test_the_doctor_misses_credentials_only_where_they_are_needed(redactor, no_oss):
    ended = redactor("doctor", "oss://shop/uploads/")

    missing = [line.split()[2] for line in ended.out.splitlines() if "missing" in line]
    assert ended.code == 6
    assert missing == [
        "OSS_ENDPOINT",
        "OSS_ACCESS_KEY_ID",
        "OSS_ACCESS_KEY_SECRET",
        "oss://shop/uploads/",
    ]


def test_the_doctor_is_shown_a_place_that_is_none(redactor):
    assert redactor("doctor", "shop/uploads").code == 2


# Help.


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("columns", [80, 120])
def test_help_ends_with_exit_codes_and_an_example_on_a_line_of_its_own(command, columns, redactor):
    ended = redactor(*command, "--help", columns=columns)

    lines = [line.strip() for line in ended.out.splitlines() if line.strip()]
    assert ended.code == 0
    assert ended.err == ""
    assert lines[-1].startswith("example:  redactor")
    assert "130  interrupted" in lines
    examples = [line for line in lines if line.startswith("example:")]
    assert all(" ".join(["redactor", *command]) in example for example in examples)
    others = [line for line in ended.out.splitlines() if not line.strip().startswith("example:")]
    assert max(map(len, others)) <= min(columns, 100)


def commands_of(command, path=()):
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands_of(command.get_command(context, name), (*path, name))


def test_every_command_and_option_has_help():
    silent = []
    for path, command in commands_of(cli):
        silent += [] if command.help else [path]
        silent += [
            (*path, option.name)
            for option in command.params
            if isinstance(option, click.Option) and not option.help
        ]

    assert silent == []


@pytest.mark.parametrize("group", [[], ["policy"]], ids=["redactor", "policy"])
def test_the_commands_are_listed_in_whole_sentences(redactor, group):
    ended = redactor(*group, "--help", columns=80)

    listed = ended.out.split("Commands:")[1].split("Exit codes:")[0].strip().splitlines()
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


def test_examples_parse(redactor):
    """What help texts show is understood: it fails, if at all, for lack of the pictures."""
    import shlex

    for _, command in commands_of(cli):
        for line in (command.epilog or "").splitlines():
            if line.startswith("example:") and "redactor " in line:
                words = shlex.split(line.removeprefix("example:"))[1:]
                found, rest = cli, words
                while isinstance(found, click.Group):
                    found, rest = found.get_command(click.Context(found), rest[0]), rest[1:]
                found.make_context("redactor", rest)


def test_the_version_is_told(redactor):
    from redactor import __version__

    ended = redactor("--version")

    assert ended.code == 0
    assert __version__ in ended.out


def test_an_unknown_command_is_refused(redactor):
    ended = redactor("rnu")

    assert ended.code == 2
    assert "rnu" in ended.err


# Exit codes.


@pytest.mark.parametrize(
    ("codes", "code"),
    [
        ([], 0),
        ([0, 0], 0),
        ([0, 1], 1),
        ([1, 4], 4),
        ([4, 5], 5),
        ([5, 2], 2),
        ([2, 3], 3),
        ([3, 6], 6),
        ([6, 130], 130),
        ([130, 6, 3, 2, 5, 4, 1, 0], 130),
    ],
)
def test_of_several_exit_codes_the_weightier_counts(codes, code):
    assert worst(*map(Exit, codes)) == code
