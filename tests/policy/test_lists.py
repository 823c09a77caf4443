"""Lists of domains and contents: in the policy, and in files beside it."""

import pytest

from redactor.errors import PolicyError
from redactor.model import Action
from redactor.policy import Policy

RULES = """\
rules:
  - {id: ours, when: {domain: ours}, action: allow, reason: ours}
default: {action: fill}
"""


@pytest.fixture
def load(tmp_path):
    """Write files, load the first as a policy."""

    def write(**files):
        paths = []
        for name, text in files.items():
            path = tmp_path / name.replace("_", ".")
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            paths.append(path)
        return Policy.load(paths[0])

    return write


def refused(load, **files):
    with pytest.raises(PolicyError) as caught:
        load(**files)
    return [
        f"{m.file.rpartition('/')[2]}:{m.line}:{m.column}: {m.message}"
        for m in caught.value.mistakes
    ]


TXT = "# ours\n\nexample.com\n*.example.com  # and below\n  shop.example\n"
CSV = """\
value,expires,reason
example.com,,
*.example.com,2999-01-01,"sale, joint"
shop.example,,
"""
YAML = "- example.com\n- {value: '*.example.com', expires: 2999-01-01}\n- shop.example\n"


@pytest.mark.parametrize(("kind", "text"), [("txt", TXT), ("csv", CSV), ("yaml", YAML)])
def test_a_list_can_have_a_file_of_its_own(load, a_code, kind, text):
    policy = load(
        p_yaml=f"version: 1\nlists: {{ours: {{file: ours.{kind}}}}}\n{RULES}",
        **{f"ours_{kind}": text},
    )

    hosts = ("example.com", "a.example.com", "shop.example", "a.shop.example")
    actions = [policy.decide(a_code(f"https://{host}/")).action for host in hosts]

    assert actions == [Action.ALLOW] * 3 + [Action.FILL]


def test_entries_stand_in_the_policy_and_in_a_file_together(load, a_code):
    head = "version: 1\nlists: {ours: {file: ours.txt, entries: [shop.example]}}\n"

    policy = load(p_yaml=head + RULES, ours_txt="example.com\n")

    assert policy.decide(a_code("https://shop.example/")).rule == "ours"
    assert policy.decide(a_code("https://example.com/")).rule == "ours"


def test_a_list_of_contents_is_matched_exactly(a_policy, a_code):
    policy = a_policy(
        "{when: {listed: tickets}, action: allow}", lists="{tickets: [T-1, 'see https://a.b/']}"
    )

    assert policy.decide(a_code("T-1")).action is Action.ALLOW
    assert policy.decide(a_code("see https://a.b/")).action is Action.ALLOW
    assert policy.decide(a_code("T-10")).action is Action.FILL
    assert policy.decide(a_code("t-1")).action is Action.FILL


WRONG = {
    "a domain that is none": (
        "txt",
        b"example.com\nexa mple.com\n",
        "ours.txt:2:1: `exa mple.com` is no domain; write `example.com` or `*.example.com`",
    ),
    "an address": (
        "csv",
        b"value\nhttps://example.com/\n",
        "ours.csv:2:1: `https://example.com/` is an address; give the domain alone: `example.com`",
    ),
    "no column for the value": (
        "csv",
        b"domain\nexample.com\n",
        "ours.csv:1:1: no column `value`; begin the file with `value,expires,reason`",
    ),
    "an unknown column": (
        "csv",
        b"value,until\nexample.com,2027-01-31\n",
        "ours.csv:1:1: unknown column `until`; choose value, expires or reason",
    ),
    "a comma without quotes": (
        "csv",
        b"value,reason\nexample.com,a,b\n",
        "ours.csv:2:1: more values than columns: `b`; put quotes around commas",
    ),
    "a day in a table": (
        "csv",
        b"value,expires\nexample.com,31.1.2027\n",
        "ours.csv:2:1: `31.1.2027` is no day; write it as 2027-01-31",
    ),
    "a mapping": (
        "yaml",
        b"ours: [example.com]\n",
        "ours.yaml:1:1: a list is needed: `- example.com`, one a line",
    ),
    "an unknown key": (
        "yaml",
        b"- {value: example.com, until: 2027-01-31}\n",
        "ours.yaml:1:24: unknown key `until`; choose value, expires or reason",
    ),
    "a tab": ("yaml", b"\t- example.com\n", "ours.yaml:1:1: a tab; indent with spaces"),
    "bytes that are not UTF-8": (
        "txt",
        b"example.com\n\xff\n",
        "ours.txt:2:1: this is not UTF-8; save the file as UTF-8",
    ),
    "ten megabytes": (
        "txt",
        b"#" * 10_000_001,
        "ours.txt:1:1: larger than 10 MB; split the list",
    ),
    "another kind of file": (
        "xlsx",
        b"",
        "ours.xlsx:1:1: what kind of list is this? name it .txt, .csv or .yaml",
    ),
}


@pytest.mark.parametrize(("kind", "octets", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_in_a_list_is_named_where_it_stands(load, kind, octets, message):
    head = f"version: 1\nlists: {{ours: {{file: ours.{kind}}}}}\n"

    assert refused(load, p_yaml=head + RULES, **{f"ours_{kind}": octets}) == [message]


def test_a_file_that_is_not_there_is_named_where_it_is_asked_for(load, tmp_path):
    head = "version: 1\nlists:\n  ours: {file: none.txt}\n"

    (message,) = refused(load, p_yaml=head + RULES)

    missing = f"{tmp_path}/none.txt"
    assert message == f"p.yaml:3:16: {missing} cannot be read: No such file or directory"


def test_a_policy_travels_with_its_lists(load, a_code, tmp_path):
    import pickle

    policy = load(p_yaml=f"version: 1\nlists: {{ours: {{file: ours.txt}}}}\n{RULES}", ours_txt=TXT)
    packed = pickle.dumps(policy)
    (tmp_path / "ours.txt").unlink()

    assert pickle.loads(packed) == policy
    assert pickle.loads(packed).decide(a_code()).action is Action.ALLOW


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_kind_of_line_end_ends_an_entry(end, load):
    text = "# ours" + end + "example.com" + end + "shop.example" + end
    head = "version: 1\nname: p\nlists: {ours: {file: ours.txt}}\n"

    policy = load(p_yaml=head + RULES, ours_txt=text)

    assert len(policy.source.lists["ours"]) == 2


def test_a_quote_that_is_never_closed_swallows_nothing(load):
    text = 'value,reason\nexample.com,"ours\nshop.example,too\n'
    head = "version: 1\nname: p\nlists: {ours: {file: ours.csv}}\n"

    (message,) = refused(load, p_yaml=head + RULES, ours_csv=text)

    assert "this is not CSV" in message


@pytest.mark.parametrize("hidden", ["\0", "\u200b", "\u2060"])
def test_what_nobody_sees_is_named(hidden, load):
    head = "version: 1\nname: p\nlists: {ours: {file: ours.txt}}\n"

    (message,) = refused(load, p_yaml=head + RULES, ours_txt=f"example.com\nshop{hidden}.example\n")

    assert message.startswith("ours.txt:2:5: an invisible character")
