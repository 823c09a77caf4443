"""One picture from bytes to bytes."""

import dataclasses
import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from redactor import Action, Flag, Limits, Redactor, Verdict
from redactor.detect import LocalDetector
from redactor.errors import BackendMissing, DetectorError, NotPublishable, PolicyError, Unavailable
from redactor.geometry import Quad
from redactor.model import Detection, ImageCodes, Symbology

LINK = "https://example.org/secret?token=4711"
OURS = "https://example.com/menu"


def as_bytes(image, kind="PNG", **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data))


def contents(result):
    return [decision.detection.content for decision in result.codes]


# What goes in and comes out.


@pytest.mark.parametrize("form", ["bytes", "bytearray", "memoryview", "path", "str", "file", "raw"])
def test_bytes_paths_and_open_files_are_taken_alike(form, a_picture, a_redactor, tmp_path):
    data = a_picture(LINK)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    given = {
        "bytes": data,
        "bytearray": bytearray(data),
        "memoryview": memoryview(data),
        "path": path,
        "str": str(path),
        "file": io.BytesIO(data),
        "raw": Trickle(data),
    }[form]

    result = a_redactor().redact(given)

    assert result.verdict is Verdict.REDACTED
    assert result.name == (str(path) if form in ("path", "str") else "-")


class Trickle(io.RawIOBase):
    """A stream that gives little at a time, as pipes and sockets do."""

    def __init__(self, data):
        self._rest = io.BytesIO(data)

    def readable(self):
        """Say yes."""
        return True

    def readinto(self, buffer):
        """Give at most a thousand bytes."""
        part = self._rest.read(min(len(buffer), 1000))
        buffer[: len(part)] = part
        return len(part)


def test_a_path_that_cannot_be_read_is_the_callers_mistake(a_redactor, tmp_path):
    with pytest.raises(FileNotFoundError):
        a_redactor().redact(tmp_path / "absent.png")


def test_a_file_opened_as_text_is_the_callers_mistake(a_redactor):
    with pytest.raises(TypeError, match="binary"):
        a_redactor().redact(io.StringIO("no bytes"))


def test_a_policy_file_makes_a_redactor(a_picture, tmp_path):
    policy = tmp_path / "mine.yaml"
    policy.write_text("version: 1\ndefault: {action: fill}\n")

    result = Redactor.from_policy(policy).redact(a_picture(LINK))

    assert result.policy.startswith("mine@")


def test_a_wrong_policy_file_makes_none(tmp_path):
    policy = tmp_path / "mine.yaml"
    policy.write_text("version: 1\ndefault: {action: fil}\n")

    with pytest.raises(PolicyError, match=r"mine\.yaml:2"):
        Redactor.from_policy(policy)


def test_there_are_three_detectors(a_policy):
    with pytest.raises(ValueError, match="local, imm or hybrid"):
        Redactor(a_policy(), detector="magic")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_is_hidden_is_gone_and_the_rest_of_the_picture_stays(
    kind, a_picture, a_redactor, read_codes
):
    data = a_picture(LINK, format=kind)

    result = a_redactor(default="blur").redact(data)

    assert result.verdict is Verdict.REDACTED
    assert contents(result) == [LINK]
    assert result.changed
    assert read_codes(data) == [LINK]
    assert read_codes(result.image) == []
    assert opened(result.image).size == opened(data).size
    assert opened(result.image).format == kind
    left = np.array(opened(result.image).convert("RGB"))[:, :20]
    if kind != "WEBP":
        assert np.array_equal(left, np.array(opened(data).convert("RGB"))[:, :20])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_clean_picture_comes_out_byte_for_byte(kind, a_picture, a_redactor):
    data = a_picture(format=kind)

    result = a_redactor().redact(data)

    assert result.verdict is Verdict.CLEAN
    assert result.image == data
    assert result.path == "unchanged"
    assert not result.changed


