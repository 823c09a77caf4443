"""Domains cannot be fooled: what is allowed by its domain is on that domain for every reader."""

import pytest
from ada_url import URL
from hypothesis import example, given
from hypothesis import strategies as st

from redactor.model import Action
from redactor.policy.urls import (
    BadDomain,
    Domains,
    canonical,
    mixes_scripts,
    read_link,
    site_of,
)

ON_THE_DOMAIN = [
    "https://example.com",
    "https://example.com/",
    "http://example.com/a?b=c#d",
    "HTTPS://EXAMPLE.COM/PAY",
    "https://example.com./",
    "https://example.com:443/",
    "https://example.com:8443/",
    "https://example.com?a=b",
    "https://example.com#top",
    "https://example.com/@someone",
    "https://example.com/\\path",
    "https://example.com/%00",
    "https://shop.example.com/",
    "https://a.b.c.example.com/",
    "https://SHOP.Example.Com./",
    "  https://example.com/\r\n",
    "https://bücher.example/",
    "https://xn--bcher-kva.example/",
    "https://BÜCHER.example/",
]

ELSEWHERE = {
    "user name": "https://example.com@evil.com",
    "user name and password": "https://example.com:pass@evil.com/",
    "user name with a slash escaped": "https://example.com%2F@evil.com",
    "two at signs": "https://example.com@example.com@evil.com",
    "longer domain": "https://example.com.evil.com",
    "longer domain with a dot": "https://example.com.evil.com./",
    "longer label": "https://notexample.com",
    "longer label with a hyphen": "https://my-example.com",
    "shorter": "https://ample.com",
    "other top level": "https://example.co",
    "in the path": "https://evil.com/example.com",
    "in the query": "https://evil.com?example.com",
    "in the fragment": "https://evil.com#example.com",
    "in the fragment, with an at sign": "https://evil.com#@example.com",
    "in the query, with an at sign": "https://evil.com?@example.com",
    "backslash before the at sign": "https://evil.com\\@example.com",
    "backslash for a slash": "https://evil.com\\example.com",
    "cyrillic": "https://\u0435\u0445\u0430m\u0440l\u0435.com",
    "cyrillic e": "https://\u0435xample.com",
    "dotless i": "https://b\u0131cher.example",
    "punycode look-alike": "https://xn--xample-2of.com",
    "combining mark": "https://e\u0301xample.com",
    "greek question mark": "https://example.com\u037eevil.com",
    "full-width slash": "https://evil.com\uff0f.example.com",
    "full-width at sign": "https://example.com\uff20evil.com",
    "escaped slash": "https://evil.com%2f.example.com",
    "escaped at sign": "https://example.com%40evil.com",
    "escaped NUL": "https://example.com%00.evil.com",
    "NUL the other way": "https://evil.com\0.example.com",
    "right-to-left override": "https://example.com\u202e.evil.com",
    "two dots": "https://example.com..evil.com",
    "empty label": "https://shop..example.com",
    "two trailing dots": "https://example.com..",
    "leading dot": "https://.example.com",
    "ftp": "ftp://example.com/",
    "other scheme": "weixin://example.com/",
    "no scheme": "example.com/",
    "no scheme, with slashes": "//example.com/",
    "no host": "https://",
    "port only": "https://:443/",
    "port out of range": "https://example.com:99999/",
    "port that is a domain": "https://example.com:evil.com/",
    "IP address": "https://93.184.216.34/",
    "IP address as one number": "https://1572395042/",
    "IPv6 address": "https://[2606:2800:220:1::1]/",
    "not an address": "example",
    "nothing": "",
    "not UTF-8": "https://example\udcff.com/",
    "replacement character": "https://example\ufffd.com/",
}

DISGUISED = {
    "user name": "https://evil.com@example.com/",
    "password": "https://evil:com@example.com/",
    "empty user name": "https://@example.com/",
    "backslash and at sign": "https://example.com\\@evil.com",
    "backslashes for slashes": "https:\\\\example.com",
    "query with an at sign": "https://example.com?@evil.com/",
    "fragment with an at sign": "https://example.com#@evil.com/",
    "tab in the host": "https://exa\tmple.com/",
    "line break in the host": "https://exam\nple.com/",
    "tab before a subdomain": "https://evil.com\t.example.com/",
    "line break in the scheme": "ht\ntps://example.com/",
    "line break in the path": "https://example.com/\nhttps:evil.com",
    "leading NUL": "\0https://example.com/",
    "trailing NUL": "https://example.com/\0",
    "escape": "https://example.com/\x1b[0m",
    "no slashes": "https:example.com",
    "one slash": "https:/example.com",
    "three slashes": "https:///example.com",
    "escaped letter": "https://ex%61mple.com/",
    "escaped dot": "https://example%2ecom/",
    "full-width dot": "https://example\uff0ecom/",
    "ideographic dot": "https://example\u3002com/",
    "full-width letters": "https://\uff45xample.com/",
    "mathematical letters": "https://\U0001d41example.com/",
    "soft hyphen": "https://exam\u00adple.com/",
    "zero-width space": "https://exam\u200bple.com/",
    "fraction slash": "https://evil.com\u2044.example.com",
    "comma": "https://evil.com,.example.com/",
    "semicolon": "https://evil.com;.example.com/",
    "quote": "https://evil.com'.example.com/",
    "bracket": "https://evil.com).example.com/",
    "star": "https://evil.com*.example.com/",
    "address in the path": "https://example.com/https://evil.com/",
    "address in the query": "https://example.com/?to=HTTPS://evil.com/",
}

