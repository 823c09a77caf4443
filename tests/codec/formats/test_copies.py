"""Other pictures in the files of each format: looked at, and gone with what is hidden."""

import base64
import io
import struct
import zlib

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from redactor import codec
from redactor.codec import tiff_directory
from redactor.errors import PictureError, UnsupportedPicture
from redactor.model import Metadata

SIZE = (64, 48)


@pytest.fixture(scope="module")
def main(a_scene):
    return Image.fromarray(a_scene(*SIZE))


@pytest.fixture(scope="module")
def small(a_scene, a_file):
    return a_file(Image.fromarray(a_scene(40, 30, seed=3)), "JPEG")


def with_xmp(small):
    return b"<xmp:image>" + base64.b64encode(small) + b"</xmp:image>"


def raw_profile(data):
    """Give EXIF as ImageMagick puts it into text."""
    return f"\nexif\n{len(data):8d}\n{data.hex()}\n"


def places(main, small, a_file):
    text = PngInfo()
    text.add_text("Thumb", "x" * 9 + base64.b64encode(small).decode(), zip=True)
    international = PngInfo()
    international.add_itxt("XML:com.adobe.xmp", with_xmp(small).decode(), zip=True)
    profile = PngInfo()
    profile.add_text("Raw profile type exif", raw_profile(small), zip=True)
    plain = a_file(main, "TIFF")
    return {
        "PNG, zTXt": a_file(main, "PNG", pnginfo=text),
        "PNG, iTXt": a_file(main, "PNG", pnginfo=international),
        "PNG, raw profile": a_file(main, "PNG", pnginfo=profile),
        "WEBP, XMP": a_file(main, "WEBP", lossless=True, xmp=with_xmp(small)),
        "AVIF, XMP": a_file(main, "AVIF", xmp=with_xmp(small)),
        "GIF, comment": a_file(main.convert("P"), "GIF", comment=small[:250 * 4]),
        "GIF, trailer": a_file(main.convert("P"), "GIF") + small,
        "BMP, trailer": a_file(main, "BMP") + small,
        "TIFF, trailer": plain + small,
        "TIFF, tag": a_file(main, "TIFF", tiffinfo={700: with_xmp(small)}),
        "TIFF, gap": _with_gap(plain, small),
    }  # fmt: skip


def _with_gap(tiff, between):
    """Put bytes between the header and what follows it."""
    contents = tiff_directory.read(tiff, most=9)
    written = bytearray(tiff_directory.write(contents.directories))
    (place,) = struct.unpack_from("<I", written, 4)
    end = len(written)
    # The directory once more at the end, so that the first one and what is here lie in a gap.
    copy = written[place:]
    return bytes(written[:4] + struct.pack("<I", end + len(between)) + written[8:] + between + copy)


