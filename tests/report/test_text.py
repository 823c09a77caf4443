"""Foreign text: nothing in it moves, hides, lives or tells more than it may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redactor.report.text import Content, defang, disclose, escape_text, shorten


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain text, Ünïcode and 日本語", "plain text, Ünïcode and 日本語"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("nul\x00 del\x7f c1\x9b", r"nul\x00 del\x7f c1\x9b"),
        ("two\nlines\r", r"two\nlines\r"),
        ("\u202egnp.exe\u2066", r"\u202egnp.exe\u2066"),
        ("line\u2028separator", r"line\u2028separator"),
        ("soft\u00adhyphen\ufeff", r"soft\xadhyphen\ufeff"),
        ("lone \ud800 surrogate", r"lone \ud800 surrogate"),
        ("family 👨\u200d👩", "family 👨\u200d👩"),
    ],
)
def test_what_moves_or_hides_text_becomes_visible(raw, shown):
    assert escape_text(raw) == shown


@given(st.text(st.characters()))
def test_escaped_text_is_stable_and_can_be_encoded(raw):
    shown = escape_text(raw)

    assert escape_text(shown) == shown
    assert shown.encode() is not None


def test_a_long_text_is_cut_and_its_length_told():
    assert shorten("a" * 100_000, limit=5) == "aaaaa… (100,000 characters)"
    assert shorten("aaaaa", limit=5) == "aaaaa"


@pytest.mark.parametrize(
    ("address", "dead"),
    [
        ("https://example.com/a.html", "hxxps://example[.]com/a.html"),
        ("HTTP://Example.COM", "hxxp://Example[.]COM"),
        ("upi://pay.example?pa=1", "upi[:]//pay[.]example?pa=1"),
        ("www.example.com/path", "www[.]example[.]com/path"),
        ("go to https://a.b now", "go to hxxps://a[.]b now"),
        ("4006381333931", "4006381333931"),
    ],
)
def test_addresses_cannot_be_followed(address, dead):
    assert defang(address) == dead


@pytest.mark.parametrize(
    ("content", "told", "kind"),
    [
        ("https://example.com/pay?token=secret", "https://example.com", "host"),
        ("  HTTPS://User:Pass@Example.com:8443/x", "https://example.com:8443", "host"),
        # Browsers go to evil.example with each of these.
        ("https:\\\\evil.example\\@good.example", "https://evil.example", "host"),
        ("https://good.example@evil.example/", "https://evil.example", "host"),
        ("ht\ntps://evil.ex\tample/", "https://evil.example", "host"),
        ("https:/evil.example?https://good.example", "https://evil.example", "host"),
        ("https://bücher.example/", "https://xn--bcher-kva.example", "host"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]", "host"),
        # Mapping these takes tables that only browsers have: nothing is told rather than a lie.
        ("https://ｅｘａｍｐｌｅ.com/", None, "none"),  # noqa: RUF001
        ("https://straße.example/", None, "none"),
        ("https://ex%61mple.com/", None, "none"),
        ("https://", None, "none"),
        # In these the part after the scheme is the secret itself.
        ("wxp://f2f0abcdefgh", "wxp://", "scheme"),
        ("WIFI:S:home;P:hunter2;;", None, "none"),
        ("4006381333931", None, "none"),
        ("", None, "none"),
        (None, None, "none"),
    ],
)
def test_by_default_only_the_site_is_told(content, told, kind):
    assert disclose(content, Content.HOST) == (told, kind)


def test_hashes_are_equal_for_equal_contents_under_one_key_only():
    one = disclose("hunter2", Content.HASH, key=b"one")

    assert one == disclose("hunter2", Content.HASH, key=b"one")
    assert one != disclose("hunter3", Content.HASH, key=b"one")
    assert one != disclose("hunter2", Content.HASH, key=b"two")
    assert disclose("\ud800", Content.HASH).kind == "hash"


@given(st.text(st.characters()))
def test_any_content_can_be_disclosed_in_every_mode(content):
    for mode in Content:
        assert disclose(content, mode).kind in {"full", "host", "scheme", "hash", "none"}
    assert disclose(content, Content.NONE).text is None
    assert disclose(content, Content.FULL).text == content
