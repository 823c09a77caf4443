"""What the first bytes of a file tell about its format. Names tell nothing."""

from __future__ import annotations

HEAD = 512  # bytes that are enough to tell by

_MAGIC = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (8, b"WEBP", "WEBP"),
    (0, b"GIF8", "GIF"),
    (0, b"BM", "BMP"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\0\0\1\0", "ICO"),
    (0, b"8BPS", "Photoshop"),
    (0, b"%PDF", "PDF"),
)


def picture_format(data: bytes) -> str | None:
    """Name the format that bytes begin like: `JPEG`, `PNG` …; None where no known one does."""
    for offset, magic, name in _MAGIC:
        if data.startswith(magic, offset) and (name != "WEBP" or data.startswith(b"RIFF")):
            return name
    if data[4:8] == b"ftyp":
        return _brand(data)
    return None


def _brand(data: bytes) -> str:
    """Tell AVIF, HEIF and videos apart, which begin alike."""
    brands = data[8 : min(int.from_bytes(data[:4], "big"), 256)]
    if b"avif" in brands or b"avis" in brands:
        return "AVIF"
    return (
        "HEIF" if any(brand in brands for brand in (b"heic", b"heix", b"mif1", b"heif")) else "MP4"
    )
