"""Tests of policies: `default.test.yaml` beside `default.yaml` says what is given and expected.

A test fails both ways: where an expectation is not met, and where something is hidden that it
does not expect to be hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, ValidationError, WithJsonSchema

from redactor.errors import Mistake, PolicyError
from redactor.geometry import Quad
from redactor.model import Decision, Detection, Facts, Origin, PictureDecision, Symbology, Verdict
from redactor.policy import schema
from redactor.policy.document import Document, read, show
from redactor.policy.fields import (
    AnyOf,
    Day,
    DetectorName,
    Entry,
    FormatName,
    Line,
    OneOf,
    Share,
    SymbologyName,
    Whole,
)
from redactor.policy.mistakes import findings
from redactor.policy.policy import Policy
from redactor.policy.texts import Texts, beside

SUFFIX = ".test.yaml"
_VERDICTS = tuple(verdict.value for verdict in Verdict)
_ACTIONS = ("allow", "blur", "pixelate", "fill")
_FLAGS = ("info", "review", "high", "none")

FlagOrNone = Annotated[str, OneOf("flag", _FLAGS)]
VerdictName = Annotated[str, OneOf("verdict", _VERDICTS)]
DrawnAction = Annotated[str, OneOf("action", _ACTIONS)]
Content = Annotated[str, WithJsonSchema({"type": ["string", "number", "boolean"]})]


class GivenCode(Entry):
    """A code."""

    content: Content | None = Field(None, description="what it says; unread where left out")
    readings: AnyOf[Content] | None = Field(
        None, description="what engines read, where they disagree"
    )
    symbology: SymbologyName = Field("qrcode", description="kind of symbol")
    confidence: Share = Field(1.0, description="how sure the detector is, 0 to 1")
    detector: AnyOf[DetectorName] = Field(("zxing",), description="who found it")
    at: tuple[FiniteFloat, FiniteFloat] | None = Field(
        None, description="left and top, in pixels; codes lie side by side where left out"
    )
    side: FiniteFloat = Field(100.0, gt=0, description="of the square it lies in, in pixels")
    frame: Whole = Field(0, description="which picture in the file; 0 is the picture itself")


class GivenPicture(Entry):
    """What is known of the picture."""

    width: Whole = Field(1000, description="in pixels")
    height: Whole = Field(1000, description="in pixels")
    format: FormatName = Field("JPEG", description="JPEG, PNG, WEBP …")
    orientation: Annotated[int, Field(ge=1, le=8)] = Field(1, description="EXIF orientation")
    bucket: str | None = Field(None, description="of the object")
    key: str | None = Field(None, description="of the object, or the path")
    tags: dict[str, str] | None = Field(None, description="of the object")
    metadata: dict[str, str] | None = Field(None, description="of the object")
    codes: Whole | None = Field(None, description="how many codes; those given, if left out")
    limit_reached: bool = Field(False, description="there may be more codes than are given")


class Given(GivenCode):
    """One code, or several, or a picture file to look for codes in."""

    codes: tuple[GivenCode, ...] | None = Field(None, description="several codes, or none: []")
    image: str | None = Field(None, description="a picture file, beside the test")
    picture: GivenPicture = Field(
        default_factory=lambda: GivenPicture.model_validate({}),
        description="what is known of the picture",
    )
    day: Day | None = Field(None, description="decide as on this day; today where left out")


class ExpectedCode(Entry):
    """What is to become of a code."""

    content: Content | None = Field(None, description="which code: the one that says this")
    action: DrawnAction = Field(description="what is drawn")
    rule: str | None = Field(None, description="which rule decides; default where none does")
    flag: FlagOrNone | None = Field(None, description="how urgently a person should look, or none")
    reason: Line | None = Field(None, description="what the report says")
    tags: AnyOf[str] | None = Field(None, description="words for the report")


class Expect(Entry):
    """What is to become of what is given."""

    action: DrawnAction | None = Field(None, description="of the one code")
    rule: str | None = Field(None, description="of the one code; default where no rule matches")
    flag: FlagOrNone | None = Field(None, description="of the one code, or none")
    reason: Line | None = Field(None, description="of the one code")
    tags: AnyOf[str] | None = Field(None, description="of the one code")
    codes: tuple[ExpectedCode, ...] | None = Field(
        None, description="of several codes; one that is hidden must be among them"
    )
    verdict: VerdictName | None = Field(None, description="of the picture")
    picture_rules: tuple[str, ...] | None = Field(
        None, description="the rules for whole pictures that match; [] for none"
    )


class Case(Entry):
    """One test."""

    name: Line = Field(description="what is tested, as a sentence")
    given: Given = Field(description="what the policy is asked about")
    expect: Expect = Field(description="what it is to say")


class SuiteFile(Entry):
    """Tests of a policy."""

    version: Annotated[Literal["1"], WithJsonSchema({"enum": [1, "1"]})] = "1"
    policy: str | None = Field(
        None, description="the policy, beside this file; by the file's name where left out"
    )
    tests: tuple[Case, ...] = Field(description="each is run by itself")


Look = Callable[[str], tuple[Sequence[Detection], Facts]]
"""Finds the codes of a picture file by its name; raises `RedactorError` where it cannot."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one test went.

    Attributes:
        name: Of the test.
        line: Where it stands, from 1.
        problems: What is not as expected, in words; empty where it passed.
        rules: Ids of the rules that decided something in it.
    """

    name: str
    line: int
    problems: tuple[str, ...]
    rules: frozenset[str]


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of one policy.

    Attributes:
        file: Name of the file they stand in.
        policy: The policy that they test.
        cases: Each with the line it stands in.
    """

    file: str
    policy: Policy
    cases: tuple[tuple[int, Case], ...]

    @classmethod
    def load(cls, file: str) -> Suite:
        """Read a file of tests, and the policy that it tests.

        Raises:
            PolicyError: With every mistake in either.
        """
        document = read(Texts().read(file))
        parsed = _parsed(document, file)
        name = parsed.policy or file.rpartition("/")[2].removesuffix(SUFFIX) + ".yaml"
        policy = Policy.load(beside(file, name))
        lines = [document.place(("tests", i)).line for i in range(len(parsed.tests))]
        return cls(file, policy, tuple(zip(lines, parsed.tests, strict=True)))

    def run(self, look: Look) -> Iterator[Outcome]:
        """Run the tests, one after the other."""
        for line, case in self.cases:
            yield _run(self.policy, self.file, line, case, look)

    @property
    def rules(self) -> tuple[str, ...]:
        """Ids of all the rules there are to test, in order."""
        of_codes = [rule.id for rule in self.policy.rules]
        return (*of_codes, *(rule.id for rule in self.policy.pictures), "default")


