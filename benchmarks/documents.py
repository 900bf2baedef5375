"""What benchmarks write into documents: a section between markers, the rest left as it is.

Belongs here: the markers, and the command line of benchmarks that measure published homes. Does not belong here: any
measurement.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

MODELS = Path(__file__).parents[1] / "docs" / "models.md"


def write_section(document: Path, name: str, heading: str, text: str) -> None:
    """Put a text between the markers of a section; they come at the end of a document that lacks them.

    Parameters
    ----------
    name
        In the markers, such as ``slipping``.
    heading
        Of the section where it is new.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before = document.read_text(encoding="utf-8")
    if begin not in before:
        before = f"{before.rstrip()}\n\n## {heading}\n\n{begin}\n{end}\n"
    head, _, rest = before.partition(begin)
    _, _, tail = rest.partition(end)
    document.write_text(f"{head}{begin}\n{text}\n{end}{tail}", encoding="utf-8")


def measured_homes(about: str, name: str, heading: str, measure: Callable[[Sequence[Path]], str]) -> None:
    """The command line ``HOME … [--write]``: print what ``measure`` tells, and put it into the document."""
    parser = argparse.ArgumentParser(description=about.split("\n")[0])
    parser.add_argument("homes", nargs="+", type=Path, metavar="HOME")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/models.md")
    asked = parser.parse_args()
    text = measure(asked.homes)
    print(text)
    if asked.write:
        write_section(MODELS, name, heading, text)
