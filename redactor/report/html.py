"""The report as one HTML file that opens offline and asks nobody for anything.

Foreign text reaches the page through one door: the template escapes every value, and before that
`escape_text` makes control and reordering characters visible. There is no script; the page's
own policy forbids everything but its style sheet (by hash) and pictures inside the file.
No picture on the page holds a code that could be read, unless asked for.
"""

import base64
import bisect
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from redactor.geometry import Point, Quad
from redactor.model import Action, Limits, Result, Verdict
from redactor.report import words
from redactor.report.rows import CodeRow, Row, row
from redactor.report.tally import Tally
from redactor.report.text import RUN_KEY, Content, escape_text, shorten
from redactor.report.thumbnails import Thumbnail, thumbnail

MAX_CODES = 40
"""Codes listed under one picture."""
MAX_TROUBLES = 100
"""Pictures named in the list of what could not be handled."""


class HtmlReport:
    """Builds the page picture by picture. Keeps small pictures only, and those of the riskiest.

    Args:
        title: Heading of the page.
        policy: Name and hash of the policy.
        detector: What looked for codes: `local`, `imm`, `hybrid`.
        source: Where the pictures came from.
        started: When the run began.
        facts: What else ran, as label and value.
        content: How much of the content of codes the page tells.
        show_codes: Leave codes in the pictures readable.
        max_pictures: Size of the gallery; the riskiest stay.
        limits: Larger pictures are not shown.
        key: Of content hashes.
    """

    def __init__(
        self,
        title: str,
        *,
        policy: str,
        detector: str,
        source: str = "",
        started: datetime | None = None,
        facts: Mapping[str, str] | None = None,
        content: Content = Content.HOST,
        show_codes: bool = False,
        max_pictures: int = 500,
        limits: Limits | None = None,
        key: bytes = RUN_KEY,
    ) -> None:
        self.title = title
        self.tally = Tally()
        when = f"{started:%Y-%m-%d %H:%M %Z}".strip() if started else ""
        self._facts = {
            "Policy": policy,
            "Detector": detector,
            "Source": source,
            "Time": when,
            **(facts or {}),
        }
        self._content = content
        self._key = key
        self._show_codes = show_codes
        self._max_pictures = max_pictures
        self._limits = limits or Limits()
        self._cards: list[_Card] = []
        self._troubles: list[_Trouble] = []
        self._trouble_count = 0

    def add(
        self,
        result: Result,
        before: bytes,
        after: bytes | None,
        *,
        written: str | None = None,
        error: str | None = None,
    ) -> None:
        """Add a picture.

        Args:
            result: What happened to it.
            before: The bytes that came in; may be damaged or hostile.
            after: The bytes that were stored; None where there are none.
            written: Where they went.
            error: What went wrong around the picture.
        """
        entry = row(result, written=written, error=error, content=self._content, key=self._key)
        self.add_row(entry, before, after)

    def add_row(self, entry: Row, before: bytes | None, after: bytes | None) -> None:
        """Add a picture by its row, as from a results file; see `add`.

        Args:
            entry: What happened to it.
            before: The bytes that came in; None where they are not at hand.
            after: The bytes that were stored; None where there are none.
        """
        number = self.tally.pictures + 1
        self.tally.add(entry)
        if entry["error"] or entry["verdict"] == Verdict.QUARANTINED:
            self._trouble_count += 1
            if len(self._troubles) < MAX_TROUBLES:
                self._troubles.append(_Trouble(number, entry["name"], words.done_to(entry)))
        rank = (*words.risk(entry), number)
        if len(self._cards) >= self._max_pictures:
            if not self._cards or rank >= self._cards[-1].rank:
                return
            self._cards.pop()
        bisect.insort(self._cards, self._card(rank, entry, before, after), key=_rank)

    def render(self) -> str:
        """Give the page as it stands."""
        style = resources.files(__package__).joinpath("page.css").read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        shown = {card.number for card in self._cards}
        return _template().render(
            title=self.title,
            style=Markup(style),  # our own file
            style_hash=digest,
            facts={label: value for label, value in self._facts.items() if value},
            tally=self.tally,
            verdicts=list(Verdict),
            actions=list(Action),
            rules=self.tally.rules.most_common(12),
            words=words,
            troubles=self._troubles,
            more_troubles=self._trouble_count - len(self._troubles),
            shown=shown,
            cards=self._cards,
            more=self.tally.pictures - len(self._cards),
            content=self._content,
            show_codes=self._show_codes,
        )

    def _card(
        self, rank: tuple[int, ...], entry: Row, before: bytes | None, after: bytes | None
    ) -> "_Card":
        is_unknown = entry["verdict"] == Verdict.QUARANTINED
        shown = _shown(entry)
        codes = [_Code.of(number, code, entry) for number, code in enumerate(entry["codes"], 1)]
        first = self._shrink(before, entry, _areas(entry), coarse=is_unknown)
        is_changed = after is not None and after != before and not is_unknown
        left = [
            Quad.of(code["quad"])
            for code in entry["codes"]
            if code["frame"] == shown and not Action(code["action"]).hides
        ]
        return _Card(
            rank=rank,
            number=rank[-1],
            entry=entry,
            verdict=Verdict(entry["verdict"]),
            facts=_facts_of(entry),
            before=first,
            after=self._shrink(after, entry, left) if is_changed else None,
            before_label=_before_label(entry, is_changed, is_unknown and not self._show_codes),
            after_label="after" + (_LEFT if left and not self._show_codes else ""),
            is_changed=is_changed,
            outlines=_outlines(codes, first, shown) if first else (),
            codes=tuple(codes[:MAX_CODES]),
            more_codes=max(0, len(codes) - MAX_CODES),
        )

    def _shrink(
        self,
        data: bytes | None,
        entry: Row,
        hide: list[Quad],
        *,
        coarse: bool = False,
    ) -> "_Shot | None":
        if data is None:
            return None
        small = thumbnail(
            data,
            orientation=entry["orientation"],
            hide=() if self._show_codes else hide,
            coarse=coarse and not self._show_codes,
            page=_shown(entry),
            limits=self._limits,
        )
        return _Shot.of(small) if small else None


