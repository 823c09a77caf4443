"""Print what becomes of conformance pictures: `python -m tests.benchmarks.formats CORPUS`.

CORPUS is a folder of picture files without codes, in any format. Each goes through the whole
pipeline; the answer is the same bytes, or a quarantine with a reason. Anything else is a mistake
and makes this exit with 1: an internal error, changed bytes, a picture that is not quarantined
and that Pillow cannot open.
"""

import argparse
import io
import sys
import time
import warnings
from collections import Counter, defaultdict
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table

from redactor import Redactor
from redactor.model import Result, Verdict

POLICY = Path(__file__).resolve().parents[2] / "policies" / "default.yaml"
# What lies beside the pictures: descriptions, and dumps that only say what a program wrote.
NO_PICTURES = {"", ".txt", ".md", ".bin", ".json", ".jsonl"}


def main() -> int:
    """Run and print; 1 where something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="a folder of pictures without codes")
    corpus = parser.parse_args().corpus
    folder = corpus / "formats" if (corpus / "formats").is_dir() else corpus
    files = sorted(
        path for path in folder.rglob("*") if path.is_file() and path.suffix not in NO_PICTURES
    )
    warnings.simplefilter("ignore")  # Pillow's remarks on broken files
    redactor = Redactor.from_policy(POLICY)
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    reasons, mistakes = [], []
    start = time.process_time()
    for path in files:
        data = path.read_bytes()
        result = redactor.redact(data, name=str(path.relative_to(folder)))
        outcome = outcome_of(result, data)
        outcomes[path.suffix.lstrip(".")][outcome] += 1
        if outcome == "quarantined":
            reasons.append((result.name, result.reasons[0]))
        elif outcome != "same bytes" or not opens(data):
            mistakes.append((result.name, outcome, "; ".join(result.reasons)))
    show(outcomes, reasons, mistakes)
    print(f"{len(files)} files, {time.process_time() - start:.1f} CPU seconds")
    return 1 if mistakes else 0


def outcome_of(result: Result, data: bytes) -> str:
    """Give one of the words of the table's head, or what went wrong."""
    if result.verdict is Verdict.QUARANTINED:
        is_ours = any("internal error" in reason for reason in result.reasons)
        return "internal error" if is_ours else "quarantined"
    if result.image == data:
        return "same bytes"
    return f"{result.verdict}: {', '.join(d.detection.symbology for d in result.codes)}"


def opens(data: bytes) -> bool:
    """Whether Pillow sees a picture in what was let through; it knows few kinds of BMP."""
    if data.startswith(b"BM"):
        return True
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except Exception:  # noqa: BLE001 - Pillow's plugins raise anything on broken bytes
        return False
    return True


def show(
    outcomes: dict[str, Counter[str]],
    reasons: list[tuple[str, str]],
    mistakes: list[tuple[str, str, str]],
) -> None:
    """Print the table, each quarantine with its reason, and each mistake."""
    table = Table("files", "same bytes", "quarantined", "mistakes")
    for suffix, counted in sorted(outcomes.items()):
        wrong = counted.total() - counted["same bytes"] - counted["quarantined"]
        table.add_row(suffix, *map(str, (counted["same bytes"], counted["quarantined"], wrong)))
    console = Console(width=120)
    console.print(table)
    for name, reason in reasons:
        console.print(f"quarantined  {name}: {reason}", markup=False, soft_wrap=True)
    for name, outcome, why in mistakes:
        console.print(f"MISTAKE      {name}: {outcome} {why}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