def test_an_allowed_code_stays_byte_for_byte(a_picture, a_redactor):
    data = a_picture(OURS)

    result = a_redactor("{id: ours, when: {domain: example.com}, action: allow}").redact(data)

    assert result.verdict is Verdict.ALLOWED
    assert result.image == data


def test_an_allowed_code_beside_a_hidden_one_stays_readable(a_picture, a_redactor, read_codes):
    redactor = a_redactor("{id: ours, when: {domain: example.com}, action: allow}")

    result = redactor.redact(a_picture(OURS, LINK, margin=90))

    assert result.verdict is Verdict.REDACTED
    assert [decision.action for decision in result.codes] == [Action.ALLOW, Action.FILL]
    assert read_codes(result.image) == [OURS]


def test_a_policy_that_only_reports_leaves_the_bytes_and_flags(a_picture, a_redactor):
    data = a_picture(LINK)

    result = a_redactor(default="flag, flag: info").redact(data)

    assert result.verdict is Verdict.FLAGGED
    assert result.flag is Flag.INFO
    assert result.image == data


def test_a_policy_that_holds_gives_no_bytes_of_flagged_pictures(a_picture, a_redactor):
    result = a_redactor(default="fill, flag: review", extra="hold: true").redact(a_picture(LINK))

    assert result.verdict is Verdict.FLAGGED
    assert result.held
    assert not result.is_publishable
    with pytest.raises(NotPublishable, match="holds"):
        _ = result.image


def test_a_plan_decides_and_draws_nothing(a_picture, a_redactor):
    result = a_redactor().plan(a_picture(LINK))

    assert result.verdict is Verdict.REDACTED
    assert result.dry_run
    assert result.regions == ()
    assert {"render", "encode", "verify"}.isdisjoint(result.seconds)
    with pytest.raises(NotPublishable, match="only planned"):
        _ = result.image


def test_a_plan_and_a_run_decide_alike(a_picture, a_redactor):
    redactor, data = a_redactor(), a_picture(LINK, OURS)

    assert redactor.plan(data).codes == redactor.redact(data).codes


def test_the_same_bytes_give_the_same_bytes(a_picture, a_redactor):
    redactor, data = a_redactor(default="blur"), a_picture(LINK, format="JPEG")

    assert redactor.redact(data).output_hash == redactor.redact(data).output_hash


def test_redacting_again_changes_nothing(a_picture, a_redactor):
    redactor = a_redactor(default="blur")
    once = redactor.redact(a_picture(LINK, format="JPEG"))

    twice = redactor.redact(once.image)

    assert twice.verdict is Verdict.CLEAN
    assert twice.image == once.image


@pytest.mark.parametrize(
    ("form", "options", "path"),
    [
        ("PNG", {}, "lossless"),
        ("JPEG", {}, "coefficients"),
        ("JPEG", {"progressive": True, "subsampling": 0}, "coefficients"),
        ("WEBP", {"lossless": True}, "lossless"),
        ("WEBP", {"quality": 80}, "re-encoded"),
    ],
)
def test_a_result_tells_how_the_rest_of_the_picture_fared(
    form, options, path, a_picture, a_redactor
):
    data = a_picture(LINK, format=form, **options)

    result = a_redactor(default="blur").redact(data)

    assert (result.path, result.source_bytes) == (path, len(data))
    assert result.output_bytes == len(result.image)
    assert (result.difference == 0) == (path != "re-encoded")
    assert result.difference < 60


def test_a_picture_in_which_nothing_is_hidden_has_no_difference_to_tell(a_picture, a_redactor):
    result = a_redactor().redact(a_picture())

    assert (result.path, result.difference) == ("unchanged", None)
    assert result.source_bytes == result.output_bytes


def test_a_picture_that_comes_out_changed_elsewhere_is_quarantined(
    a_picture, a_redactor, monkeypatch
):
    # A codec gone wrong: its file decodes to something else far from the code.
    from redactor.codec.png import PngPicture

    wrong = as_bytes(Image.eval(opened(a_picture(LINK)), lambda value: value ^ 1))
    monkeypatch.setattr(PngPicture, "encode", lambda *_: (wrong, "lossless"))

    result = a_redactor().redact(a_picture(LINK))

    assert result.verdict is Verdict.QUARANTINED
    assert result.reasons == ("what was written differs outside of the hidden regions",)


