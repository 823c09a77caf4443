"""The JSON Schema: what editors know of policies is what policies are."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from redactor.errors import PolicyError
from redactor.policy import Policy, json_schema

FOLDER = Path(__file__).parents[2] / "policies"
FILES = sorted(FOLDER.glob("*.yaml"))
POLICIES = [path for path in FILES if not path.name.endswith(".test.yaml")]


def validator(*, tests=False):
    schema = json.loads(json_schema(tests=tests))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


class _Editor(yaml.SafeLoader):
    """Reads YAML as editors do: numbers and truths are such, days are texts."""


_Editor.yaml_implicit_resolvers = {
    first: [(tag, regex) for tag, regex in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def as_an_editor_reads(text):
    return yaml.load(text, Loader=_Editor)


@pytest.mark.parametrize(("name", "tests"), [("policy", False), ("policy.test", True)])
def test_the_schema_beside_the_shipped_policies_is_the_one_that_is_printed(name, tests):
    shipped = (FOLDER / f"{name}.schema.json").read_text("utf-8")

    assert shipped == json_schema(tests=tests), (
        f"write it again: redactor policy schema{' --tests' if tests else ''}"
        f" > policies/{name}.schema.json"
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_shipped_files_begin_with_the_line_for_editors_and_fit_the_schema(path):
    text = path.read_text("utf-8")
    tests = path.name.endswith(".test.yaml")

    kind = "policy.test" if tests else "policy"
    assert text.splitlines()[0] == f"# yaml-language-server: $schema={kind}.schema.json"
    validator(tests=tests).validate(as_an_editor_reads(text))


def described(node, path="policy"):
    """Give every key of a schema without a description."""
    for key, inner in node.get("properties", {}).items():
        if "description" not in inner:
            yield f"{path}.{key}"
    for name, inner in node.get("$defs", {}).items():
        yield from described(inner, name)


@pytest.mark.parametrize("tests", [False, True])
def test_every_key_is_explained(tests):
    undescribed = set(described(json.loads(json_schema(tests=tests))))

    assert undescribed - {"policy.version"} == set()


SOUND = "version: 1\nrules:\n  - {id: a, when: {%s}, action: fill}\ndefault: {action: blur}\n"


@pytest.mark.parametrize(
    "conditions",
    [
        "symbology: qrcode",
        "symbology: [qrcode, 2d]",
        "read: false",
        "content: 0123",
        "content: [12, hello]",
        "length: {min: 3}",
        "url: {host: example.com, port: [80, 443], userinfo: false}",
        "any: [{prefix: a}, {not: {suffix: b}}]",
        "picture: {codes: {max: 3}, tag: {a: b, c: [d, 5]}}",
        "size: {max_share: 0.5}",
    ],
)
def test_editor_and_policy_agree_on_what_is_right(conditions):
    text = SOUND % conditions

    Policy.parse(text)
    validator().validate(as_an_editor_reads(text))


@pytest.mark.parametrize(
    "text",
    [
        SOUND % "symbolgy: qrcode",
        SOUND % "symbology: ean-13",
        SOUND % "size: {max_share: 40}",
        SOUND % "read: maybe",
        SOUND % "content: {a: b}",
        SOUND % "symbology: []",
        (SOUND % "read: true").replace("fill", "destroy"),
        (SOUND % "read: true").replace("version: 1", "version: 2"),
        (SOUND % "read: true").replace("id: a, ", ""),
        (SOUND % "read: true").replace("default", "defualt"),
    ],
)
def test_editor_and_policy_agree_on_what_is_wrong(text):
    with pytest.raises(PolicyError):
        Policy.parse(text)
    with pytest.raises(jsonschema.ValidationError):
        validator().validate(as_an_editor_reads(text))