AMONG_OTHERS = {
    "in a script": "javascript:location='https://example.com'",
    "ended by a NUL": "https://example.com\0.evil.com",
    "in the path of another": "https://evil.com/https://example.com/",
    "in the query of another": "https://evil.com?u=https://example.com",
    "in a data address": "data:text/html,https://example.com",
    "in a blob address": "blob:https://example.com/1",
    "in a view-source address": "view-source:https://example.com/",
    "with a letter more": "xhttps://example.com/",
    "two addresses": "https://example.com/ https://evil.com/",
    "two addresses, the other first": "https://evil.com/ https://example.com/",
    "two addresses on lines": "https://example.com\nhttps://evil.com",
    "two addresses with a comma": "https://example.com,https://evil.com",
    "text before": "pay here: https://example.com/",
    "text after": "https://example.com/ pay here",
    "no-break space": "https://example.com/\u00a0x",
    "ideographic space": "\u3000https://example.com/",
    "form feed": "https://example.com/\x0cx",
    "label": "URL:https://example.com/",
    "ECI of a reader that shows it": "\\000026https://example.com/",
    "symbology identifier": "]Q1https://example.com/",
    "byte order mark": "\ufeffhttps://example.com/",
    "NUL and another address": "https://example.com/\0https://evil.com/",
    "bytes that are not UTF-8": "https://example.com/\udcff\udcfe https://evil.com",
}

OURS = 'domain: [example.com, "*.example.com", bücher.example]'


@pytest.fixture(scope="module")
def allows(a_policy, a_code):
    policy = a_policy(f"{{when: {{{OURS}}}, action: allow}}")
    return lambda text: policy.decide(a_code(text)).action is Action.ALLOW


@pytest.fixture(scope="module")
def hides(a_policy, a_code):
    policy = a_policy(f"{{when: {{{OURS}}}, action: fill}}", default="{action: allow}")
    return lambda text: policy.decide(a_code(text)).action is Action.FILL


@pytest.mark.parametrize("text", ON_THE_DOMAIN)
def test_an_address_on_the_domain_matches_however_it_is_written(allows, hides, text):
    assert allows(text)
    assert hides(text)


@pytest.mark.parametrize("text", ELSEWHERE.values(), ids=ELSEWHERE)
def test_an_address_elsewhere_does_not_match(allows, hides, text):
    assert not allows(text)
    assert not hides(text)


@pytest.mark.parametrize("text", DISGUISED.values(), ids=DISGUISED)
def test_a_disguised_address_is_never_allowed_by_its_domain(allows, text):
    assert not allows(text)


@pytest.mark.parametrize(
    "text",
    [text for name, text in DISGUISED.items() if name not in ("tab before a subdomain",)],
)
def test_a_rule_that_hides_looks_through_the_disguise(hides, text):
    assert hides(text)


@pytest.mark.parametrize("text", AMONG_OTHERS.values(), ids=AMONG_OTHERS)
def test_an_address_among_other_text_is_hidden_but_never_allowed(allows, hides, text):
    assert not allows(text)
    assert hides(text)


ENCODINGS = {
    "UTF-16 read as bytes": "h\0t\0t\0p\0s\0:\0/\0/\0e\0x\0a\0m\0p\0l\0e\0.\0c\0o\0m\0",
    "EBCDIC read as Latin-1": "https://example.com/".encode("cp037").decode("latin-1"),
    "Shift JIS with a full-width host": "https://\uff45xample\uff0ecom/",
    "UTF-8 read as Latin-1": "https://bücher.example/".encode().decode("latin-1"),
    "GBK read as Latin-1": "https://例.com/".encode("gbk").decode("latin-1"),
    "lone surrogates in the host": "https://exa\ud800mple.com/",
    "bytes that are not UTF-8": b"https://exa\xff\xfemple.com/".decode("utf-8", "surrogateescape"),
}


@pytest.mark.parametrize("text", ENCODINGS.values(), ids=ENCODINGS)
def test_a_content_in_another_charset_is_never_allowed_by_its_domain(allows, text):
    assert not allows(text)


