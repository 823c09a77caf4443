"""The report as one HTML file that opens offline and asks nobody for anything.

Foreign text reaches the page through one door: the template escapes every value, and before that
`escape_text` makes control and reordering characters visible. The page's own policy forbids
everything but its style sheet and its one script (each by hash) and pictures inside the file.
No picture on the page holds a code that could be read, unless asked for.
"""

import base64
import bisect
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template
from markupsafe import Markup

from redactor.geometry import Point, Quad
from redactor.model import Action, Limits, Result, Symbology, Verdict
from redactor.report import words
from redactor.report.pictures import Pictures, left_codes, pictures_of, shown_frame
from redactor.report.rows import CodeRow, Row, row
from redactor.report.tally import Tally
from redactor.report.text import RUN_KEY, Content, defang, escape_text, shorten
from redactor.report.thumbnails import Thumbnail

MAX_CODES = 40
"""Codes listed under one picture."""
EMBEDDED = 400
"""Small pictures inside the page; further ones lie in a folder beside it, where there is one."""
MAX_LOOKED_AT = 2_000
"""Codes of one picture that may be listed or outlined."""
MAX_OUTLINES = 400
"""Codes outlined in one picture."""
FIRST = 40
"""Pictures that show before any script runs; the others come as one scrolls."""
SHOWN = 480
"""Longer side of a small picture in the list, in pixels of a page; it has more to look closer."""
MAX_TROUBLES = 100
"""Pictures named in the list of what could not be handled."""


