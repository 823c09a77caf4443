"""Worker processes: pictures are decoded and looked at there, and what is lost is lost alone."""

from redactor.workers.pool import Workers
from redactor.workers.room import Room

__all__ = ["Room", "Workers"]
