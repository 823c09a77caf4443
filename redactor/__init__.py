"""Find every QR code and barcode in a picture, decide by a policy, hide what must go, provably.

>>> from redactor import Redactor
>>> redactor = Redactor.from_policy("policies/default.yaml")
>>> result = redactor.redact(upload_bytes)
>>> result.verdict, result.changed, result.codes, result.image
"""

from typing import TYPE_CHECKING, Any

from redactor.version import __version__

if TYPE_CHECKING:
    from redactor.model import (
        Action,
        Decision,
        Detection,
        Flag,
        Limits,
        Origin,
        PictureDecision,
        Result,
        Verdict,
    )
    from redactor.pipeline import Redactor
    from redactor.policy import Policy

__all__ = [
    "Action",
    "Decision",
    "Detection",
    "Flag",
    "Limits",
    "Origin",
    "PictureDecision",
    "Policy",
    "Redactor",
    "Result",
    "Verdict",
    "__version__",
]

_HOMES = {"Redactor": "redactor.pipeline", "Policy": "redactor.policy"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    # Loaded on first use: `redactor --version` and `--help` must not load the decoders.
    if name not in __all__:
        raise AttributeError(f"module 'redactor' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "redactor.model")), name)