def test_a_result_tells_what_was_done(a_picture, a_redactor):
    result = a_redactor().redact(a_picture(LINK), name="uploads/a.png")

    assert result.name == "uploads/a.png"
    assert result.format == "PNG"
    assert result.size == opened(a_picture(LINK)).size
    assert result.detectors[0] == "zxing"
    assert len(result.regions) == 1
    assert [check.remedy for check in result.checks] == [None]
    assert set(result.seconds) == {"decode", "detect", "decide", "render", "encode", "verify"}
    assert result.reasons == ()


# What cannot be handled.


def broken(name, a_picture):
    """Give bytes that cannot be handled, by what is wrong with them."""
    png, jpeg, webp = (a_picture(LINK, format=kind) for kind in ("PNG", "JPEG", "WEBP"))
    raster = opened(png)
    return {
        "empty": b"",
        "text": b"dear customer, here is the picture you asked for\n",
        "random": bytes(range(256)) * 8,
        "truncated JPEG": jpeg[: len(jpeg) // 2],
        "truncated PNG": png[: len(png) // 2],
        "truncated WebP": webp[: len(webp) // 2],
        "only a JPEG's beginning": jpeg[:20],
        "corrupt PNG": png[:60] + bytes(60) + png[120:],
        "truncated GIF": as_bytes(raster, "GIF")[:-40],
        "truncated BMP": as_bytes(raster, "BMP")[:-40],
        "truncated TIFF": as_bytes(raster, "TIFF")[:-40],
        "truncated AVIF": as_bytes(raster, "AVIF")[:-40],
        "truncated animation": as_bytes(
            raster, "WEBP", save_all=True, append_images=[raster.rotate(9)]
        )[:-40],
        "PDF": b"%PDF-1.7\n",
    }[name]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("empty", "empty"),
        ("text", "not a picture"),
        ("random", "not a picture"),
        ("truncated JPEG", "JPEG"),
        ("truncated PNG", "PNG"),
        ("truncated WebP", "W"),
        ("only a JPEG's beginning", "JPEG"),
        ("corrupt PNG", "PNG"),
        ("truncated GIF", "GIF is cut off"),
        ("truncated BMP", "BMP is cut off"),
        ("truncated TIFF", "TIFF is cut off"),
        ("truncated AVIF", "cut off"),
        ("truncated animation", "WebP is cut off"),
        ("PDF", "PDF"),
    ],
)
def test_what_cannot_be_handled_is_quarantined_with_the_reason(
    wrong, reason, a_picture, a_redactor
):
    data = broken(wrong, a_picture)

    result = a_redactor(extra="on_error: {flag: high}").redact(data, name="a.jpg")

    assert result.verdict is Verdict.QUARANTINED
    assert reason.lower() in " ".join(result.reasons).lower()
    assert "internal error" not in " ".join(result.reasons)
    assert result.flag is Flag.HIGH
    assert not result.is_publishable
    with pytest.raises(NotPublishable, match=r"a\.jpg: quarantined"):
        _ = result.image


def test_cut_anywhere_no_picture_is_let_through_with_its_code(a_picture, a_redactor, read_codes):
    redactor = a_redactor()
    for kind in ("PNG", "JPEG", "WEBP"):
        data = a_picture(LINK, format=kind)
        for part in range(1, 8):
            result = redactor.redact(data[: len(data) * part // 8])
            assert not result.is_publishable or read_codes(result.image) == []


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_bytes=500), "500 bytes"),
        (Limits(max_pixels=1000), "1,000 pixels"),
        (Limits(max_side=64), "64 on a side"),
        (Limits(max_codes=1), "more than 1 codes"),
    ],
    ids=["bytes", "pixels", "side", "codes"],
)
def test_what_is_beyond_a_limit_is_quarantined(limits, reason, a_picture, a_redactor):
    result = a_redactor(limits=limits).redact(a_picture(LINK, OURS))

    assert result.verdict is Verdict.QUARANTINED
    assert reason in result.reasons[0]


