"""`image/codes` answers in the documented shape, with the documented limits."""

import io
import json

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from redactor.testing import OssServer
from redactor.testing.errors import OssFailure
from redactor.testing.image_codes import image_codes

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def a_code(content="hello", symbology=zxingcpp.BarcodeFormat.QRCode):
    barcode = zxingcpp.create_barcode(content, symbology)
    return Image.fromarray(np.array(zxingcpp.write_barcode_to_image(barcode, scale=4)))


def a_picture(*, codes=1, form="PNG", exif=None):
    """Draw codes in a row, 120 pixels apart."""
    picture = Image.new("RGB", (max(codes, 1) * 120, 200), "white")
    for number in range(codes):
        picture.paste(a_code(f"code {number}"), (number * 120, 40))
    return saved(picture, form, exif)


def saved(picture, form="PNG", exif=None):
    file = io.BytesIO()
    picture.save(file, form, **({"exif": exif} if exif else {}))
    return file.getvalue()


def test_codes_come_with_their_boxes():
    answer = json.loads(image_codes(a_picture()))

    (code,) = answer["Codes"]
    assert code["Content"] == "code 0"
    assert code["Boundary"] == pytest.approx(
        {"Left": 16, "Top": 56, "Width": 84, "Height": 84}, abs=2
    )
    assert answer["RequestId"]
    assert set(code) == {"Content", "Boundary"}


def test_details_are_sent_where_they_are_wanted():
    (code,) = json.loads(image_codes(a_picture(), details=True))["Codes"]

    assert (code["Type"], code["Confidence"]) == ("qrcode", 0.99)


def test_barcodes_are_codes_too():
    data = saved(a_code("4006381333931", zxingcpp.BarcodeFormat.EAN13))

    (code,) = json.loads(image_codes(data, details=True))["Codes"]

    assert (code["Content"], code["Type"]) == ("4006381333931", "barcode")


@pytest.mark.parametrize(("drawn", "listed"), [(0, 0), (1, 1), (5, 5), (7, 5)])
def test_five_codes_are_listed_at_most(drawn, listed):
    assert len(json.loads(image_codes(a_picture(codes=drawn)))["Codes"]) == listed


@pytest.mark.parametrize("form", ["JPEG", "BMP", "WEBP", "TIFF"])
def test_formats_that_are_taken(form):
    assert len(json.loads(image_codes(a_picture(form=form)))["Codes"]) == 1


def test_positions_are_those_of_the_stored_raster():
    exif = Image.Exif()
    exif[0x0112] = 6

    turned = json.loads(image_codes(a_picture(codes=2, form="JPEG", exif=exif)))

    upright = json.loads(image_codes(a_picture(codes=2, form="JPEG")))
    assert turned["Codes"] == upright["Codes"]


@pytest.mark.parametrize(
    "data",
    [
        a_picture(form="GIF"),
        saved(Image.new("L", (39, 400))),
        a_picture()[:100],
        b"not a picture",
        b"",
    ],
    ids=["gif", "small", "truncated", "text", "empty"],
)
def test_what_is_not_taken_is_an_error_of_imm(data):
    with pytest.raises(OssFailure) as caught:
        image_codes(data)

    assert (caught.value.status, caught.value.code) == (400, "Imm Client")
    assert caught.value.message.startswith("InvalidArgument, ")


def test_large_files_are_refused():
    with pytest.raises(OssFailure, match="ImageTooLarge"):
        image_codes(bytes(20 * 1024 * 1024 + 1))


def test_oss2_asks_with_a_process(client, server):
    server.put("uploads", "图 1.png", a_picture())

    result = client.get_object("图 1.png", process="image/codes")

    assert result.content_type == "application/json;charset=utf-8"
    assert result.etag == server.stored("uploads", "图 1.png").etag
    assert json.loads(result.read())["Codes"][0]["Content"] == "code 0"


def test_oss2_gets_the_errors(client, server, refusal):
    server.put("uploads", "a.gif", a_picture(form="GIF"))

    assert refusal(client.get_object, "a.gif", process="image/codes") == (400, "Imm Client")
    assert refusal(client.get_object, "none", process="image/codes") == (404, "NoSuchKey")
    assert refusal(client.get_object, "a.gif", process="image/flip")[1] == "InvalidArgument"


def test_a_server_can_send_details(a_client_of):
    with OssServer(buckets=["uploads"], image_codes_details=True) as server:
        server.put("uploads", "a.png", a_picture())

        answer = a_client_of(server).get_object("a.png", process="image/codes")

        assert json.loads(answer.read())["Codes"][0]["Type"] == "qrcode"
