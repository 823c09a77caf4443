"""Many pictures: read, redact, write back and record each, some at a time."""

from redactor.batch.capacity import Capacity
from redactor.batch.entry import Entry, entry_of
from redactor.batch.ledger import Ledger
from redactor.batch.run import Batch, Outcome

__all__ = ["Batch", "Capacity", "Entry", "Ledger", "Outcome", "entry_of"]