def test_a_file_beyond_the_limit_is_not_read_whole(a_redactor):
    class Endless(io.RawIOBase):
        given = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.given += len(buffer)
            return len(buffer)

    stream = Endless()

    result = a_redactor(limits=Limits(max_bytes=10_000)).redact(stream)

    assert result.verdict is Verdict.QUARANTINED
    assert stream.given < 100_000


def test_without_on_error_a_quarantined_picture_has_no_flag(a_redactor):
    assert a_redactor().redact(b"").flag is None


# Mistakes of our own.


class Wrapped:
    """The local detector, with one step done by something else."""

    def __init__(self, **steps):
        self._real = LocalDetector()
        for name, step in steps.items():
            setattr(self, name, step)

    def __getattr__(self, name):
        return getattr(self._real, name)


def raising(error):
    def step(*_args, **_options):
        raise error

    return step


@pytest.mark.parametrize("step", ["detect", "read_last"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (DetectorError("zxing failed: out of luck"), "out of luck"),
        (ZeroDivisionError("division by zero"), "internal error: ZeroDivisionError"),
        (MemoryError(), "memory"),
        (RecursionError("too deep"), "internal error: RecursionError"),
    ],
    ids=["detector", "bug", "memory", "recursion"],
)
def test_a_mistake_in_any_step_holds_the_picture_back(step, error, reason, a_picture, a_redactor):
    redactor = a_redactor(extra="on_error: {flag: high}")
    redactor.local = Wrapped(**{step: raising(error)})

    result = redactor.redact(a_picture(LINK))

    assert result.verdict is Verdict.QUARANTINED
    assert reason in result.reasons[0]
    assert result.flag is Flag.HIGH


def test_a_missing_backend_is_no_matter_of_one_picture(a_picture, a_redactor):
    redactor = a_redactor(detector="hybrid")

    with pytest.raises(BackendMissing):
        redactor.redact(a_picture(), ask=raising(BackendMissing("no credentials")))


# Verification and what it leads to.


class Stubborn(Wrapped):
    """Reads a code in the first region it is shown, so many times."""

    def __init__(self, times):
        super().__init__()
        self.seen = []
        self._times = times

    def read_last(self, frame, quads, **_options):
        """Read something in the first area."""
        self.seen.append(quads)
        if len(self.seen) > self._times:
            return []
        return [reading_at(quads[0])]


def reading_at(quad, content="still here"):
    # A small reading in the middle: outside of nothing that is hidden.
    x, y = quad.center
    small = Quad.from_box(x - 2, y - 2, 4, 4)
    return Detection(small, Symbology.QRCODE, content, 1.0, ("zxing",), (content,))


@pytest.mark.parametrize(
    ("times", "remedies", "action"),
    [
        (0, [None], Action.BLUR),
        (1, ["larger", None], Action.BLUR),
        (2, ["larger", "fill", None], Action.FILL),
    ],
)
def test_what_can_still_be_read_is_hidden_better(times, remedies, action, a_picture, a_redactor):
    redactor = a_redactor(default="blur")
    redactor.local = Stubborn(times)

    result = redactor.redact(a_picture(LINK))

    assert result.verdict is Verdict.REDACTED
    assert [check.remedy for check in result.checks] == remedies
    assert [region.action for region in result.regions] == [action]
    areas = [quads[0].area for quads in redactor.local.seen]
    assert areas == sorted(areas)
    assert (areas[-1] > areas[0]) is (times > 0)


