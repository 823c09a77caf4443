"""Pictures of several frames or pages, from bytes to bytes."""

import io

import numpy as np
import pytest
import zxingcpp
from PIL import Image

from redactor.model import Limits, Verdict

LINK, OURS = "https://example.org/secret?token=4711", "https://example.com/ours"


def saved(frames, format_name, **options):
    file = io.BytesIO()
    frames[0].save(file, format_name, save_all=True, append_images=frames[1:], **options)
    return file.getvalue()


def frames_of(data):
    """Give each frame as Pillow shows it, in RGB over white."""
    with Image.open(io.BytesIO(data)) as image:
        for index in range(image.n_frames):
            image.seek(index)
            shown = Image.new("RGBA", image.size, "white")
            shown.alpha_composite(image.convert("RGBA"))
            yield np.array(shown.convert("RGB"))


def texts_of(data):
    return [[code.text for code in zxingcpp.read_barcodes(frame)] for frame in frames_of(data)]


@pytest.fixture(scope="module")
def a_sheet(a_raster):
    """Give a builder of frames of one size that show a code somewhere, or none."""
    symbol = Image.fromarray(a_raster(LINK, margin=0, noise=0, scale=3))
    ours = Image.fromarray(a_raster(OURS, margin=0, noise=0, scale=3))

    def build(left=None, top=60, *, own=False, shade=230):
        sheet = Image.new("RGB", (420, 240), (shade, shade, 225))
        if left is not None:
            sheet.paste((ours if own else symbol).crop((0, 0, 111, 111)), (left, top))
        return sheet

    return build