def json_schema(*, tests: bool = False) -> str:
    """Give the JSON Schema of policies, or of their tests, as text."""
    if tests:
        return schema.json_schema(SuiteFile, title="redactor policy tests")
    return schema.json_schema()


def _parsed(document: Document, file: str) -> SuiteFile:
    mistakes = [Mistake(file, *wrong.place, wrong.message) for wrong in document.wrong]
    parsed = None
    if document.value is not None:
        try:
            parsed = SuiteFile.model_validate(document.value)
        except ValidationError as error:
            for path, message, at_key in findings(error, SuiteFile):
                place = document.place_of_key(path) if at_key else document.place(path)
                mistakes.append(Mistake(file, *place, message))
    if parsed is not None and not parsed.tests:
        place = document.place(("tests",))
        mistakes.append(Mistake(file, *place, "`tests` is empty; give it a test"))
    for index, case in enumerate(parsed.tests if parsed else ()):
        mistakes += [
            Mistake(file, *document.place(("tests", index)), message) for message in _laws(case)
        ]
    if mistakes or parsed is None:
        raise PolicyError(mistakes)
    return parsed


def _laws(case: Case) -> Iterator[str]:
    given, expect = case.given, case.expect
    is_one = given.codes is None and given.image is None
    if given.codes is not None and given.image is not None:
        yield "`codes` and `image` are both given; choose one"
    if not is_one and given.model_fields_set - {"codes", "image", "picture", "day"}:
        yield "a code is given beside `codes` or `image`; put it among the codes"
    if is_one and expect.action is None:
        yield "missing `action` under `expect`; say what becomes of the code"
    if is_one and expect.codes is not None:
        yield "`codes` are expected of one code; write `action` and the like under `expect`"
    if not is_one and (expect.action or expect.rule or expect.flag or expect.tags):
        yield "several codes may be given; list what becomes of them: `expect: {codes: […]}`"
    elif not is_one and not expect.model_fields_set & {"codes", "verdict", "picture_rules"}:
        yield "nothing is expected; give `codes`, `verdict` or `picture_rules`"