def test_what_can_be_read_in_spite_of_everything_is_quarantined(a_picture, a_redactor):
    redactor = a_redactor(default="blur")
    redactor.local = Stubborn(99)

    result = redactor.redact(a_picture(LINK))

    assert result.verdict is Verdict.QUARANTINED
    assert "can still be read" in result.reasons[0]
    assert [check.remedy for check in result.checks] == ["larger", "fill", "quarantine"]


def test_only_the_region_that_leaks_is_hidden_better(a_picture, a_redactor):
    redactor = a_redactor(default="blur")
    redactor.local = Stubborn(2)

    result = redactor.redact(a_picture(LINK, OURS))

    assert sorted(region.action for region in result.regions) == [Action.BLUR, Action.FILL]


def test_a_code_that_only_verification_sees_is_decided_and_hidden(
    a_picture, a_redactor, read_codes
):
    class Blind(Wrapped):
        """Sees the first of two codes, but reads whatever it is shown."""

        def detect(self, frames):
            return self._real.detect(frames)[:1]

        def read_last(self, frame, quads, **_options):
            return list(self._real.detect([frame]))

    redactor = a_redactor()
    redactor.local = Blind()

    result = redactor.redact(a_picture(LINK, OURS))

    assert result.verdict is Verdict.REDACTED
    assert sorted(contents(result)) == sorted([LINK, OURS])
    assert result.checks[0].remedy == "decide again"
    assert read_codes(result.image) == []


# Other pictures in the file.


def with_thumbnail(main, thumbnail, **options):
    """Give a JPEG with another JPEG as the thumbnail in its EXIF block."""
    image = Image.fromarray(main)
    exif = Image.Exif()
    exif[0x0112] = options.pop("orientation", 1)
    block = bytearray(exif.tobytes())
    # A second directory: compression 6, offset and length of the JPEG.
    small = as_bytes(Image.fromarray(thumbnail), "JPEG", quality=90)
    tiff = bytearray(block.removeprefix(b"Exif\0\0"))
    order = "little" if tiff[:2] == b"II" else "big"
    first = int.from_bytes(tiff[4:8], order)
    count = int.from_bytes(tiff[first : first + 2], order)
    link = first + 2 + 12 * count
    start = len(tiff) + len(tiff) % 2
    tiff += bytes(start - len(tiff))
    tiff[link : link + 4] = start.to_bytes(4, order)
    body = start + 2 + 3 * 12 + 4
    entries = ((0x0103, 3, 6), (0x0201, 4, body), (0x0202, 4, len(small)))
    tiff += len(entries).to_bytes(2, order)
    for tag, kind, value in entries:
        width = 2 if kind == 3 else 4
        tiff += tag.to_bytes(2, order) + kind.to_bytes(2, order) + (1).to_bytes(4, order)
        tiff += value.to_bytes(width, order) + bytes(4 - width)
    tiff += bytes(4) + small
    return as_bytes(image, "JPEG", quality=90, exif=b"Exif\0\0" + bytes(tiff), **options)


def test_a_code_in_the_thumbnail_alone_is_removed_and_the_picture_keeps_its_coefficients(
    a_raster, a_redactor
):
    data = with_thumbnail(a_raster(), a_raster(LINK, scale=3), orientation=1)

    result = a_redactor().redact(data)

    assert result.verdict is Verdict.REDACTED
    assert result.frames == ("picture", "thumbnail")
    assert [decision.detection.frame for decision in result.codes] == [1]
    assert result.path == "coefficients"
    assert np.array_equal(np.array(opened(result.image)), np.array(opened(data)))
    assert b"\xff\xd8" not in result.image[2:]
    assert a_redactor().redact(result.image).verdict is Verdict.CLEAN


def test_a_thumbnail_goes_with_what_is_hidden_in_the_picture(a_raster, a_redactor):
    data = with_thumbnail(a_raster(LINK), a_raster(LINK, scale=3), orientation=6)

    result = a_redactor().redact(data)

    assert result.verdict is Verdict.REDACTED
    assert any("other pictures" in remark for remark in result.remarks)
    assert opened(result.image).getexif()[0x0112] == 6
    assert b"\xff\xd8" not in result.image[2:]