def test_the_tables_of_hostile_addresses_are_long():
    assert len(ELSEWHERE) + len(DISGUISED) + len(AMONG_OTHERS) + len(ENCODINGS) >= 100


@pytest.mark.parametrize(
    ("pattern", "host", "is_in"),
    [
        ("example.com", "example.com", True),
        ("example.com", "shop.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.example.com", "shop.example.com", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "notexample.com", False),
        ("Example.COM.", "example.com", True),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("[::1]", "[::1]", True),
    ],
)
def test_domains_are_compared_by_label(pattern, host, is_in):
    assert (host in Domains([canonical(pattern)])) is is_in


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "*",
            "*.",
            "a.*.com",
            "*.*.com",
            "*a.com",
            "*.127.0.0.1",
            ".example.com",
            "a..b",
            "a b.c",
        ),
        *("https://example.com", "example.com/", "user@example.com", "example.com:80", "a.com?"),
    ],
)
def test_what_is_no_domain_is_refused(pattern):
    with pytest.raises(BadDomain):
        canonical(pattern)


LABELS = st.text(st.sampled_from("abcxyz019-"), min_size=1, max_size=8)
REST = st.text(st.sampled_from(list("aZ09/._~=+-?&#%:@ ")), max_size=15)


@given(st.sampled_from(["http", "https", "HTTP"]), st.lists(LABELS, min_size=1, max_size=4), REST)
@example("https", ["xn--a", "com"], "/")
@example("https", ["a", "0x7f"], "/")
@example("https", ["1", "2"], "/a/../b")
@example("https", ["a", "com"], "/a/./b//c")
def test_a_simple_address_is_read_as_the_standard_says(scheme, labels, rest):
    text = f"{scheme}://{'.'.join(labels)}{rest}"

    link = read_link(text)

    # What the standard's own parser says of the same address.
    try:
        url = URL(text)
    except ValueError:
        url = None
    if link is not None:
        assert url is not None
        assert (link.host, link.path) == (url.hostname.removesuffix("."), url.pathname)


@pytest.mark.parametrize(
    ("host", "site"),
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("shop.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("me.github.io", "me.github.io"),
        ("www.me.github.io", "me.github.io"),
        ("xn--fiq228c.xn--55qx5d.cn", "xn--fiq228c.xn--55qx5d.cn"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("localhost", "localhost"),
    ],
)
def test_the_registrable_domain_goes_by_the_public_suffix_list(host, site):
    assert site_of(host) == site


@pytest.mark.parametrize(
    ("host", "mixes"),
    [
        ("example.com", False),
        ("bücher.example", False),
        ("例え.jp", False),
        ("日本ひらがなカタカナ.jp", False),
        ("한국漢字.kr", False),
        ("москва.example", False),
        ("\u0435xample.com", True),  # a Cyrillic e among Latin letters
        ("p\u0430ypal.com", True),
        ("\u03b1bc.com", True),
    ],
)
def test_scripts_that_nobody_mixes_are_told(host, mixes):
    assert mixes_scripts(canonical(host)) is mixes


HOSTILE = st.text(
    st.sampled_from(list("@\\/:#?%.\t\n\0 ")) | st.sampled_from("evil"), min_size=1, max_size=12
)


@given(HOSTILE)
def test_what_stands_before_the_domain_never_makes_it_ours_by_another_readers_eyes(text):
    link = read_link(f"https://{text}example.com/")

    if link and link.is_plain and link.host.endswith("example.com"):
        assert set(text) <= set("evil.")


@given(st.text())
def test_reading_an_address_never_fails(text):
    read_link(text)
    read_link(f"https://{text}")


@pytest.mark.parametrize(
    "text",
    [
        "https:/example.com/a b",
        "https:\\\\example.com/a b",
        "https:example.com\x1f",
        "h\tttps://example.com\x0b",
        "see https:/example.com for more",
        "https://" + "a" * 600 + "@example.com/ x",
    ],
    ids=lambda text: repr(text[:30]),
)
def test_a_space_does_not_hide_an_address(allows, hides, text):
    """A browser follows it all the same; so a rule that hides sees it, and none allows it."""
    assert hides(text)
    assert not allows(text)


@pytest.mark.parametrize(
    "content", ["java\nscript:alert(1)", "\x00javascript:x", " java\tscript:x"]
)
def test_a_scheme_broken_up_is_the_scheme(content, a_policy):
    from redactor.geometry import Quad
    from redactor.model import Action, Detection, Symbology

    policy = a_policy("{id: script, when: {url: {scheme: javascript}}, action: pixelate}")
    code = Detection(Quad.from_box(0, 0, 9, 9), Symbology.QRCODE, content, 1.0, ("zxing",))

    assert policy.decide(code).action is Action.PIXELATE
