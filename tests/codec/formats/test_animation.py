"""Animations: every frame as a viewer composes it, and what of the file stays."""

import io

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from redactor import codec
from redactor.codec.gif_blocks import split
from redactor.codec.png import read_chunks
from redactor.codec.webp import read_chunks as read_webp
from redactor.errors import DamagedPicture, LimitExceeded
from redactor.geometry import Quad
from redactor.model import Action, Limits, Region, Style

FORMS = ["GIF", "PNG", "WEBP"]
SIZE = (64, 48)


@pytest.fixture
def steps(a_scene, a_step, quantised):
    """Give a full frame, then partial ones with each way to go."""

    def part(left, top, width, height, seed, **options):
        pixels = quantised(a_scene(width, height, channels=4, seed=seed))
        pixels[..., 3] = 255
        pixels[: height // 3, : width // 3] = 0
        return a_step(left, top, pixels, **options)

    def build(form):
        # WebP knows no such way; Pillow brings back the wrong canvas of a PNG, apngdis does not.
        previous = "previous" if form == "GIF" else "none"
        full = quantised(a_scene(*SIZE, channels=4, seed=1))
        full[..., 3] = 255
        return [
            a_step(0, 0, full, delay=120),
            part(10, 8, 30, 24, 2, dispose="background", delay=80),
            part(0, 0, 40, 40, 3, dispose=previous, delay=50),
            part(30, 20, 34, 28, 4, delay=200),
            part(20, 10, 20, 20, 5, dispose="background", delay=40),
        ]

    return build


def composed(data):
    """Give each canvas as Pillow shows it, its time, and the number of rounds."""
    with Image.open(io.BytesIO(data)) as image:
        for index in range(image.n_frames):
            image.seek(index)
            pixels = np.array(image.convert("RGBA"))
            pixels[pixels[..., 3] == 0] = 0
            yield pixels, image.info.get("duration"), image.info.get("loop")


def canvases(data):
    return [page.pixels for page in codec.open_picture(data).pages]


def stored(data, form):
    """Give the bytes of each frame that say what it draws."""
    if form == "GIF":
        return [frame.data for frame in split(data, Limits()).images]
    if form == "PNG":
        frames = []
        for kind, body in read_chunks(data)[0]:
            if kind == b"fcTL":
                frames.append(b"")
            elif kind in (b"IDAT", b"fdAT"):
                frames[-1] += body if kind == b"IDAT" else body[4:]
        return frames
    return [body for kind, body in read_webp(data)[0] if kind == b"ANMF"]


@pytest.mark.parametrize("form", FORMS)
def test_frames_are_composed_as_others_compose_them(form, animated, steps):
    data = animated[form](steps(form), SIZE)

    picture = codec.open_picture(data)

    assert picture.moving == len(picture.pages) == 5
    for page, (shown, _, _) in zip(picture.pages, composed(data), strict=True):
        clear = page.pixels[..., 3] == 0
        assert np.array_equal(clear, shown[..., 3] == 0)
        assert np.array_equal(page.pixels[~clear], shown[~clear])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("frame", range(5))
@pytest.mark.parametrize("action", ["blur", "fill"])
def test_hiding_in_one_frame_leaves_every_other(form, frame, action, animated, steps, redact):
    data = animated[form](steps(form), SIZE, loop=3)
    region = Region(Quad.from_box(14, 6, 30, 30), Action(action), Style(color=(204, 42, 51)), frame)

    image, path = redact(data, region)

    assert path == "lossless"
    inside = region.quad.mask(*SIZE)
    pairs = zip(composed(data), composed(image), strict=True)
    for index, (before, after) in enumerate(pairs):
        assert before[1:] == after[1:]
        where = ~inside if index == frame else np.ones(inside.shape, bool)
        assert np.array_equal(before[0][where], after[0][where]), index
        if index == frame:
            assert not np.array_equal(before[0], after[0])
    kept = [
        one == other for one, other in zip(stored(data, form), stored(image, form), strict=True)
    ]
    assert not kept[frame]
    assert all(kept[:frame])


@pytest.mark.parametrize("form", FORMS)
def test_frames_far_from_what_is_hidden_keep_their_bytes(form, animated, a_step, steps, redact):
    full = steps(form)[0]
    dot = np.full((8, 8, 4), (0, 0, 0, 255), np.uint8)
    data = animated[form]([full, *[a_step(2 * x, 2, dot) for x in range(6)]], SIZE)
    region = Region(Quad.from_box(20, 20, 20, 20), Action.BLUR, Style(), 2)

    image, _ = redact(data, region)

    kept = [
        one == other for one, other in zip(stored(data, form), stored(image, form), strict=True)
    ]
    # The frame itself, and the one that brings back what was hidden in it.
    assert kept == [True, True, False, False, True, True, True]


def test_a_png_that_brings_canvases_back_is_composed_as_apngdis_does(
    animated, steps, redact, tool, tmp_path
):
    region = Region(Quad.from_box(14, 6, 30, 30), Action.FILL, Style(), 3)
    image, _ = redact(animated["PNG"](steps("GIF"), SIZE), region)
    (tmp_path / "a.png").write_bytes(image)

    tool("apngdis", tmp_path / "a.png", cwd=tmp_path)

    for index, ours in enumerate(canvases(image), start=1):
        with Image.open(tmp_path / f"apngframe{index}.png") as shown:
            assert np.array_equal(ours, np.array(shown.convert("RGBA")))


@pytest.mark.parametrize("form", FORMS)
def test_without_patches_every_frame_keeps_its_bytes(form, animated, steps):
    data = animated[form](steps(form), SIZE)

    image, _ = codec.open_picture(data).encode(())

    assert stored(image, form) == stored(data, form)


def test_the_tools_of_each_format_find_nothing_wrong(animated, steps, redact, tool, tmp_path):
    regions = [Region(Quad.from_box(14, 6, 30, 30), Action.BLUR, Style(), page) for page in (1, 3)]
    for form in FORMS:
        image, _ = redact(animated[form](steps(form), SIZE), *regions)
        (tmp_path / form).write_bytes(image)

    assert "5 images" in tool("gifsicle", "--info", tmp_path / "GIF")
    assert tool("pngcheck", tmp_path / "PNG").startswith("OK")
    assert "No error detected" in tool("webpinfo", tmp_path / "WEBP")
    assert "frames: 5" in tool("webpmux", "-info", tmp_path / "WEBP")
    tool("apngdis", tmp_path / "PNG", cwd=tmp_path)


def test_gifsicle_composes_what_we_wrote_alike(animated, steps, redact, tool, tmp_path):
    regions = [Region(Quad.from_box(14, 6, 30, 30), Action.BLUR, Style(), page) for page in (0, 2)]
    image, _ = redact(animated["GIF"](steps("GIF"), SIZE), *regions)
    (tmp_path / "a.gif").write_bytes(image)

    tool("gifsicle", "--unoptimize", tmp_path / "a.gif", "-o", tmp_path / "b.gif")

    for ours, (shown, _, _) in zip(
        canvases(image), composed((tmp_path / "b.gif").read_bytes()), strict=True
    ):
        opaque = ours[..., 3] > 0  # it fills what is clear with the background
        assert np.array_equal(ours[opaque], shown[opaque])


@pytest.mark.parametrize("color", [3, 6])
def test_an_apng_keeps_its_type_and_palette(color, animated, steps, redact):
    data = animated["PNG"](steps("PNG"), SIZE, color=color)
    region = Region(Quad.from_box(14, 6, 30, 30), Action.BLUR, Style(), 2)

    image, _ = redact(data, region)

    before, after = (dict(read_chunks(file)[0]) for file in (data, image))
    assert [before.get(k) for k in (b"IHDR", b"PLTE", b"tRNS")] == [
        after.get(k) for k in (b"IHDR", b"PLTE", b"tRNS")
    ]
    outside = ~region.quad.mask(*SIZE)
    for index, (old, new) in enumerate(zip(canvases(data), canvases(image), strict=True)):
        where = outside if index == 2 else np.ones(outside.shape, bool)
        assert np.array_equal(old[where], new[where])


def test_the_image_for_viewers_without_animation_is_a_page_too(animated, steps, redact, a_scene):
    default = a_scene(*SIZE, channels=4, seed=9)
    data = animated["PNG"](steps("PNG"), SIZE, default=default)
    picture = codec.open_picture(data)

    assert (picture.moving, len(picture.pages)) == (5, 6)
    assert [frame.name for frame in picture.frames][-2:] == ["frame 5", "default image"]
    region = Region(Quad.from_box(14, 6, 30, 30), Action.FILL, Style(), 5)
    image, _ = redact(data, region)
    with Image.open(io.BytesIO(image)) as shown:
        pixels = np.array(shown.convert("RGBA"))
    outside = ~region.quad.mask(*SIZE)
    assert np.array_equal(pixels[outside], default[outside])
    assert (pixels[~outside][:, :3] == 0).all()


def test_a_gif_takes_more_colours_where_it_has_to_bring_back(animated, a_step, redact, a_scene):
    own = np.random.default_rng(3).integers(0, 256, (256, 3)).astype(np.uint8)
    own[255] = 0
    full = np.dstack([own[a_scene(*SIZE)[..., 0] % 255], np.full(SIZE[::-1], 255, np.uint8)])
    other = np.zeros((8, 8, 4), np.uint8)
    other[..., 1], other[..., 3] = 252, 255
    first = a_step(0, 0, full, table=own)
    data = animated["GIF"]([first, a_step(0, 0, other), a_step(8, 8, other)], SIZE)
    region = Region(Quad.from_box(30, 20, 12, 10), Action.BLUR, Style(), 1)

    image, _ = redact(data, region)

    outside = ~region.quad.mask(*SIZE)
    old, new = canvases(data), canvases(image)
    assert np.array_equal(old[0], new[0])
    assert np.array_equal(old[1][outside], new[1][outside])
    assert np.array_equal(old[2], new[2])


def test_a_clear_colour_may_lie_behind_the_others(a_file, a_scene, redact):
    first, second = (Image.fromarray(a_scene(*SIZE, seed=seed)[..., 0] // 16) for seed in (1, 2))
    for image in (first, second):
        image.putpalette([value * 16 for value in range(16) for _ in range(3)])
    data = a_file(first, "GIF", save_all=True, append_images=[second], transparency=16)

    image, _ = redact(data, Region(Quad.from_box(14, 6, 20, 20), Action.BLUR, Style(), 1))

    assert len(canvases(image)) == 2


BOXES = st.tuples(st.integers(0, 10), st.integers(0, 8), st.integers(1, 12), st.integers(1, 12))
PLANS = st.lists(
    st.tuples(BOXES, st.sampled_from(["none", "background", "previous"]), st.booleans()),
    min_size=1, max_size=4,
)  # fmt: skip
HIDDEN = st.lists(
    st.tuples(st.integers(0, 4), BOXES, st.sampled_from([Action.BLUR, Action.FILL])),
    min_size=1, max_size=4,
)  # fmt: skip
SMALL = (36, 30)


def planned(form, plan, a_step, seed):
    """Make the steps of a plan."""
    random = np.random.default_rng(seed)
    levels = np.array([51, 42, 51])
    steps = []
    boxes = [((0, 0, 18, 15), "none", False), *plan]
    for (left, top, width, height), dispose, blended in boxes:
        pixels = np.full((2 * height, 2 * width, 4), 255, np.uint8)
        pixels[..., :3] = random.integers(0, 6, (2 * height, 2 * width, 3)) * levels
        pixels[random.random(pixels.shape[:2]) < 0.2] = 0
        pixels = pixels[: SMALL[1] - 2 * top, : SMALL[0] - 2 * left]
        dispose = "none" if form == "WEBP" and dispose == "previous" else dispose
        steps.append(a_step(2 * left, 2 * top, pixels, dispose, blended=form == "GIF" or blended))
    return steps


def regions_of(hidden, frames):
    return [
        Region(Quad.from_box(2 * x, 2 * y, w, h), action, Style(color=None), frame % frames)
        for frame, (x, y, w, h), action in hidden
    ]


def masks_of(regions, frames):
    masks = [np.zeros(SMALL[::-1], bool) for _ in range(frames)]
    for region in regions:
        masks[region.frame] |= region.quad.mask(*SMALL)
    return masks


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=PLANS, hidden=HIDDEN, seed=st.integers(0, 99))
def test_whatever_the_frames_are_the_canvases_are_the_same_outside(
    form, plan, hidden, seed, animated, a_step, redact
):
    steps = planned(form, plan, a_step, seed)
    regions = regions_of(hidden, len(steps))
    data = animated[form](steps, SMALL)

    image, _ = redact(data, *regions)

    masks = masks_of(regions, len(steps))
    for old, new, mask in zip(canvases(data), canvases(image), masks, strict=True):
        clear = old[..., 3] == 0
        assert np.array_equal(clear[~mask], (new[..., 3] == 0)[~mask])
        assert np.array_equal(old[~mask & ~clear], new[~mask & ~clear])


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=PLANS, hidden=HIDDEN, seed=st.integers(0, 99))
def test_what_only_hidden_places_show_does_not_matter(
    form, plan, hidden, seed, animated, a_step, redact
):
    steps = planned(form, plan, a_step, seed)
    regions = regions_of(hidden, len(steps))
    masks = masks_of(regions, len(steps))
    random = np.random.default_rng(seed)
    others = []
    for index, step in enumerate(steps):
        # A pixel may be another one where each canvas that can show it hides that place.
        free = np.logical_and.reduce(masks[index:])
        free |= masks[index] if step.dispose != "none" and index else False
        height, width = step.pixels.shape[:2]
        free = free[step.top : step.top + height, step.left : step.left + width]
        free &= step.pixels[..., 3] > 0
        pixels = step.pixels.copy()
        pixels[free, :3] = random.integers(0, 6, (int(free.sum()), 3)) * np.array([51, 42, 51])
        others.append(a_step(step.left, step.top, pixels, step.dispose, blended=step.blended))

    first, other = (redact(animated[form](part, SMALL), *regions) for part in (steps, others))

    assert first == other


@pytest.mark.parametrize("form", FORMS)
def test_bombs_of_frames_are_refused_by_the_headers(form, animated, a_step):
    dot = np.full((2, 2, 4), 255, np.uint8)
    many = animated[form]([a_step(0, 0, dot)] * 200, (2, 2))
    with pytest.raises(LimitExceeded, match="200 frames, over the limit of 100"):
        codec.open_picture(many, Limits(max_frames=100))
    first = a_step(0, 0, np.full((100, 100, 4), 255, np.uint8))
    large = animated[form]([first, *[a_step(0, 0, dot)] * 99], (100, 100))
    with pytest.raises(LimitExceeded, match="100 frames of 100 x 100 pixels"):
        codec.open_picture(large, Limits(max_pixels=999_999))
    assert len(codec.open_picture(large, Limits(max_pixels=1_000_000)).pages) == 100


@pytest.mark.parametrize("form", FORMS)
def test_a_frame_without_size_or_outside_is_refused(form, animated, a_step):
    dot = np.full((2, 2, 4), 255, np.uint8)
    data = animated[form]([a_step(0, 0, dot), a_step(0, 0, dot)], (2, 2))
    mark, beyond, width = {
        "GIF": (b"\x2c", 5, bytes(2)),
        "PNG": (b"fcTL", 8, bytes(4)),
        "WEBP": (b"ANMF", 14, b"\x09\0\0"),
    }[form]
    start = data.rindex(mark) + beyond
    data = data[:start] + width + data[start + len(width) :]

    with pytest.raises(DamagedPicture):
        codec.open_picture(data)