def test_a_thumbnail_stays_where_nothing_is_hidden(a_raster, a_redactor):
    data = with_thumbnail(a_raster(), a_raster(), orientation=6)

    assert a_redactor().redact(data).image == data


@pytest.mark.parametrize("orientation", range(1, 9))
def test_codes_are_found_and_hidden_whatever_the_orientation(
    orientation, a_raster, a_redactor, read_codes
):
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image = Image.fromarray(a_raster(LINK, "4006381333931"))
    stored = image.transpose(turn[orientation]) if orientation > 1 else image
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = as_bytes(stored, "JPEG", quality=92, exif=exif.tobytes())

    result = a_redactor(default="blur").redact(data)

    assert result.verdict is Verdict.REDACTED
    assert sorted(contents(result)) == ["4006381333931", LINK]
    assert result.orientation == orientation
    assert opened(result.image).getexif()[0x0112] == orientation
    assert read_codes(result.image) == []


# Transparent pictures.


def in_alpha_alone(raster):
    """Give a picture in one colour whose code is in its opacity."""
    alpha = raster[..., 0]
    return Image.fromarray(np.dstack([np.zeros_like(raster), alpha]), "RGBA")


def over_black_alone(raster):
    """Give white modules of a code whose other modules are transparent."""
    white = np.full_like(raster, 255)
    return Image.fromarray(np.dstack([white, raster[..., 0]]), "RGBA")


def behind_transparency(raster):
    """Give a code that is wholly transparent: seen by whoever drops the opacity."""
    return Image.fromarray(np.dstack([raster, np.zeros_like(raster[..., 0])]), "RGBA")


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated:DeprecationWarning")
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("dress", [in_alpha_alone, over_black_alone, behind_transparency])
def test_a_code_in_a_transparent_picture_is_hidden_however_it_may_be_shown(
    dress, kind, a_raster, a_redactor, read_codes
):
    image = dress(a_raster(LINK, noise=0))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}

    result = a_redactor().redact(as_bytes(image, kind, **options))

    assert result.verdict is Verdict.REDACTED, result.reasons
    assert LINK in contents(result)
    assert read_codes(result.image) == []
    for view in ("RGB", "RGBA"):
        flat = np.array(opened(result.image).convert("RGBA"))[..., : len(view)]
        shown = as_bytes(Image.fromarray(np.ascontiguousarray(flat[..., :3])))
        assert read_codes(shown) == []
    assert opened(result.image).mode == image.mode


# Contents on which engines disagree.


def test_a_code_on_whose_content_engines_disagree_is_never_allowed(a_picture, a_redactor):
    class Quarrelling(Wrapped):
        """Two engines that read different links in one code."""

        def detect(self, frames):
            return tuple(
                dataclasses.replace(code, readings=tuple(sorted((OURS, LINK))), content=OURS)
                for code in self._real.detect(frames)
            )

    redactor = a_redactor("{id: ours, when: {domain: example.com}, action: allow}")
    redactor.local = Quarrelling()

    result = redactor.redact(a_picture(OURS))

    assert [decision.action for decision in result.codes] == [Action.FILL]


# What `image/codes` says.


def an_answer(*boxes, etag=None, **fields):
    """Give an answer of `image/codes`, with a code for each (content, left, top, side)."""
    codes = [
        {
            "Content": content,
            "Boundary": {"Left": left, "Top": top, "Width": side, "Height": side},
            **fields,
        }
        for content, left, top, side in boxes
    ]
    body = json.dumps({"RequestId": "1", "Codes": codes}).encode()
    return lambda: ImageCodes(body, etag)


def says(body, etag=None):
    return lambda: ImageCodes(body, etag)


@pytest.fixture(scope="module")
def one_code(a_picture, a_policy):
    """A picture with a code, and the box of it as IMM would give it."""
    data = a_picture(LINK)
    (decision,) = Redactor(a_policy()).plan(data).codes
    box = decision.detection.quad.box
    return data, (LINK, box.left, box.top, box.width)


