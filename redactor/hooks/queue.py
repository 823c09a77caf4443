"""Uploads that wait, on disk, so that none is lost when the service stops.

Callbacks are not repeated and must be answered within 5 s: an upload is queued, and flushed to
disk, before the answer.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from redactor.errors import BackendMissing, Unavailable
from redactor.hooks.uploads import Upload

_KEPT_S = 3600  # for as long, a repeated event is known; later it is looked into, and found done
_WAITS_S = (5, 30, 120, 600, 1800, 3600)
_TABLE = """
CREATE TABLE IF NOT EXISTS uploads (
    bucket TEXT NOT NULL, keys TEXT NOT NULL, etag TEXT NOT NULL,
    state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL,
    PRIMARY KEY (bucket, keys, etag)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_due ON uploads (state, due);
"""


class UploadQueue:
    """A queue in a file. Threads may share it; one process at a time.

    Args:
        path: Of the file; made where it is missing.
        most: Uploads that may wait.
        clock: Seconds since 1970.

    Raises:
        BackendMissing: If the file cannot be used, or another process uses it.
    """

    def __init__(
        self, path: str | Path, *, most: int = 100_000, clock: Callable[[], float] = time.time
    ) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        try:
            self._file = sqlite3.connect(path, timeout=1, check_same_thread=False)
            # Nobody else may take out what this process has in hand.
            self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.executescript(_TABLE)
            with self._file:
                # What was in hand when the service was killed waits again.
                self._file.execute("UPDATE uploads SET state = 'waits' WHERE state = 'in hand'")
        except sqlite3.Error as error:
            raise BackendMissing(
                f"{path}: no queue can be kept there ({error}); name a file that can be written"
                " and that no other process uses"
            ) from error

    def put(self, upload: Upload) -> bool:
        """Queue an upload; it is on disk when this returns.

        Returns:
            False if it was queued before.

        Raises:
            Unavailable: If the queue is full, or the disk does not take it.
        """
        now = self._clock()
        try:
            with self._lock, self._file:
                if self._waiting() >= self._most:
                    raise Unavailable(f"{self._most:,} uploads wait already; try again later")
                bucket, keys, etag = _row(upload)
                # Once other bytes came under the key, the first ones are new if they come again.
                self._file.execute(
                    "DELETE FROM uploads WHERE bucket = ? AND keys = ? AND etag != ?"
                    " AND state = 'done'",
                    (bucket, keys, etag),
                )
                added = self._file.execute(
                    "INSERT INTO uploads (bucket, keys, etag, state, due)"
                    " VALUES (?, ?, ?, 'waits', ?) ON CONFLICT DO NOTHING",
                    (bucket, keys, etag, now),
                )
                return added.rowcount == 1
        except sqlite3.Error as error:
            raise Unavailable(f"the queue cannot be written ({error})") from error

    def take(self) -> Upload | None:
        """Give the upload that waits longest, to be `done` or put `back`; None for none."""
        with self._lock, self._file:
            found = self._file.execute(
                "SELECT bucket, keys, etag FROM uploads WHERE state = 'waits' AND due <= ?"
                " ORDER BY due LIMIT 1",
                (self._clock(),),
            ).fetchone()
            if found is None:
                return None
            upload = Upload(found[0], tuple(json.loads(found[1])), found[2])
            self._set(upload, "state = 'in hand', tries = tries + 1")
            return upload

    def done(self, upload: Upload) -> None:
        """Say that an upload needs no more work; a repeated event about it is ignored."""
        now = self._clock()
        with self._lock, self._file:
            # Without an ETag two uploads look alike: the second must not be taken for the first.
            if upload.etag:
                self._set(upload, "state = 'done', due = ?", now)
            else:
                self._delete(upload)
            self._file.execute(
                "DELETE FROM uploads WHERE state = 'done' AND due < ?", (now - _KEPT_S,)
            )

    def back(self, upload: Upload) -> bool:
        """Let an upload wait again, longer each time. False if it was tried often enough."""
        with self._lock, self._file:
            (tries,) = self._file.execute(
                "SELECT tries FROM uploads WHERE bucket = ? AND keys = ? AND etag = ?",
                _row(upload),
            ).fetchone()
            if tries > len(_WAITS_S):
                self._delete(upload)
                return False
            self._set(upload, "state = 'waits', due = ?", self._clock() + _WAITS_S[tries - 1])
            return True

    def __len__(self) -> int:
        with self._lock:
            return self._waiting()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._file.close()

    def _waiting(self) -> int:
        found = self._file.execute(
            "SELECT count(*) FROM uploads WHERE state IN ('waits', 'in hand')"
        )
        return int(found.fetchone()[0])

    def _set(self, upload: Upload, change: str, *values: float) -> None:
        self._file.execute(
            f"UPDATE uploads SET {change} WHERE bucket = ? AND keys = ? AND etag = ?",
            (*values, *_row(upload)),
        )

    def _delete(self, upload: Upload) -> None:
        self._file.execute(
            "DELETE FROM uploads WHERE bucket = ? AND keys = ? AND etag = ?", _row(upload)
        )


def _row(upload: Upload) -> tuple[str, str, str]:
    return upload.bucket, json.dumps(upload.keys), upload.etag
