"""What one would write with pyzbar and Pillow: blur the box of whatever is read.

::

    python pyzbar_blur.py FOLDER OUT PROCESSES
"""

import sys
from multiprocessing import Pool
from pathlib import Path

from PIL import Image, ImageFilter
from pyzbar import pyzbar


def redact(job):
    """Redact one picture; files that cannot be opened are left out."""
    path, out = job
    try:
        with Image.open(path) as file:
            format_ = file.format
            image = file.convert("RGBA" if "transparency" in file.info else "RGB")
    except (OSError, SyntaxError, ValueError):
        return
    for code in pyzbar.decode(image.convert("RGB")):
        left, top, width, height = code.rect
        box = (left, top, left + width + 1, top + height + 1)
        image.paste(image.crop(box).filter(ImageFilter.GaussianBlur(10)), box)
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        image.save(out, format_, **({"quality": 90} if format_ == "JPEG" else {}))
    except (OSError, ValueError):
        out.unlink(missing_ok=True)


def main():
    """Redact a folder."""
    folder, target, processes = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    jobs = [(path, target / path.relative_to(folder)) for path in paths]
    with Pool(processes) as pool:
        for _ in pool.imap_unordered(redact, jobs, chunksize=4):
            pass


if __name__ == "__main__":
    main()