@dataclass(frozen=True, slots=True)
class _Trouble:
    number: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Shot:
    """A small picture on the page; width and height are those it is shown with."""

    picture: Thumbnail
    url: Markup
    width: int
    height: int

    @classmethod
    def of(cls, picture: Thumbnail) -> "_Shot":
        # Tiny pictures are enlarged, so that outlines and numbers have room.
        scale = max(1.0, 160 / max(picture.size))
        width, height = (max(1, round(side * scale)) for side in picture.size)
        url = "data:image/webp;base64," + base64.b64encode(picture.webp).decode("ascii")
        return cls(picture, Markup(url), width, height)


@dataclass(frozen=True, slots=True)
class _Code:
    """One code in words."""

    number: int
    row: CodeRow
    action: Action
    symbology: str
    content: str
    is_quote: bool
    frame: str
    details: tuple[str, ...]

    @classmethod
    def of(cls, number: int, code: CodeRow, entry: Row) -> "_Code":
        content, is_quote = words.content_of(code)
        frames, frame = entry["frames"], code["frame"]
        return cls(
            number=number,
            row=code,
            action=Action(code["action"]),
            symbology=words.symbology_name(code["symbology"]),
            content=content,
            is_quote=is_quote,
            frame=words.frame_name(frames, frame),
            details=_details(code),
        )


@dataclass(frozen=True, slots=True)
class _Outline:
    """A code on a picture: SVG points, and where and how large its number stands."""

    number: int
    action: Action
    points: str
    badge: Point
    radius: float


@dataclass(frozen=True, slots=True)
class _Card:
    """One picture on the page."""

    rank: tuple[int, ...]
    number: int
    entry: Row
    verdict: Verdict
    facts: tuple[str, ...]
    before: _Shot | None
    after: _Shot | None
    before_label: str
    after_label: str
    is_changed: bool
    outlines: tuple[_Outline, ...]
    codes: tuple[_Code, ...]
    more_codes: int


