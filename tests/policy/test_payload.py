"""What a content is for, from the formats as they are published."""

import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redactor.policy import Payload, payloads


def an_object(tag, value):
    return f"{tag:02}{len(value):02}{value}"


def an_emv_code(*objects, crc=None, first="000201"):
    text = first + "".join(an_object(tag, value) for tag, value in objects) + "6304"
    return text + (crc or f"{binascii.crc_hqx(text.encode(), 0xFFFF):04X}")


MERCHANT = (
    (29, "0012D156000000000510A93FO3230Q"),
    (52, "4111"),
    (58, "CN"),
    (59, "BEST TRANSPORT"),
)
# The example of the EMVCo specification for merchant-presented codes.
EMVCO_EXAMPLE = (
    "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN"
    "5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.725303156550201"
    "6233030412340603***0708A60086670902ME91320016A0112233449988770708123456786304A13A"
)
PIX = (
    "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000"
    "5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D"
)

BHARAT_QR = an_emv_code(
    (26, "0010A0000005240114shop@examplebk"), (52, "5411"), (53, "356"), (58, "IN"), (59, "SHOP")
)
UNIONPAY_QR = an_emv_code((15, "3101520031005200"), (52, "4111"), (58, "CN"), (59, "SHOP"))
PAYNOW = an_emv_code((26, "0009SG.PAYNOW010120213201403121WXYZ"), (53, "702"), (58, "SG"))
# The example of IATA's resolution 792, and the sample of this project.
BOARDING_PASS = "M1DESMARAIS/LUC       EABC123 YULFRAAC 0834 226F001A0025 100"
BOARDING_PASS_LONG = (
    "M1SAMPLE/ROBIN MR     EEX4MPL XAAXBBEX 0417 137Y014C0062 147>1180  5137BEX 0000000000000"
)