PLACES = ["PNG, zTXt", "PNG, iTXt", "PNG, raw profile", "WEBP, XMP", "AVIF, XMP", "GIF, comment",
          "GIF, trailer", "BMP, trailer", "TIFF, trailer", "TIFF, tag", "TIFF, gap"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("metadata", [Metadata.KEEP_SAFE, Metadata.KEEP, Metadata.STRIP])
def test_pictures_anywhere_are_frames_and_never_stay(place, metadata, main, small, a_file):
    data = places(main, small, a_file)[place]
    picture = codec.open_picture(data)

    assert (40, 30) in [frame.size for frame in picture.frames[1:]]
    assert len(picture.pages) == 1
    image, _ = picture.encode((), metadata)
    assert len(codec.open_picture(image).frames) == 1
    assert small not in image
    assert small[:60] not in image


def test_the_thumbnail_of_a_heif_is_looked_at_as_it_is(a_scene):
    file = io.BytesIO()
    heif = pillow_heif.from_pillow(Image.fromarray(a_scene(400, 300)))
    heif.info["thumbnails"] = [128]
    heif.save(file, quality=80)
    picture = codec.open_picture(file.getvalue())

    assert [(frame.name, frame.size) for frame in picture.frames] == [
        ("picture", (400, 300)), ("thumbnail", (128, 96)),
    ]  # fmt: skip
    shrunk = np.array(Image.fromarray(picture.frames[0].views[0]).resize((128, 96)))
    assert np.abs(shrunk.astype(int) - picture.frames[1].views[0]).mean() < 16
    assert len(codec.open_picture(picture.encode(())[0]).frames) == 1


def test_the_second_picture_of_a_heif_is_looked_at(a_scene):
    file = io.BytesIO()
    heif = pillow_heif.from_pillow(Image.fromarray(a_scene(64, 48)))
    heif.add_from_pillow(Image.fromarray(a_scene(80, 60, seed=1)))
    heif.save(file, quality=80)
    picture = codec.open_picture(file.getvalue())

    assert [frame.size for frame in picture.frames] == [(64, 48), (80, 60)]


def test_depth_and_gain_maps_are_looked_at_and_opacity_is_part_of_the_picture(a_scene):
    file = io.BytesIO()
    pixels = a_scene(64, 48, channels=4)
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(file, quality=80)
    data = file.getvalue()
    depth = data.replace(b"auxid:1", b"auxid:2")
    assert depth != data

    picture = codec.open_picture(data)
    assert [frame.name for frame in picture.frames] == ["picture"]
    assert picture.pages[0].has_alpha
    picture = codec.open_picture(depth)
    assert [frame.name for frame in picture.frames] == ["picture", "other picture"]
    seen = picture.frames[1].views[0]
    gray = seen if seen.ndim == 2 else seen[..., 0]
    assert np.abs(gray.astype(int) - pixels[..., 3]).mean() < 12
    assert len(codec.open_picture(picture.encode(())[0]).frames) == 1


def test_previews_below_a_page_are_looked_at(main, a_scene):
    file = io.BytesIO()
    main.save(file, "TIFF")
    page = tiff_directory.read(file.getvalue(), most=9).directories[0]
    preview_file = io.BytesIO()
    Image.fromarray(a_scene(40, 30)).save(preview_file, "TIFF", compression="tiff_lzw")
    preview = tiff_directory.read(preview_file.getvalue(), most=9).directories[0]
    data = tiff_directory.write([tiff_directory.replace(page, children={330: [preview]})])
    picture = codec.open_picture(data)

    assert [(frame.name, frame.size) for frame in picture.frames] == [
        ("picture", SIZE), ("preview", (40, 30)),
    ]  # fmt: skip
    assert len(codec.open_picture(picture.encode(())[0]).frames) == 1


def test_text_that_inflates_without_end_is_refused(main, a_file, add_chunk):
    bomb = b"k\0\0" + zlib.compress(bytes(300_000_000), 1)

    with pytest.raises(PictureError):
        codec.open_picture(add_chunk(a_file(main, "PNG"), b"zTXt", bomb))


def test_a_foreign_picture_in_a_comment_is_refused(main, a_file):
    with pytest.raises(UnsupportedPicture, match="cannot be looked at"):
        codec.open_picture(a_file(main, "PNG") + a_file(main.convert("P"), "GIF"))


def test_a_page_that_cannot_be_changed_does_not_stop_another(main, redact, a_region):
    deep = io.BytesIO()
    Image.new("F", (30, 20), 0.5).save(deep, "TIFF")
    plain = io.BytesIO()
    main.save(plain, "TIFF")
    pages = [tiff_directory.read(file.getvalue(), most=9).directories[0] for file in (plain, deep)]
    data = tiff_directory.write(pages)

    image, _ = redact(data, a_region())

    after = tiff_directory.read(image, most=9).directories
    assert after[1].blocks == pages[1].blocks
    reversed_ = tiff_directory.write(pages[::-1])
    with pytest.raises(UnsupportedPicture, match="floating-point"):
        redact(reversed_, a_region(left=2, top=2, width=9, height=9))
