"""What can go wrong, as one small tree.

::

    RedactorError
    ├── PictureError             one picture cannot be handled: it is quarantined
    │   ├── UnsupportedPicture   a format, mode or structure that is not handled
    │   ├── DamagedPicture       the bytes are not a whole picture
    │   └── LimitExceeded        larger than the limits allow
    ├── NotPublishable           the bytes of a quarantined or held picture were asked for
    ├── PolicyError              a policy file is wrong; carries every mistake
    ├── DetectorError            a detector failed on one picture
    ├── WorkerLost               the process that worked on one picture crashed or hung
    ├── BackendMissing           something the run needs is absent: credentials, a bucket, a decoder
    │   ├── TooManyQuarantined   so many pictures fail that something must be missing
    │   └── RunFolderError       a run cannot be recorded: in use, of another run, or a full disk
    └── StorageError             one read or write failed
        ├── NotFound             no such object, file or bucket
        ├── AccessRefused        credentials or permissions
        ├── AlreadyExists        the target exists and may not be overwritten
        ├── Changed              the object is not the one that was read before
        ├── Unavailable          throttled, busy or unreachable after every retry
        └── DamagedTransfer      length or checksum differ from what the store announced

A message names the thing, the place and the way out. Foreign errors are translated where they
enter. What is merely normal, such as a code nobody can read, is a value and not an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class RedactorError(Exception):
    """The root of the tree."""


class PictureError(RedactorError):
    """One picture cannot be handled; the message is the reason it is quarantined for."""


class UnsupportedPicture(PictureError):
    """A format, mode or structure that is not handled."""


class DamagedPicture(PictureError):
    """The bytes are not a whole picture."""


class LimitExceeded(PictureError):
    """The picture is larger than the limits allow."""


class NotPublishable(RedactorError):
    """The bytes of a quarantined or held picture were asked for."""


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a policy file.

    Attributes:
        file: Name of the file as the user gave it.
        line: From 1.
        column: From 1.
        message: What is wrong and what would be right.
        rule: The id of the rule it stands in; None outside of rules.
    """

    file: str
    line: int
    column: int
    message: str
    rule: str | None = None

    def __str__(self) -> str:
        # What stands where an id should may be anything; then the place says enough.
        has_name = self.rule is not None and self.rule.isprintable() and len(self.rule) <= 60
        rule = f"{self.rule}: " if has_name else ""
        return f"{self.file}:{self.line}:{self.column}: {rule}{self.message}"


class PolicyError(RedactorError):
    """A policy file is wrong.

    Attributes:
        mistakes: Every mistake found, in the order of the file.
    """

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


class DetectorError(RedactorError):
    """A detector failed on one picture."""


class WorkerLost(RedactorError):
    """The process that worked on one picture crashed, hung or was ended."""


class BackendMissing(RedactorError):
    """Something the run needs is absent: credentials, a bucket, a decoder."""


class TooManyQuarantined(BackendMissing):
    """So many pictures fail that something must be missing: the run stopped."""


class RunFolderError(BackendMissing):
    """A run cannot be recorded: its folder is in use, belongs to another run, or cannot be used."""


class StorageError(RedactorError):
    """One read or write failed."""


class NotFound(StorageError):
    """No such object, file or bucket."""


class AccessRefused(StorageError):
    """Credentials or permissions do not suffice."""


class AlreadyExists(StorageError):
    """The target exists and may not be overwritten."""


class Changed(StorageError):
    """The object is not the one that was read before."""


class Unavailable(StorageError):
    """Throttled, busy or unreachable after every retry."""


class DamagedTransfer(StorageError):
    """Length or checksum differ from what the store announced."""