def _run(policy: Policy, file: str, line: int, case: Case, look: Look) -> Outcome:
    given = case.given
    if given.image is not None:
        detections, facts = look(beside(file, given.image))
    else:
        facts = _facts(given)
        codes = (given,) if given.codes is None else given.codes
        detections = [_detection(code, place) for place, code in enumerate(codes)]
    decisions = policy.decide_all(detections, facts)
    of_picture = policy.decide_picture(detections, facts)
    if given.codes is None and given.image is None:
        problems = list(_differences(case.expect, decisions[0]))
    else:
        problems = list(_matched(case.expect.codes or (), decisions))
    problems += _of_picture(case.expect, policy, decisions, of_picture)
    rules = {decision.rule for decision in decisions} | {said.rule for said in of_picture}
    return Outcome(case.name, line, tuple(problems), frozenset(rules))


def _facts(given: Given) -> Facts:
    picture = given.picture
    return Facts(
        (picture.width, picture.height),
        picture.format,
        codes=picture.codes,
        orientation=picture.orientation,
        origin=Origin(picture.bucket, picture.key, picture.tags, picture.metadata),
        limit_reached=picture.limit_reached,
        day=given.day,
    )


def _detection(code: GivenCode, place: int) -> Detection:
    readings = code.readings or ()
    content = code.content if code.content is not None else next(iter(readings), None)
    left, top = code.at or (10 + place * (code.side + 20), 10)
    return Detection(
        Quad.from_box(left, top, code.side, code.side),
        Symbology(code.symbology),
        content,
        code.confidence,
        tuple(sorted(code.detector)),
        tuple(sorted({*readings, *([content] if content is not None else [])})),
        code.frame,
    )


def _differences(expected: ExpectedCode | Expect, decision: Decision) -> Iterator[str]:
    """Say where a decision is not what is expected of it."""
    flag = decision.flag.value if decision.flag else "none"
    by = f"by rule `{decision.rule}`"
    if expected.action is not None and decision.action != expected.action:
        why = f" ({decision.reason})" if decision.reason else ""
        yield f"action is {decision.action} {by}{why}, not {expected.action}"
    if expected.rule is not None and decision.rule != expected.rule:
        yield f"rule is `{decision.rule}`, not `{expected.rule}`"
    if expected.flag is not None and flag != expected.flag:
        yield f"flag is {flag} {by}, not {expected.flag}"
    if expected.reason is not None and decision.reason != expected.reason:
        yield f"reason is {show(decision.reason or 'none')}, not {show(expected.reason)}"
    if expected.tags is not None and set(decision.tags) != set(expected.tags):
        yield f"tags are {', '.join(decision.tags) or 'none'}, not {', '.join(expected.tags)}"


def _matched(expected: Sequence[ExpectedCode], decisions: Sequence[Decision]) -> Iterator[str]:
    """Find each expected code among those decided about; what is hidden besides is a problem."""
    left = list(decisions)
    for wanted in expected:
        # Among codes that say the same, one that is wholly as expected comes first.
        fits = [d for d in left if wanted.content in (None, d.detection.content)]
        fits.sort(key=lambda decision: len(list(_differences(wanted, decision))))
        if not fits:
            if wanted.content is not None:
                yield f"no code says {show(wanted.content)}"
            else:
                yield f"no code is left to become {wanted.action}"
            continue
        left.remove(fits[0])
        yield from (f"{_name(fits[0])}: {text}" for text in _differences(wanted, fits[0]))
    for decision in left:
        if decision.action.hides:
            yield f"{_name(decision)} is hidden by rule `{decision.rule}`, which is not expected"


def _name(decision: Decision) -> str:
    seen = decision.detection
    said = show(seen.content) if seen.content is not None else "not read"
    return f"{seen.symbology} {said}"


def _of_picture(
    expect: Expect,
    policy: Policy,
    decisions: Sequence[Decision],
    said: Sequence[PictureDecision],
) -> Iterator[str]:
    rules = [decision.rule for decision in said]
    if expect.picture_rules is not None and set(rules) != set(expect.picture_rules):
        wanted = ", ".join(expect.picture_rules) or "none"
        yield f"picture rules that match are {', '.join(rules) or 'none'}, not {wanted}"
    verdict = verdict_of(decisions, said)
    if expect.verdict is not None and verdict != expect.verdict:
        yield f"verdict is {verdict}, not {expect.verdict}"


def verdict_of(decisions: Sequence[Decision], said: Sequence[PictureDecision]) -> Verdict:
    """Give the verdict that decisions come to, if nothing goes wrong."""
    if any(decision.quarantine for decision in said):
        return Verdict.QUARANTINED
    if any(decision.flag for decision in decisions) or any(decision.flag for decision in said):
        return Verdict.FLAGGED
    if any(decision.action.hides for decision in decisions):
        return Verdict.REDACTED
    return Verdict.ALLOWED if decisions else Verdict.CLEAN
