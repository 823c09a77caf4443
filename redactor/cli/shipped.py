"""Where the policies and samples that come with the package lie."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path:
    """Give the folder of shipped `policies` or `samples`.

    They lie beside the package in a checkout, and inside it once it is installed.
    """
    package = Path(__file__).resolve().parent.parent
    inside = package / "shipped" / name
    return inside if inside.is_dir() else package.parent / name