FIRST_KIND = [
    ("https://example.com/", "url"),
    ("HTTP://EXAMPLE.COM", "url"),
    ("see https://example.com/ for more", "url"),
    ("https://evil.com\\@example.com", "url"),
    ("https://qr.alipay.com/fkx00000abcdefghij", "alipay"),
    ("HTTPS://QR.ALIPAY.COM/FKX00000ABCDEFGHIJ", "alipay"),
    ("https://render.alipay.com/p/s/i?scheme=x", "alipay"),
    ("alipays://platformapi/startapp?appId=20000123", "alipay"),
    ("alipayqr://platformapi/startapp?saId=10000007", "alipay"),
    ("pay: https://qr.alipay.com/fkx00000abcdefghij thanks", "alipay"),
    ("https://example.com/?to=https://qr.alipay.com/fkx0", "alipay"),
    ("280123456789012345", "alipay"),
    ("300123456789012345678901", "alipay"),
    ("wxp://f2f0AbCdEfGhIjKlMnOpQrStUvWxYz", "wechat-pay"),
    ("WXP://F2F0ABC", "wechat-pay"),
    ("weixin://wxpay/bizpayurl?pr=AbCdEfG", "wechat-pay"),
    ("https://payapp.weixin.qq.com/qr/AbCd", "wechat-pay"),
    ("https://wx.tenpay.com/f2f?t=1", "wechat-pay"),
    ("134567890123456789", "wechat-pay"),
    ("https://u.wechat.com/AbCdEfGhIjK", "wechat-contact"),
    ("https://weixin.qq.com/g/AbCdEfGhIjK", "wechat-contact"),
    ("http://weixin.qq.com/r/AbCdEfGhIjK", "wechat-contact"),
    ("https://work.weixin.qq.com/ca/cawcde123", "wechat-contact"),
    ("weixin://contacts/profile/someone", "wechat-contact"),
    (EMVCO_EXAMPLE, "emv"),
    (PIX, "pix"),
    (an_emv_code(*MERCHANT), "emv"),
    (an_emv_code(*MERCHANT, crc=an_emv_code(*MERCHANT)[-4:].lower()), "emv"),
    ("upi://pay?pa=shop@bank&pn=Shop&am=10", "upi"),
    ("UPI://PAY?PA=shop@bank", "upi"),
    ("bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W?amount=0.1", "bitcoin"),
    ("BITCOIN:BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bitcoin"),
    ("ethereum:0xfb6916095ca1df60bb79Ce92ce3ea74c37c5d359?value=1", "ethereum"),
    ("lightning:LNBC20M1PVJLUEZ", "bitcoin"),
    ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bitcoin"),
    ("3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "bitcoin"),
    ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bitcoin"),
    ("0xfb6916095ca1df60bb79Ce92ce3ea74c37c5d359", "ethereum"),
    ("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "crypto"),
    ("otpauth://totp/Shop:alice?secret=JBSWY3DPEHPK3PXP&issuer=Shop", "otpauth"),
    ("otpauth-migration://offline?data=CjEK", "otpauth"),
    ("WIFI:T:WPA;S:home;P:secret;;", "wifi"),
    ("WIFI:S:home;;", "wifi"),
    ("wifi:T:nopass;S:guests;H:true;;", "wifi"),
    ("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Alice\r\nEND:VCARD", "vcard"),
    ("MECARD:N:Doe,John;TEL:13035551212;;", "vcard"),
    ("BIZCARD:N:Sean;X:Owen;;", "vcard"),
    ("tel:+8613800000000", "tel"),
    ("TEL:110", "tel"),
    ("sms:+18005551212:hello", "sms"),
    ("SMSTO:+18005551212:hello", "sms"),
    ("mmsto:+18005551212", "sms"),
    ("mailto:alice@example.com?subject=hi", "mailto"),
    ("MATMSG:TO:alice@example.com;SUB:hi;BODY:x;;", "mailto"),
    ("SMTP:alice@example.com:hi:x", "mailto"),
    ("geo:31.2,121.5?q=Shanghai", "geo"),
    (BHARAT_QR, "upi"),
    (UNIONPAY_QR, "unionpay"),
    (PAYNOW, "emv"),
    ("https://qr.95516.com/00010000/62332134567890123456789012345678", "unionpay"),
    ("https://qr.unionpay.com/pay?x=1", "unionpay"),
    ("upwallet://html/example", "unionpay"),
    ("6212345678901234567", "unionpay"),
    ("62123456789012345678", "unionpay"),
    ("12c6DSiU4Rq3P4ZxziKxzrL5LmMBrzjrJX", "bitcoin"),
    ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "bitcoin"),
    ("bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr", "bitcoin"),
    ("lnbc20m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypq", "bitcoin"),
    ("0xFB6916095CA1DF60BB79CE92CE3EA74C37C5D359", "ethereum"),
    ("ethereum:pay-0xdAC17F958D2ee523a2206206994597C13D831ec7/transfer", "ethereum"),
    ("litecoin:LM2WMpR1Rp6j3Sa59cMXMs1SPzj9eXpGc1", "crypto"),
    ("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "crypto"),
    ("solana:mvines9iiHiQTysrwkJjGf2gb9Ex9jXJX8ns3qwf2kN?amount=0.01", "crypto"),
    ("WIFI:S:a\\;b;T:WPA;P:x;;", "wifi"),
    ("BEGIN:VCARD\nVERSION:4.0\nFN:李雷\nEND:VCARD", "vcard"),
    ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR", "calendar"),
    ("BEGIN:VEVENT\nSUMMARY:Party\nDTSTART:20270101T180000Z\nEND:VEVENT", "calendar"),
    ("sms:110", "sms"),
    ("geo:48.2010,16.3695,183", "geo"),
    ("weixin://dl/business/?t=abc", "wechat-contact"),
    ("market://details?id=com.example", "app-link"),
    ("intent://scan/#Intent;scheme=zxing;package=com.example;end", "app-link"),
    ("itms-apps://apps.apple.com/app/id310633997", "app-link"),
    ("exampleapp://open?page=1", "app-link"),
    ("https://apps.apple.com/cn/app/example/id414478124", "app-link"),
    ("https://play.google.com/store/apps/details?id=com.example", "app-link"),
    ("https://example.app.link/abc", "app-link"),
    ("https://play.google.com/books", "url"),
    ("(01)04006381333931(10)ABC(17)250101", "gs1"),
    ("]C1010400638133393110ABC", "gs1"),
    ("]d2010400638133393110ABC\x1d17250101", "gs1"),
    ("\x1d010400638133393110ABC", "gs1"),
    ("0104006381333931", "gs1"),
    ("00340123450000000000", "gs1"),
    ("(00)340123450000000000", "gs1"),
    ("https://id.gs1.org/01/09506000134352/10/ABC", "gs1"),
    ("https://shop.example/01/09506000134352?17=271231", "gs1"),
    ("https://shop.example/01/09506000134353", "url"),
    ("0104006381333932", "text"),
    ("(99999)x", "text"),
    ("(1) first, (2) second", "text"),
    ("9780306406157", "isbn"),
    ("978-0-306-40615-7", "isbn"),
    ("ISBN 0-306-40615-2", "isbn"),
    ("ISBN 0-8044-2957-X", "isbn"),
    ("9791034304158", "isbn"),
    ("9790260000438", "text"),
    ("9780306406158", "text"),
    ("ISBN 0-306-40615-3", "text"),
    (BOARDING_PASS, "boarding-pass"),
    (BOARDING_PASS_LONG, "boarding-pass"),
    ("M1 is a motorway in England, and not a boarding pass; it is a road for cars", "text"),
    ("hello", "text"),
    ("", "text"),
    ("你好", "text"),
    ("4006381333931", "text"),
    ("example.com", "text"),
    ("ftp://example.com/", "text"),
    ("telephone: 110", "text"),
    ("wifi:home", "text"),
    ("lines\r\nand\ttabs", "text"),
    ("010400638133393110ABC\x1d17250101", "gs1"),
    ("12345678901234567", "text"),
    ("160000000000000000", "text"),
    ("a 134567890123456789", "text"),
    (an_emv_code(*MERCHANT, crc="0000"), "text"),
    (an_emv_code(*MERCHANT, first="000202"), "text"),
    (an_emv_code(*MERCHANT) + "x", "text"),
    (EMVCO_EXAMPLE.replace("BEIJING", "BEIJINH"), "text"),
    ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "text"),
    ("1234567891234567891234567891234", "text"),
    ("0xfb6916095ca1df60bb79Ce92ce3ea74c37c5d35", "text"),
    ("bytes\x00\x01", "binary"),
    ("not utf-8 \ufffd", "binary"),
    ("not utf-8 \udcff", "binary"),
]


@pytest.mark.parametrize(("content", "kind"), FIRST_KIND)
def test_the_kind_that_says_most_comes_first(content, kind):
    assert payloads(content)[0] == kind


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (PIX, ["pix", "emv"]),
        (BHARAT_QR, ["upi", "emv"]),
        (UNIONPAY_QR, ["unionpay", "emv"]),
        ("bitcoin:175tWpb8K1S7NmH4Zx6rewF9WQrcZv245W", ["bitcoin", "crypto"]),
        ("wxp://f2f0", ["wechat-pay", "app-link"]),
        ("https://id.gs1.org/01/09506000134352", ["gs1", "url"]),
        ("https://a.example/ https://qr.alipay.com/fkx0", ["alipay", "url"]),
    ],
)
def test_a_content_can_be_for_several_things(content, kinds):
    assert list(payloads(content)) == kinds


