"""Many pictures: read, redact, write back and record each, some at a time, in order."""

from redactor.batch.run import Batch, Outcome

__all__ = ["Batch", "Outcome"]
