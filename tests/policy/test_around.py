"""What a policy says of the bytes around the pixels."""

import pickle

import pytest

from redactor.errors import PolicyError
from redactor.model import Metadata, Trailer
from redactor.policy import Policy


def a_policy(extra=""):
    return Policy.parse(f"version: 1\n{extra}\ndefault: {{action: fill}}\n")


def test_without_a_word_what_is_safe_is_kept():
    policy = a_policy()

    assert (policy.metadata, policy.trailer) == (Metadata.KEEP_SAFE, Trailer.KEEP)


@pytest.mark.parametrize("word", ["keep-safe", "strip", "keep"])
def test_each_word_for_metadata(word):
    assert a_policy(f"metadata: {word}").metadata == word


@pytest.mark.parametrize("word", ["keep", "strip", "quarantine"])
def test_each_word_for_a_trailer(word):
    assert a_policy(f"trailer: {word}").trailer == word


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("metadata: stripp", "unknown metadata `stripp`; did you mean `strip`?"),
        ("trailer: drop", "unknown trailer `drop`; choose keep, strip or quarantine"),
    ],
)
def test_another_word_is_a_mistake(line, message):
    with pytest.raises(PolicyError, match="policy:2:") as error:
        a_policy(line)

    assert message in str(error.value)


def test_they_bear_on_the_hash_and_travel():
    policies = [a_policy(), a_policy("metadata: strip"), a_policy("trailer: strip")]

    assert len({policy.hash for policy in policies}) == 3
    assert pickle.loads(pickle.dumps(policies[1])).metadata is Metadata.STRIP