def test_imm_alone_finds_and_the_whole_picture_is_verified(one_code, a_redactor, read_codes):
    data, box = one_code

    result = a_redactor(detector="imm").redact(data, ask=an_answer(box))

    assert result.verdict is Verdict.REDACTED, result.reasons
    assert result.detectors == ("imm",)
    assert [check.scope for check in result.checks] == ["picture"]
    assert read_codes(result.image) == []


def test_imm_alone_answers_for_a_clean_picture_only_if_verification_agrees(a_picture, a_redactor):
    clean, full = a_picture(), a_picture(LINK)
    redactor = a_redactor(detector="imm")

    assert redactor.redact(clean, ask=an_answer()).image == clean
    missed = redactor.redact(full, ask=an_answer())
    assert missed.verdict is Verdict.QUARANTINED
    assert "missed" in missed.reasons[0]


def beyond(name, a_picture):
    """Give a picture and an answer that IMM alone cannot be trusted with, by the reason."""
    plain = a_picture()
    box = {"Left": 10, "Top": 10, "Width": 50, "Height": 50}
    one = {"Content": "x", "Boundary": box}
    bodies = {
        "nonsense JSON": b"<html>502 Bad Gateway</html>",
        "no JSON object": b"[]",
        "neither Codes nor RequestId": b'{"Error": "?"}',
        "Codes that are no list": b'{"Codes": "none"}',
        "a code without a box": b'{"Codes": [{"Content": "x"}]}',
        "a box outside": json.dumps(
            {"Codes": [one | {"Boundary": box | {"Left": 90_000}}]}
        ).encode(),
        "a box without a size": json.dumps(
            {"Codes": [one | {"Boundary": box | {"Width": 0}}]}
        ).encode(),
        "five codes": json.dumps({"RequestId": "1", "Codes": [one] * 5}).encode(),
    }
    if name in bodies:
        return plain, says(bodies[name])
    return {
        "throttled": (plain, raising(Unavailable("oss://b/a.png: HTTP 503"))),
        "other bytes": (plain, an_answer(etag="FFFF")),
        "cannot be asked": (plain, None),
        "too small": (as_bytes(opened(plain).crop((0, 0, 30, 30))), an_answer()),
    }[name]


BEYOND = [
    "nonsense JSON",
    "no JSON object",
    "neither Codes nor RequestId",
    "Codes that are no list",
    "a code without a box",
    "a box outside",
    "a box without a size",
    "five codes",
    "throttled",
    "other bytes",
    "cannot be asked",
    "too small",
]


@pytest.mark.parametrize("name", BEYOND)
def test_imm_alone_quarantines_what_is_beyond_it(name, a_picture, a_redactor):
    data, ask = beyond(name, a_picture)

    result = a_redactor(detector="imm").redact(data, etag="ABCD", ask=ask)

    assert result.verdict is Verdict.QUARANTINED
    assert result.reasons[0].startswith("beyond IMM: ")


@pytest.mark.parametrize("name", BEYOND)
def test_hybrid_passes_the_same_pictures_because_it_looks_locally_too(name, a_picture, a_redactor):
    data, ask = beyond(name, a_picture)

    result = a_redactor(detector="hybrid").redact(data, etag="ABCD", ask=ask)

    assert result.verdict is not Verdict.QUARANTINED
    if name != "cannot be asked":
        assert result.remarks


@pytest.mark.parametrize("is_upright", [True, False])
def test_a_box_of_a_turned_picture_is_hidden_wherever_it_may_be(
    is_upright, a_raster, a_redactor, read_codes
):
    """In which frame IMM gives boxes is undocumented: both answers hide the code."""
    turned = Image.Exif()
    turned[0x0112] = 3
    raster = np.pad(a_raster(LINK), ((0, 150), (0, 200), (0, 0)), constant_values=220)
    data = as_bytes(Image.fromarray(raster), "JPEG", exif=turned.tobytes())
    (decision,) = a_redactor().plan(data).codes
    box = decision.detection.quad.box
    width, height = opened(data).size
    left, top = (width - box.right, height - box.bottom) if is_upright else (box.left, box.top)
    redactor = a_redactor(detector="imm")

    result = redactor.redact(data, ask=an_answer((LINK, left, top, box.width)))

    assert result.verdict is Verdict.REDACTED, result.reasons
    assert read_codes(result.image) == []


