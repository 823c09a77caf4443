"""What people and programs learn of a run: rows, tables and a page.

Everything is made from rows (`row`), one per picture, which tell no more of a code's content than
was asked for. Values in, values out: nothing here prints, opens files or asks the network.
"""

from typing import TYPE_CHECKING, Any

from redactor.report.rows import SCHEMA_VERSION, Row, dump_row, read_rows, reduce, row
from redactor.report.table import codes_table, pictures_table, summary_table, verdict_text
from redactor.report.tally import Tally
from redactor.report.text import Content, defang, disclose, escape_text, shorten
from redactor.report.words import content_of

if TYPE_CHECKING:
    from redactor.report.html import HtmlReport

__all__ = [
    "SCHEMA_VERSION",
    "Content",
    "HtmlReport",
    "Row",
    "Tally",
    "codes_table",
    "content_of",
    "defang",
    "disclose",
    "dump_row",
    "escape_text",
    "pictures_table",
    "read_rows",
    "reduce",
    "row",
    "shorten",
    "summary_table",
    "verdict_text",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - of a module
    # The page's engine is loaded by those alone who make a page.
    if name == "HtmlReport":
        from redactor.report.html import HtmlReport

        return HtmlReport
    raise AttributeError(name)
