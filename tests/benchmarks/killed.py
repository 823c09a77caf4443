"""Kill an in-place run at many points, run it again each time, and count what is there.

::

    python -m tests.benchmarks.killed [--pictures 50] [--points 20] [--jobs 2]

Every point starts from a fresh bucket on the stand-in. `kill -9` comes at a request that is chosen
by chance (a fixed seed), before or after its work. Printed for each point: what had been done,
what the second run did, and whether all is as it should be.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
import threading

import numpy as np
import zxingcpp
from PIL import Image

from redactor.testing import OssServer, Request
from tests.forks import Forks

_BUCKETS = ("shop", "kept")
_RUN = ("run", "oss://shop/in/", "--in-place", "--originals", "oss://kept/originals/")


def main() -> int:
    """Run and print; 0 if every point ended as it should."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=50, metavar="N")
    parser.add_argument("--points", type=int, default=20, metavar="N")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    options = parser.parse_args()
    pictures = {f"in/{number:03}.png": a_picture(number) for number in range(options.pictures)}
    chance = random.Random(6)
    # A picture takes eight requests; the run begins with a probe of each place and a listing.
    points = sorted(chance.sample(range(12, 8 * options.pictures), options.points))
    print(
        f"{'killed at':>10} {'when':>7} {'done':>5} {'then read':>10} {'written':>8}  as it should"
    )
    wrong = 0
    with Forks() as forks:
        for point in points:
            wrong += not _try(forks, pictures, point, chance.random() < 0.5, options.jobs)
    print(f"{options.points - wrong} of {options.points} points ended as they should")
    return 1 if wrong else 0


def _try(forks: Forks, pictures: dict[str, bytes], point: int, after: bool, jobs: int) -> bool:
    arguments = (*_RUN, "--detector", "local", "--jobs", jobs, "-q")
    with OssServer(buckets=_BUCKETS) as server, tempfile.TemporaryDirectory() as folder:
        for key, data in pictures.items():
            server.put("shop", key, data, acl="private", tags={"a": key.replace("/", "-")})
        started = threading.Event()
        left = [point]

        def when(request: Request) -> bool:
            left[0] -= 1
            if left[0] == 0:
                started.wait(10)
                forks.kill()
            return left[0] == 0

        server.reset(when=when, after_work=after)
        forks.start(*arguments, folder=folder, env=server.env())
        started.set()
        ended = forks.wait()
        done = {key for key in pictures if server.get("shop", key) != pictures[key]}
        before = len(server.requests)
        again = forks.run(*arguments, folder=folder, env=server.env())
        requests = [one for one in server.requests[before:] if ".redactor-probe-" not in one.key]
        written = [one.key for one in requests if one.method == "PUT" and one.bucket == "shop"]
        read = [one for one in requests if one.method == "GET" and one.key and not one.query]
        is_right = (
            ended == -9
            and again == 0
            and _is_finished(server, pictures)
            and not done & set(written)
            and len(done) + len(written) == len(pictures)
        )
    when_ = "after" if after else "before"
    verdict = "yes" if is_right else f"NO (ended {ended}, then {again})"
    print(f"{point:>10} {when_:>7} {len(done):>5} {len(read):>10} {len(written):>8}  {verdict}")
    return is_right


def _is_finished(server: OssServer, pictures: dict[str, bytes]) -> bool:
    """Say whether all are redacted, with what belongs to them, and every original is kept once."""
    originals = sorted(server.get("kept", key) for key in server.keys("kept"))
    stored = [server.stored("shop", key) for key in pictures]
    return (
        originals == sorted(pictures.values())
        and all(one.acl == "private" and len(one.tags) == 1 for one in stored)
        and not any(zxingcpp.read_barcodes(_gray(one.data)) for one in stored)
    )


def _gray(data: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(data)).convert("L"))


def a_picture(number: int) -> bytes:
    """Give a small PNG that shows a QR code of its own."""
    barcode = zxingcpp.create_barcode(f"secret {number}", zxingcpp.BarcodeFormat.QRCode)
    symbol = np.array(zxingcpp.write_barcode_to_image(barcode, scale=3))
    sheet = np.full((140, 140), 235, np.uint8)
    sheet[20 : 20 + symbol.shape[0], 20 : 20 + symbol.shape[1]] = symbol
    file = io.BytesIO()
    Image.fromarray(sheet).convert("RGB").save(file, "PNG")
    return file.getvalue()


if __name__ == "__main__":
    raise SystemExit(main())