_SEARCHED = 4_000  # characters of a picture that the search looks through
_MOST_NAMED = 10


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
        is_plan: The rows are those of a plan, which people approve on the page.
        is_diff: The rows are those of `redactor.batch.recorded.changed_row`.
        keep: Stores a small picture under a name in a folder beside the page, so that the page
            need not hold all of them; None to hold all.
        folder: Name of that folder, as the page refers to it.
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
        is_plan: bool = False,
        is_diff: bool = False,
        keep: Callable[[str, bytes], None] | None = None,
        folder: str = "report",
    ) -> None:
        self.title = title
        self._keep, self._folder, self._embedded = keep, folder, 0
        self._is_plan, self._is_diff = is_plan, is_diff
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
        self.add_pictures(entry, self.pictures_of(entry, before, after))

    def add_row(self, entry: Row, before: bytes | None, after: bytes | None) -> None:
        """Add a picture by its row, as from a results file, which may not tell every code.

        Args:
            entry: What happened to it.
            before: The bytes that came in; None where they are not at hand.
            after: The bytes that were stored; None where there are none.
        """
        self.add_pictures(entry, self.pictures_of(entry, before, after, is_whole=False))

    def pictures_of(
        self, entry: Row, before: bytes | None, after: bytes | None, *, is_whole: bool = True
    ) -> Pictures:
        """Make the small pictures of a row, on any thread; arguments as of `add_row`.

        Args:
            entry: What happened to the picture.
            before: As of `add_row`.
            after: As of `add_row`.
            is_whole: Whether the row tells every code, because it was made just now.
        """
        return pictures_of(
            entry,
            before,
            after,
            show_codes=self._show_codes,
            is_whole=is_whole,
            limits=self._limits,
        )

    def tell(self, label: str, value: str) -> None:
        """Add to what the top of the page tells of the run."""
        self._facts[label] = value

    def add_pictures(self, entry: Row, pictures: Pictures) -> None:
        """Add a picture by its row and its small pictures."""
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
        bisect.insort(self._cards, self._card(rank, entry, pictures), key=_rank)

    def render(self) -> str:
        """Give the page as it stands."""
        style, script = _own("page.css"), _own("page.js")
        shown = {card.number for card in self._cards}
        return _template("page.html.j2").render(
            title=self.title,
            style=Markup(style),  # our own files
            style_hash=_hash(style),
            script=Markup(script),
            script_hash=_hash(script),
            first=FIRST,
            is_plan=self._is_plan,
            is_diff=self._is_diff,
            setup=_json(self._setup()),
            index=_json(list(self._index())),
            plan=_json([card.entry for card in self._cards]) if self._is_plan else "",
            symbologies=_named(self.tally.symbologies, words.symbology_name),
            kinds=_named(self.tally.kinds, str),
            sites=_named(self.tally.sites, defang),
            has_pictures=any(card.before or card.after for card in self._cards),
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

    def _setup(self) -> dict[str, object]:
        """Give what the page's script needs to know besides the pictures."""
        symbologies = {one.value: words.symbology_name(one) for one in Symbology}
        # Decisions are kept under this: those on another plan must not show up in this one, nor
        # those on a code that has another number since.
        page_id = hashlib.sha256(self._facts["Policy"].encode("utf-8", "replace"))
        for card in self._cards:
            page_id.update(json.dumps(_identity(card.entry)).encode())
        return {
            "id": page_id.hexdigest()[:32],
            "plan": self._is_plan,
            "file": "decisions.jsonl",
            "names": symbologies,
        }

    def _index(self) -> Iterator[dict[str, object]]:
        """Give what the page's script finds pictures by, and those that are not shown yet."""
        shared = {"words": words, "is_plan": self._is_plan}
        article = _template("card.html.j2").make_module(shared).article  # type: ignore[attr-defined]
        for place, card in enumerate(self._cards):
            yield self._found(card) | {"html": "" if place < FIRST else str(article(card))}

    def _found(self, card: "_Card") -> dict[str, object]:
        codes = card.entry["codes"]
        told = [words.content_of(code)[0] for code in codes[:MAX_CODES]]
        rules = [code["rule"] for code in codes]
        text = " ".join([card.entry["name"], *told, *rules, *card.entry["reasons"]])
        return {
            "number": card.number,
            "name": card.entry["name"],
            "shown": _show(card.entry["name"]),
            "verdict": card.verdict,
            "action": sorted({code["action"] for code in codes}),
            "rule": sorted(set(rules)),
            "approved": card.entry.get("approved"),
            "symbology": sorted({code["symbology"] for code in codes}),
            "kind": sorted({kind for code in codes for kind in code["kinds"] or ()}),
            "codes": len(codes),
            "text": escape_text(text[:_SEARCHED]).lower(),
            "review": [
                {
                    "id": number,
                    "planned": code.get("planned", code["action"]),
                    "action": code["action"],
                    "approved": code.get("approved"),
                    "by": code.get("by"),
                    "reason": code["reason"],
                    "site": code["site"],
                    "symbology": code["symbology"],
                    "read": code["read"],
                }
                for number, code in enumerate(codes, start=1)
            ],
        }

    def _card(self, rank: tuple[int, ...], entry: Row, pictures: Pictures) -> "_Card":
        is_unknown = entry["verdict"] == Verdict.QUARANTINED
        is_changed = pictures.is_changed
        numbered = itertools.islice(enumerate(entry["codes"], 1), MAX_LOOKED_AT)
        codes = [_Code.of(number, code, entry) for number, code in numbered]
        first = self._place(pictures.before)
        return _Card(
            rank=rank,
            number=rank[-1],
            entry=entry,
            verdict=Verdict(entry["verdict"]),
            facts=_facts_of(entry),
            before=first,
            after=self._place(pictures.after),
            before_label=_before_label(entry, is_changed, is_unknown and not self._show_codes),
            after_label="after" + (_LEFT if left_codes(entry) and not self._show_codes else ""),
            is_changed=is_changed,
            outlines=_outlines(codes, first, shown_frame(entry)) if first else (),
            codes=tuple(codes[:MAX_CODES]),
            more_codes=max(0, len(entry["codes"]) - MAX_CODES),
        )

    def _place(self, small: Thumbnail | None) -> "_Shot | None":
        """Put a small picture into the page, or beside it."""
        if small is None:
            return None
        if self._keep is None or self._embedded < EMBEDDED:
            self._embedded += 1
            return _Shot.of(small)
        name = f"{hashlib.sha256(small.webp).hexdigest()[:24]}.webp"
        self._keep(name, small.webp)
        return _Shot.of(small, f"{_quoted(self._folder)}/{name}")


@dataclass(frozen=True, slots=True)
class _Trouble:
    number: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Shot:
    """A small picture on the page.

    Attributes:
        width: That it is shown with; so is `height`.
        full: Width and height of the picture itself, upright.
    """

    picture: Thumbnail
    url: Markup
    width: int
    height: int
    full: tuple[int, int]

    @classmethod
    def of(cls, picture: Thumbnail, place: str | None = None) -> "_Shot":
        # Tiny pictures are enlarged, so that outlines and numbers have room.
        scale = min(max(1.0, 160 / max(picture.size)), SHOWN / max(picture.size))
        width, height = (max(1, round(side * scale)) for side in picture.size)
        if place is not None:
            return cls(replace(picture, webp=b""), Markup(place), width, height, picture.full)
        url = "data:image/webp;base64," + base64.b64encode(picture.webp).decode("ascii")
        return cls(picture, Markup(url), width, height, picture.full)


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


def _identity(entry: Row) -> list[object]:
    """Give what decisions on a picture are about."""
    codes = [
        [code["frame"], code["quad"], code["symbology"], code.get("planned", code["action"])]
        for code in entry["codes"]
    ]
    return [entry["name"], entry["source_hash"], codes]


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
    here = (code for code in codes if code.row["frame"] == shown)
    return tuple(_outline(code, shot) for code in itertools.islice(here, MAX_OUTLINES))


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


def _quoted(name: str) -> str:
    """Give a file name as it stands in an address."""
    octets = name.encode("utf-8", "surrogateescape")
    return "".join(
        chr(one) if chr(one).isalnum() and one < 128 else f"%{one:02X}" for one in octets
    )


def _named(counts: Counter[str], name: Callable[[str], str]) -> list[tuple[str, int]]:
    """Give the most frequent, by the names that people know."""
    return [(name(key), number) for key, number in counts.most_common(_MOST_NAMED)]


def _own(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _json(value: object) -> Markup:
    """Give JSON that can stand in a page: nothing in it ends the element or begins another."""
    return Markup(json.dumps(value, allow_nan=False).replace("<", "\\u003c"))


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FunctionLoader(_own),
        autoescape=True,
        finalize=_show,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