def _rank(card: _Card) -> tuple[int, ...]:
    return card.rank


def _facts_of(entry: Row) -> tuple[str, ...]:
    size = entry["size"]
    facts = [
        entry["format"] or "",
        f"{size[0]:,} × {size[1]:,} px" if size else "",  # noqa: RUF001 - the sign for it
        f"orientation {entry['orientation']}" if entry["orientation"] != 1 else "",
        words.count(len(entry["codes"]), "code") if entry["codes"] else "",
        words.PATHS.get(entry["path"] or "", ""),
        _change_of(entry),
        "held back" if entry["held"] else "",
    ]
    return tuple(fact for fact in facts if fact)


def _change_of(entry: Row) -> str:
    """Say how a changed file differs in length, and in what was not hidden."""
    if not entry["source_bytes"] or entry["output_bytes"] is None or entry["difference"] is None:
        return ""
    length = f"{entry['output_bytes'] / entry['source_bytes']:.0%} of the bytes"
    if not entry["difference"]:
        return length
    return f"{length}, up to {entry['difference']} of 255 levels off elsewhere"


def _shown(entry: Row) -> int:
    """Choose the frame or page to show: the first with a code."""
    frames = entry["frames"]
    seen = sorted(code["frame"] for code in entry["codes"] if code["frame"] < len(frames))
    return next((frame for frame in seen if frames[frame].startswith(words.PAGES)), 0)


def _areas(entry: Row) -> list[Quad]:
    """Find what holds codes in a picture as it came: the regions, and the codes that stay."""
    shown = _shown(entry)
    regions = [Quad.of(region["quad"]) for region in entry["regions"] if region["frame"] == shown]
    codes = [
        Quad.of(code["quad"])
        for code in entry["codes"]
        if code["frame"] == shown and not (regions and Action(code["action"]).hides)
    ]
    return regions + codes


_LEFT = "; codes left readable in it are broken up on this page only"


def _before_label(entry: Row, is_changed: bool, is_coarse: bool) -> str:
    if is_coarse:
        return "shown only as a blur: what it holds is not known"
    if is_changed:
        return "before"
    return "unchanged" if entry["path"] == "unchanged" else "as it came"


def _details(code: CodeRow) -> tuple[str, ...]:
    confidence = code["confidence"]
    details = [
        f"seen by {', '.join(code['sources'])}" if code["sources"] else "",
        "" if confidence is None else f"confidence\u00a0{confidence:.2f}",
        "engines disagree on the content" if code["disputed"] else "",
        code["doubt"] or "",
    ]
    return tuple(detail for detail in details if detail)


def _outlines(codes: list[_Code], shot: _Shot, shown: int) -> tuple[_Outline, ...]:
    return tuple(_outline(code, shot) for code in codes if code.row["frame"] == shown)


def _outline(code: _Code, shot: _Shot) -> _Outline:
    # Bounded: a detector may place corners anywhere, and the page need not draw that far.
    places = [shot.picture.place(corner) for corner in code.row["quad"]]
    corners = [
        Point(_between(-1, x, 2) * shot.width, _between(-1, y, 2) * shot.height) for x, y in places
    ]
    upper_left = min(corners, key=lambda corner: corner.x + 2 * corner.y)
    # On a sheet full of codes, large numbers would cover the codes.
    radius = 7.5 if min(Quad.of(corners).sides) < 44 else 11
    reach = radius + 1
    badge = Point(
        _between(reach, upper_left.x, shot.width - reach),
        _between(reach, upper_left.y, shot.height - reach),
    )
    points = " ".join(f"{corner.x:.1f},{corner.y:.1f}" for corner in corners)
    return _Outline(code.number, code.action, points, badge, radius)


def _between(low: float, value: float, high: float) -> float:
    return max(low, min(value, high))


def _show(value: object) -> object:
    """Make foreign text visible and bounded; what the page itself is made of passes as markup."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return escape_text(shorten(value, limit=400))


@cache
def _template() -> Template:
    source = resources.files(__package__).joinpath("page.html.j2").read_text("utf-8")
    environment = Environment(
        autoescape=True,
        finalize=_show,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(source)
