"""Serve an OSS stand-in from a process of its own: `python -m redactor.testing`."""

import argparse
import signal
import sys
import threading

from redactor.testing.server import OssServer


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted or terminated; the first lines set a shell's environment."""
    parser = argparse.ArgumentParser(
        prog="python -m redactor.testing",
        description="Serve an OSS stand-in on loopback until interrupted. Everything is in memory.",
        epilog="example: python -m redactor.testing --bucket uploads > oss.env",
    )
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1 (default: any free one)")
    parser.add_argument(
        "--bucket", action="append", default=[], metavar="NAME", help="make a bucket; repeatable"
    )
    parser.add_argument("--imm-project", metavar="NAME", help="let IMM itself be asked for it")
    options = parser.parse_args(arguments)
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    with OssServer(
        port=options.port, buckets=options.bucket, imm_project=options.imm_project
    ) as server:
        lines = [f"export {name}={value}\n" for name, value in server.env().items()]
        sys.stdout.write("".join(lines))
        sys.stdout.flush()
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