def test_what_imm_is_unsure_of_is_in_doubt_and_hidden(one_code, a_redactor):
    data, (text, left, top, side) = one_code
    box = {"Left": left, "Top": top, "Width": side, "Height": side}
    answer = {"Codes": [{"Content": text, "Boundary": box, "Confidence": 0.3}]}

    result = a_redactor(detector="imm").redact(data, ask=says(json.dumps(answer).encode()))

    assert result.verdict is Verdict.REDACTED, result.reasons
    assert contents(result) == [None]


def test_pictures_of_several_frames_are_beyond_imm(a_picture, a_redactor):
    first = opened(a_picture(LINK))
    moving = {"save_all": True, "append_images": [first.rotate(9)]}
    for form, reason in (("GIF", "GIF"), ("PNG", "one frame"), ("TIFF", "one frame")):
        data = as_bytes(first, form, **moving)

        result = a_redactor(detector="imm").redact(data, ask=an_answer())
        assert result.verdict is Verdict.QUARANTINED
        assert "beyond IMM" in result.reasons[0]
        assert reason in result.reasons[0]
        result = a_redactor(detector="hybrid").redact(data, ask=an_answer())
        assert result.verdict is Verdict.REDACTED, result.reasons
        assert any("looked locally alone" in remark for remark in result.remarks)


def test_hybrid_joins_what_both_say_of_one_code(one_code, a_redactor):
    data, box = one_code

    result = a_redactor(detector="hybrid").redact(data, ask=an_answer(box))

    (decision,) = result.codes
    assert "imm" in decision.detection.sources
    assert "zxing" in decision.detection.sources
    assert decision.detection.symbology is Symbology.QRCODE


def test_hybrid_hides_a_code_that_imm_alone_sees(a_picture, a_redactor):
    result = a_redactor(detector="hybrid").redact(
        a_picture(), ask=an_answer(("https://example.net/x", 40, 40, 90))
    )

    assert result.verdict is Verdict.REDACTED
    assert contents(result) == ["https://example.net/x"]


def test_hybrid_looks_locally_alone_where_there_is_nobody_to_ask(a_picture, a_redactor):
    result = a_redactor(detector="hybrid").redact(a_picture(LINK))

    assert result.verdict is Verdict.REDACTED
    assert "imm" not in result.detectors


def test_hybrid_with_a_disagreeing_imm_allows_nothing(a_picture, a_redactor):
    redactor = a_redactor(
        "{id: ours, when: {domain: example.com}, action: allow}", detector="hybrid"
    )
    data = a_picture(OURS)
    (decision,) = redactor.plan(data).codes
    box = decision.detection.quad.box

    result = redactor.redact(data, ask=an_answer((LINK, box.left, box.top, box.width)))

    assert all(decision.action is Action.FILL for decision in result.codes)


def test_the_etag_is_compared_in_either_case(one_code, a_redactor):
    data, box = one_code

    result = a_redactor(detector="imm").redact(data, etag="abcd", ask=an_answer(box, etag="ABCD"))

    assert result.verdict is Verdict.REDACTED


# Many at once.


def test_threads_share_one_redactor(a_picture, a_redactor):
    redactor = a_redactor(default="blur")
    pictures = [a_picture(f"{LINK}{n}", format=kind) for n in range(6) for kind in ("PNG", "JPEG")]
    alone = [redactor.redact(data).output_hash for data in pictures]

    with ThreadPoolExecutor(4) as pool:
        together = [result.output_hash for result in pool.map(redactor.redact, pictures)]

    assert together == alone
