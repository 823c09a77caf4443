"""Every kind of JPEG, turned in every way, with a code hidden or with none: what others read of it.

djpeg and jpegtran are the system's libjpeg-turbo, not the one that Pillow brings; exiftool has a
reader of its own. `make setup` installs them where that can be.
"""

import io
import os
import shutil
import subprocess

import numpy as np
import pytest
import zxingcpp
from PIL import Image

KINDS = [
    "4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1", "odd", "progressive", "optimised",
    "restart markers", "EXIF", "RGB", "coarse", "finest", "gray", "CMYK",
    "progressive CMYK", "YCCK",
]  # fmt: skip
SIZE = 203, 149  # no multiple of any unit
PACKAGES = {
    "djpeg": "libjpeg-turbo-progs",
    "jpegtran": "libjpeg-turbo-progs",
    "exiftool": "libimage-exiftool-perl",
}


@pytest.fixture(scope="module")
def reader():
    """Give a function that runs a program of others on a file; it has to have nothing to say."""

    def run(name, *arguments, data):
        if shutil.which(name) is None:
            missing = f"{name} is missing: install {PACKAGES[name]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
        done = subprocess.run([name, *arguments], input=data, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b""), f"{name}: {done.stderr}"
        return done.stdout

    return run


@pytest.fixture(scope="module")
def redactor(a_redactor):
    return a_redactor(default="blur")


@pytest.fixture(scope="module")
def scene_with_code(a_scene):
    """Give pixels of four channels with a code at the right, in soft surroundings."""
    pixels = a_scene(*SIZE, channels=4) // 4 + 150
    barcode = zxingcpp.create_barcode("https://example.org/4711", zxingcpp.BarcodeFormat.QRCode)
    symbol = np.array(zxingcpp.write_barcode_to_image(barcode, scale=3))
    height, width = symbol.shape
    pixels[30 : 30 + height, 100 : 100 + width] = symbol[..., None]
    return pixels


def size_of(ppm):
    return tuple(int(word) for word in ppm.split(None, 3)[1:3])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("needs_turbo")
def test_with_a_code_hidden(kind, jpegs, scene_with_code, redactor, reader):
    data = jpegs[kind](scene_with_code)

    result = redactor.redact(data)

    assert (result.verdict, result.path, result.difference) == ("redacted", "coefficients", 0)
    assert result.codes[0].detection.content == "https://example.org/4711"
    # The same picture, but for the code: every coefficient at the left, whoever cuts it out.
    corner = ("-crop", "64x128+0+0", "-optimize", "-copy", "none")
    assert reader("jpegtran", *corner, data=result.image) == reader("jpegtran", *corner, data=data)
    before, after = (reader("djpeg", "-pnm", data=file) for file in (data, result.image))
    assert size_of(before) == size_of(after) == SIZE
    assert before != after
    told = ("-s3", "-EncodingProcess", "-YCbCrSubSampling", "-ColorComponents", "-")
    said = [reader("exiftool", *told, data=file) for file in (data, result.image)]
    assert said[0] == said[1] != b""


@pytest.mark.parametrize("kind", KINDS)
def test_with_nothing_hidden(kind, jpegs, a_scene, redactor):
    data = jpegs[kind](a_scene(*SIZE, channels=4))

    result = redactor.redact(data)

    assert (result.verdict, result.path) == ("clean", "unchanged")
    assert result.image == data


# As a camera stores what viewers turn back.
STORED = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("has_code", [True, False])
def test_turned_and_mirrored(
    orientation, has_code, a_file, an_exif, a_scene, scene_with_code, redactor, reader
):
    pixels = (scene_with_code if has_code else a_scene(*SIZE, channels=4))[..., :3]
    image = Image.fromarray(pixels)
    if orientation in STORED:
        image = image.transpose(Image.Transpose(STORED[orientation]))
    data = a_file(image, "JPEG", quality=90, exif=an_exif(orientation))

    result = redactor.redact(data)

    assert result.verdict == ("redacted" if has_code else "clean")
    if not has_code:
        assert result.image == data
        return
    wanted = ("-validate", "-Orientation", "-Make", "-ImageSize")
    said = reader("exiftool", "-s3", "-n", *wanted, "-", data=result.image).decode().split("\n")
    assert said[0].startswith("0 "), said  # no errors; it misses tags that the camera left out
    assert said[1:4] == [str(orientation), "Maker of cameras", " ".join(map(str, image.size))]
    shown = np.array(Image.open(io.BytesIO(reader("djpeg", "-pnm", data=result.image))))
    assert shown.shape[:2] == image.size[::-1]
    assert not zxingcpp.read_barcodes(shown)
    assert not zxingcpp.read_barcodes(np.ascontiguousarray(shown[:, ::-1]))
