"""What a run has done, kept in its folder, so that the next run goes on where it ended.

One SQLite file, one row per picture, also for pictures in which nothing was found. It keeps the
contents of codes whole, so that a changed policy can be replayed without the pictures, and is for
its owner alone (mode 0600). A picture is recorded after it was written: what the ledger says is
done is done, whenever the run was killed. What was written and not recorded any more is found
where it was to be written, byte for byte, and recorded then.

Writes are gathered for up to a second, also while nothing else is finished. A killed run loses the
record of that second at most; a machine without power perhaps a little more, and never what was
recorded before (WAL, synchronous=NORMAL: https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import cast

from redactor.batch.entry import Entry
from redactor.batch.recorded import replay
from redactor.errors import PictureError, RunFolderError, StorageError
from redactor.pipeline import Redactor
from redactor.report.rows import Row
from redactor.storage import Blob, Item
from redactor.storage.local import LocalItem
from redactor.storage.oss_place import SCHEME
from redactor.version import __version__

FILE = "ledger.sqlite"
RESULTS = "results.jsonl"
SUMMARY = "run.json"
_LOCK = "lock"
_APPLICATION = 0x52644C67  # "RdLg", in the file's header
_VERSION = 1
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR")
_GATHERED_S = 1.0
_GATHERED = 500

_SCHEMA = """
CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE pictures (
    name BLOB PRIMARY KEY,          -- as the user would type it; not always UTF-8
    relative BLOB NOT NULL,
    number INTEGER NOT NULL,        -- in the listing
    state TEXT,                     -- of the source before it was read
    after TEXT,                     -- of what was written, once it was: the output, or in place
    setting TEXT NOT NULL,          -- what looked: versions, detector, limits
    policy TEXT NOT NULL,           -- hash
    day TEXT NOT NULL,              -- on which was decided, for what expires
    decided TEXT NOT NULL,
    source_hash TEXT NOT NULL,
    output_hash TEXT,               -- of what was written last
    row TEXT NOT NULL,              -- JSON, contents whole
    recorded REAL NOT NULL          -- seconds since 1970
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class _Found:
    """What is recorded of a picture; see the columns of the table."""

    state: str | None
    after: str | None
    policy: str
    day: str
    decided: str
    source_hash: str
    output_hash: str | None
    row: Row
    name: str

    @property
    def is_replaced(self) -> bool:
        """Whether other bytes were put in its place."""
        return self.row["written"] == self.name and self.output_hash != self.source_hash

    def is_there(self) -> bool:
        """Say whether what was written still is, where no network must be asked.

        What looks as it did when it was written is not read again.
        """
        written = self.row["written"]
        if written is None or written == self.name or written.startswith(SCHEME):
            return True
        output = LocalItem(written, "")
        if self.after is not None and output.state == self.after:
            return True
        size = output.size
        if size is None or size != self.row["output_bytes"]:
            return False
        try:
            data = output.read(max_bytes=size).data
        except (StorageError, PictureError):
            return False
        return hashlib.sha256(data).hexdigest() == self.output_hash


class Ledger:
    """The record of a run. Threads share it; two processes cannot. A context manager.

    Args:
        folder: Of the run; made if it is not there.
        redactor: What looks and decides; None to read only.
        places: Where pictures go; a run with others needs another folder.
        quarantine: Where copies of quarantined pictures go; those that went elsewhere are looked
            at again. None for nowhere.
        in_place: Pictures are replaced where they lie. What was hidden in them is known from here
            alone then, so that a run which would look at them anew needs another folder.
        anew: Forget what was done.

    Raises:
        RunFolderError: If another run uses it, it belongs to another run, or it cannot be used.
    """

    def __init__(
        self,
        folder: str | Path,
        redactor: Redactor | None = None,
        places: str = "",
        quarantine: str | None = None,
        *,
        in_place: bool = False,
        anew: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self._redactor = redactor
        self._setting = _setting(redactor) if redactor else ""
        self._day = datetime.now(UTC).date().isoformat()
        self._guard = threading.RLock()
        self._waiting: list[tuple[object, ...]] = []
        self._timer: threading.Timer | None = None
        self._failed: RunFolderError | None = None
        self._files = contextlib.ExitStack()
        try:
            if redactor is None:
                self._open_to_read()
            else:
                self._open(places)
                if anew:
                    self._forget()
                if in_place:
                    self._check_way(redactor.policy.hash)
                self._check_quarantine(quarantine)
        except (OSError, sqlite3.Error, UnicodeError) as error:
            self._files.close()
            raise _failure(self.folder, error) from error
        except RunFolderError:
            self._files.close()
            raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._files:
            if self._redactor is not None:
                self.flush()

    def record_ahead(self, entry: Entry) -> None:
        """Keep what is about to happen to a picture that is replaced, at once.

        Should the run be killed over it, its bytes tell whether it has happened.

        Raises:
            RunFolderError: If it cannot be kept; then it must not happen.
        """
        self.record(replace(entry, after=None))
        self.flush()

    def record(self, entry: Entry) -> None:
        """Keep what happened to a picture.

        Raises:
            RunFolderError: If it cannot be kept; what was kept before is safe.
        """
        assert self._redactor is not None
        told = entry.row
        with self._guard:
            self._waiting.append(
                (
                    os.fsencode(told["name"]),
                    os.fsencode(entry.relative),
                    entry.number,
                    entry.state,
                    entry.after,
                    self._setting,
                    self._redactor.policy.hash,
                    self._day,
                    entry.decided,
                    told["source_hash"],
                    told["output_hash"] if told["written"] else None,
                    json.dumps(told),
                    time.time(),
                )
            )
            if len(self._waiting) >= _GATHERED or self._failed is not None:
                self.flush()
            elif self._timer is None:
                # Not at the next picture: that may be hours away.
                self._timer = threading.Timer(_GATHERED_S, self._flush_in_time)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Bring to the disk what was gathered.

        Raises:
            RunFolderError: If that cannot be done.
        """
        with self._guard:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._failed = None
            if self._waiting:
                self._write()

    def _flush_in_time(self) -> None:
        with self._guard:
            if self._timer is not threading.current_thread():
                return  # flushed meanwhile
            try:
                self.flush()
            except RunFolderError as error:
                self._failed = error  # what is recorded next tries again, and says so

    def _write(self) -> None:
        places = [f"?{number}" for number in range(1, len(self._waiting[0]) + 1)]
        # Where a picture fails now, what an earlier run wrote for it is still there.
        places[10] = "COALESCE(?11, (SELECT output_hash FROM pictures WHERE name = ?1))"
        try:
            if not (self.folder / FILE).exists():
                raise OSError("it is gone")
            with self._base:
                self._base.execute("BEGIN")
                self._base.executemany(
                    f"INSERT OR REPLACE INTO pictures VALUES ({', '.join(places)})",
                    self._waiting,
                )
        except (sqlite3.Error, OSError) as error:
            raise _failure(self.folder, error) from error
        self._waiting.clear()

    def done(self, item: Item, number: int) -> Entry | None:
        """Give what is recorded of a picture that need not be done again, by what its store says.

        A picture is done if the same engines looked at the same bytes, today's policy says what
        was said then, nothing went wrong around it, and what was written is still there. One that
        was replaced in place is done while the replacement lies there, and not once the original
        was put back.
        """
        found = self._find(item)
        state = item.state if found else None
        if found is None or state is None:
            return None
        if state != (found.after if found.is_replaced else found.state):
            return None
        entry = self._recalled(found, item, number, state)
        if entry is not None:
            self.record(entry)
        return entry

    def same(self, item: Item, blob: Blob, number: int, state: str | None) -> Entry | None:
        """The same for a picture that has been read, by its bytes.

        Args:
            item: The picture.
            blob: Its bytes.
            number: Its place in the listing.
            state: What its store said before it was read.
        """
        earlier = self.earlier(item, number, state)
        if earlier is None or hashlib.sha256(blob.data).hexdigest() != earlier[0]:
            return None
        self.record(earlier[1])
        return earlier[1]

    def earlier(self, item: Item, number: int, state: str | None) -> tuple[str, Entry] | None:
        """Give what is recorded of a picture, for whoever reads it elsewhere; arguments as above.

        Returns:
            The SHA-256 that its bytes must have, and what is then to be recorded; None to work on
            it whatever they are.
        """
        found = self._find(item)
        entry = self._recalled(found, item, number, state) if found else None
        if found is None or entry is None:
            return None
        if not found.is_replaced:
            return found.source_hash, entry
        return (found.output_hash, replace(entry, after=state)) if found.output_hash else None

    def written(self, item: Item) -> str | None:
        """Give the SHA-256 of what an earlier run wrote for a picture; None where it did not."""
        with self._guard:
            found = self._base.execute(
                "SELECT output_hash FROM pictures WHERE name = ?", (os.fsencode(item.name),)
            ).fetchone()
        return None if found is None else found[0]

    def wrote(self, item: Item, digest: str) -> bool:
        """Say whether an earlier run wrote a file of this SHA-256 for a picture."""
        return self.written(item) == digest

    def _find(self, item: Item) -> _Found | None:
        try:
            with self._guard:
                found = self._base.execute(
                    "SELECT relative, state, after, policy, day, decided, source_hash, output_hash,"
                    " row FROM pictures WHERE name = ? AND setting = ?",
                    (os.fsencode(item.name), self._setting),
                ).fetchone()
            if found is None or found[0] != os.fsencode(item.relative):
                return None
            *known, row = found[1:]
            return _Found(*(*known, _row(row), item.name))
        except (sqlite3.Error, ValueError) as error:
            raise _failure(self.folder, error) from error

    def _recalled(self, found: _Found, item: Item, number: int, state: str | None) -> Entry | None:
        assert self._redactor is not None
        policy, row = self._redactor.policy, found.row
        if row["error"] is not None or not found.is_there():
            return None
        if (found.policy, found.day) != (policy.hash, self._day):
            # Undecided: whether it could be opened at all may hang on the policy.
            if row["origin"] is None:
                return None
            said, row = replay(row, policy)
            if said != found.decided:
                return None
        return Entry(
            row, item.relative, number, state, found.after, found.decided, is_recalled=True
        )

    def rows(self) -> Iterator[Row]:
        """Give the row of every picture, in the order of the listing; contents are whole."""
        self.flush()
        try:
            for (row,) in self._base.execute("SELECT row FROM pictures ORDER BY number, name"):
                yield _row(row)
        except (sqlite3.Error, ValueError) as error:
            raise _failure(self.folder, error) from error

    def _open(self, places: str) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock()
        path = self.folder / FILE
        # Made here, because SQLite would give it the mode that the umask leaves; its further files
        # take the mode of this one.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
        self._connect(str(path))
        self._base.execute("PRAGMA journal_mode=WAL")
        self._base.execute("PRAGMA synchronous=NORMAL")
        if not self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            with self._base:
                self._base.executescript(
                    f"BEGIN; {_SCHEMA} PRAGMA application_id={_APPLICATION};"
                    f" PRAGMA user_version={_VERSION}; COMMIT;"
                )
        self._check_version()
        self._check_places(places)

    def _open_to_read(self) -> None:
        path = self.folder / FILE
        if not path.is_file():
            raise RunFolderError(f"{self.folder}: no run folder; it holds no {FILE}")
        self._connect(f"file:{_quoted(path)}?mode=ro", uri=True)
        self._check_version()

    def _connect(self, path: str, *, uri: bool = False) -> None:
        self._base = sqlite3.connect(
            path, uri=uri, check_same_thread=False, isolation_level=None, timeout=10
        )
        self._files.callback(self._base.close)

    def _version(self) -> int:
        return int(self._base.execute("PRAGMA user_version").fetchone()[0])

    def _check_version(self) -> None:
        application = self._base.execute("PRAGMA application_id").fetchone()[0]
        if application != _APPLICATION:
            raise RunFolderError(f"{self.folder / FILE}: not a ledger of redactor; left as it is")
        if (found := self._version()) != _VERSION:
            raise RunFolderError(
                f"{self.folder / FILE}: version {found} of the ledger, and this redactor knows"
                f" {_VERSION}; go on with the redactor that wrote it, or name a new --run-folder"
            )

    def _check_places(self, places: str) -> None:
        with self._base:
            self._base.execute("INSERT OR IGNORE INTO run VALUES ('places', ?)", (places,))
        known = self._base.execute("SELECT value FROM run WHERE key = 'places'").fetchone()[0]
        if known != places:
            raise RunFolderError(
                f"{self.folder}: keeps a run with {_in_words(known)}, and this is one with"
                f" {_in_words(places)}; name another --run-folder"
            )

    def _forget(self) -> None:
        with self._base:
            self._base.executescript(
                "BEGIN; DELETE FROM pictures; DELETE FROM run WHERE key = 'way'; COMMIT;"
            )

    def _check_way(self, policy: str) -> None:
        way = [policy, self._setting]
        kept = self._base.execute("SELECT value FROM run WHERE key = 'way'").fetchone()
        # Folders of earlier versions tell by their pictures.
        found = (
            kept
            or self._base.execute(
                "SELECT json_array(policy, setting) FROM pictures WHERE setting <> '' LIMIT 1"
            ).fetchone()
        )
        known = json.loads(found[0]) if found else way
        if known != way:
            what = "policy" if known[0] != policy else "detector or version"
            raise RunFolderError(
                f"{self.folder}: keeps what was hidden in place with another {what}, and would lose"
                " it; name another --run-folder, or begin anew with --no-resume"
            )
        with self._base:
            self._base.execute("INSERT OR IGNORE INTO run VALUES ('way', ?)", (json.dumps(way),))

    def _check_quarantine(self, place: str | None) -> None:
        if place is None:
            return
        with self._base:
            self._base.execute("BEGIN")
            known = self._base.execute("SELECT value FROM run WHERE key = 'quarantine'").fetchone()
            if known is None or known[0] != place:
                self._base.execute(
                    "UPDATE pictures SET setting = ''"
                    " WHERE json_extract(row, '$.verdict') = 'quarantined'"
                )
                self._base.execute("INSERT OR REPLACE INTO run VALUES ('quarantine', ?)", (place,))

    def _lock(self) -> None:
        path = self.folder / _LOCK
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._files.callback(os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            raise RunFolderError(
                f"{self.folder}: another run is using it (process {pid}); wait for its end,"
                " or name another --run-folder"
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())


def _setting(redactor: Redactor) -> str:
    """Put down what looks at pictures: with another, all is looked at again."""
    engines = {}
    for package in ("zxing-cpp", "pyzbar", "opencv-python-headless"):
        with contextlib.suppress(PackageNotFoundError):
            engines[package] = version(package)
    return json.dumps(
        {
            "redactor": __version__,
            "engines": engines,
            "names": redactor.local.names,
            "detector": redactor.where,
            "thorough": redactor.local.is_thorough,
            "limits": asdict(redactor.limits),
        }
    )


def _row(text: str) -> Row:
    """Read a row.

    Raises:
        ValueError: If it is none.
    """
    row = json.loads(text)
    if not isinstance(row, dict) or not Row.__required_keys__ <= row.keys():
        raise ValueError("a row is damaged")
    return cast(Row, row)


def _in_words(places: str) -> str:
    known = {key: value for key, value in json.loads(places).items() if value}
    return ", ".join(
        f"--{key.replace('_', '-')}" if value is True else f"--{key.replace('_', '-')} {value}"
        for key, value in known.items()
    )


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(os.fsencode(path.absolute()))


def _failure(folder: Path, error: Exception) -> RunFolderError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    name = getattr(error, "sqlite_errorname", None)
    if name in _DAMAGED or (isinstance(error, ValueError) and not isinstance(error, UnicodeError)):
        return RunFolderError(
            f"{folder / FILE}: damaged: {reason.lower()}; name another --run-folder, or remove it"
            " to begin anew"
        )
    return RunFolderError(
        f"{folder}: the run cannot be recorded: {reason.lower()}; what was recorded before is safe"
    )