def test_a_payment_link_is_a_link_too():
    assert payloads("https://qr.alipay.com/fkx0") == (Payload.ALIPAY, Payload.URL)


def test_a_code_of_objects_whose_lengths_do_not_add_up_is_no_emv():
    text = "0002015204411"
    broken = f"{text}6304{binascii.crc_hqx(f'{text}6304'.encode(), 0xFFFF):04X}"

    assert payloads(broken) == (Payload.TEXT,)


@pytest.mark.parametrize(
    "host", ["qr.alipay.com.evil.com", "qr-alipay.com", "evil.com/qr.alipay.com", "alipay.evil.com"]
)
def test_what_only_looks_like_a_payment_host_is_a_link(host):
    assert payloads(f"https://{host}/") == (Payload.URL,)


@given(st.text())
def test_every_content_is_for_something(content):
    assert payloads(content)


@given(st.lists(st.tuples(st.integers(1, 62), st.text(min_size=1, max_size=20)), max_size=5))
def test_every_whole_merchant_code_is_recognised(objects):
    assert Payload.EMV in payloads(an_emv_code((52, "4111"), *objects))


@pytest.mark.parametrize(
    "content",
    [
        "\x01alipays://platformapi/startapp",
        "ali\npays://platformapi/startapp",
        "\x1f ali\tpays\r://x",
        "intent://platformapi/startapp#Intent;scheme=alipays;package=com.eg.android;end",
        "INTENT://x#Intent;package=a;scheme=AlipayS;end",
    ],
)
def test_a_scheme_is_read_as_phones_read_it(content):
    assert "alipay" in [kind.value for kind in payloads(content)]