FORMS = [("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})]


@pytest.mark.parametrize(("form", "options"), FORMS, ids=[form for form, _ in FORMS])
def test_a_code_on_some_frames_is_hidden_there_alone(form, options, a_sheet, a_redactor):
    frames = [a_sheet(shade=250), a_sheet(40), a_sheet(60), a_sheet(shade=240)]
    data = saved(frames, form, **options)
    assert texts_of(data) == [[], [LINK], [LINK], []]

    result = a_redactor().redact(data)

    assert result.verdict is Verdict.REDACTED, result.reasons
    assert [code.detection.frame for code in result.codes] == [1, 2]
    assert {region.frame for region in result.regions} == {1, 2}
    assert texts_of(result.image) == [[], [], [], []]
    before, after = list(frames_of(data)), list(frames_of(result.image))
    assert np.array_equal(before[0], after[0])
    assert np.array_equal(before[3], after[3])
    assert np.array_equal(before[1][:, 250:], after[1][:, 250:])
    assert result.path == "lossless"
    word = "page" if form == "TIFF" else "frame"
    assert result.frames == tuple(f"{word} {number}" for number in (1, 2, 3, 4))


def test_time_and_rounds_stay(a_sheet, a_redactor):
    times = [200, 1000, 500]
    for form in ("GIF", "PNG", "WEBP"):
        frames = [a_sheet(shade=250), a_sheet(40), a_sheet(60)]
        data = saved(frames, form, duration=times, loop=4)

        with Image.open(io.BytesIO(a_redactor().redact(data).image)) as image:
            found = []
            for index in range(3):
                image.seek(index)
                image.load()
                found.append(image.info["duration"])
            assert found == times
            assert image.info["loop"] == 4


def test_a_code_is_hidden_in_frames_in_which_nobody_finds_it(a_sheet, a_redactor):
    faint = a_sheet(40)
    weak = Image.blend(Image.new("RGB", faint.size, (230, 230, 225)), faint, 0.02)
    frames = [a_sheet(40), weak, a_sheet(44)]
    data = saved(frames, "PNG")

    result = a_redactor().redact(data)

    assert [code.detection.frame for code in result.codes].count(1) >= 1
    assert np.ptp(list(frames_of(result.image))[1][80:150, 60:130]) <= 2
    assert np.ptp(list(frames_of(data))[1][80:150, 60:130]) > 2


def test_a_code_put_together_from_two_frames_is_hidden(a_sheet, a_redactor):
    whole = a_sheet(40)
    half = whole.copy()
    half.paste((230, 230, 225), (90, 0, 420, 240))
    for form in ("GIF", "PNG", "WEBP"):
        options = {"lossless": True} if form == "WEBP" else {}
        data = saved([half, whole, a_sheet(shade=240)], form, **options)
        assert texts_of(data)[1] == [LINK]

        result = a_redactor().redact(data)

        assert result.verdict is Verdict.REDACTED
        assert texts_of(result.image) == [[], [], []]


def test_allowed_codes_stay_in_every_frame_byte_for_byte(a_sheet, a_redactor):
    data = saved([a_sheet(40, own=True), a_sheet(60, own=True), a_sheet()], "GIF")
    ours = "{id: ours, when: {domain: example.com}, action: allow}"

    result = a_redactor(ours).redact(data)

    assert result.verdict is Verdict.ALLOWED
    assert result.image == data


def test_an_allowed_code_beside_hidden_ones_stays_readable(a_sheet, a_redactor):
    frames = []
    for left in (20, 30, 40):
        sheet = a_sheet(left)
        sheet.paste(a_sheet(0, own=True).crop((0, 60, 111, 171)), (280, 60))
        frames.append(sheet)
    ours = "{id: ours, when: {domain: example.com}, action: allow}"

    result = a_redactor(ours).redact(saved(frames, "PNG"))

    assert result.verdict is Verdict.REDACTED, result.reasons
    assert texts_of(result.image) == [[OURS]] * 3


def test_a_small_copy_of_a_page_goes_with_what_is_hidden(a_sheet, a_redactor):
    page, copy = a_sheet(40), a_sheet(40).resize((105, 60))
    file = io.BytesIO()
    copy.encoderinfo = {"tiffinfo": {254: 1}}
    page.save(file, "TIFF", save_all=True, append_images=[copy])
    data = file.getvalue()
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)
        assert image.tag_v2[254] == 1

    result = a_redactor().redact(data)

    assert result.frames == ("picture", "preview")
    assert any("other pictures" in remark for remark in result.remarks)
    with Image.open(io.BytesIO(result.image)) as image:
        assert image.n_frames == 1


def test_frames_beyond_the_limits_are_quarantined(a_sheet, a_redactor):
    data = saved([a_sheet(shade=shade) for shade in range(200, 205)], "GIF")

    few = a_redactor(limits=Limits(max_frames=4)).redact(data)
    small = a_redactor(limits=Limits(max_pixels=420 * 240 * 5 - 1)).redact(data)

    assert "5 frames, over the limit of 4" in few.reasons[0]
    assert "5 frames of 420 x 240 pixels" in small.reasons[0]
    assert not few.is_publishable
    assert a_redactor().redact(data).verdict is Verdict.CLEAN


TRAILER = b"an archive that somebody appended"


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_what_becomes_of_a_trailer(form, a_sheet, a_redactor):
    def redacted(sheet, extra=""):
        file = io.BytesIO()
        sheet.save(file, form)
        data = file.getvalue() + TRAILER
        return data, a_redactor(extra=extra).redact(data)

    data, kept = redacted(a_sheet())
    assert kept.image == data
    data, hidden = redacted(a_sheet(40))
    assert TRAILER not in hidden.image
    data, stripped = redacted(a_sheet(), "trailer: strip")
    assert stripped.image == data.removesuffix(TRAILER)
    assert (stripped.verdict, stripped.path) == (Verdict.CLEAN, "lossless")
    _, held = redacted(a_sheet(), "trailer: quarantine")
    assert held.reasons == (f"{len(TRAILER)} bytes lie behind the picture's end",)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_what_becomes_of_metadata(form, a_sheet, a_redactor):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 1, "Maker of cameras"
    note = b"made by somebody " * 40

    def redacted(sheet, extra):
        file = io.BytesIO()
        options = {"exif": exif} if form != "TIFF" else {"tiffinfo": {271: "Maker of cameras"}}
        if form in ("WEBP", "AVIF"):
            options["xmp"] = note
        sheet.save(file, form, **options)
        return file.getvalue(), a_redactor(extra=extra).redact(file.getvalue())

    _, safe = redacted(a_sheet(40), "")
    assert b"Maker of cameras" in safe.image
    assert note not in safe.image
    _, kept = redacted(a_sheet(40), "metadata: keep")
    assert b"Maker of cameras" in kept.image
    assert (note in kept.image) == (form in ("WEBP", "AVIF"))
    data, bare = redacted(a_sheet(), "metadata: strip")
    assert b"Maker of cameras" in data
    assert b"Maker of cameras" not in bare.image
    assert (bare.verdict, bare.changed) == (Verdict.CLEAN, True)
    assert b"Maker of cameras" not in redacted(a_sheet(40), "metadata: strip")[1].image


def test_keep_never_keeps_other_pictures(a_sheet, a_redactor):
    small = io.BytesIO()
    a_sheet(40).resize((210, 120)).save(small, "JPEG")
    file = io.BytesIO()
    a_sheet(40).save(file, "JPEG", comment=b"look: " + small.getvalue())

    result = a_redactor(extra="metadata: keep").redact(file.getvalue())

    assert result.verdict is Verdict.REDACTED, result.reasons
    assert b"\xff\xd8" not in result.image[2:]
