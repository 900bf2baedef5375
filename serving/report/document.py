"""From a snapshot to the bytes of a PDF.

Belongs here: compiling the template with its data. Does not belong
here: what is said (:mod:`serving.report.content`), what it looks like (``templates/report.typ``).

The compiler is Typst, a library without a browser or another program. Fonts are those
that come with it and with matplotlib, never the machine's; the date of the document is the
publication's: equal snapshots give equal bytes.
"""

from __future__ import annotations

import json
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Literal

from serving.filters import Filters
from serving.report.content import report_content
from serving.snapshot import Reading
from warehouse.errors import RegularsError

_TEMPLATE = "report.typ"
STANDARD: Literal["ua-1"] = "ua-1"
"""PDF/UA-1 (ISO 14289-1): tagged, titled, with a language and a text for every picture."""


class ReportError(RegularsError):
    """The PDF could not be made."""


def build_report(reading: Reading, filters: Filters) -> bytes:
    """The report on what the filters keep, as a tagged PDF.

    Raises
    ------
    ReportError
        If the template does not compile with these data.
    """
    import matplotlib as mpl
    import typst

    content = report_content(reading, filters)
    # a folder of its own: Typst reads nothing outside of it, and packages come from nowhere
    with tempfile.TemporaryDirectory(prefix="regulars-report-") as name:
        folder = Path(name)
        template = folder / _TEMPLATE
        template.write_text(files("serving.report").joinpath("templates", _TEMPLATE).read_text("utf-8"), "utf-8")
        (folder / "data.json").write_text(json.dumps(content, ensure_ascii=False, allow_nan=False), "utf-8")
        empty = folder / "packages"
        try:
            return typst.compile(
                str(template),
                root=str(folder),
                font_paths=[str(Path(mpl.get_data_path(), "fonts", "ttf"))],
                ignore_system_fonts=True,
                format="pdf",
                pdf_standards=STANDARD,
                package_path=str(empty),
                package_cache_path=str(empty),
                timestamp=int(reading.about.published_at.timestamp()),
            )
        except (typst.TypstError, RuntimeError) as error:
            raise ReportError(f"The report could not be set: {error}") from error
