"""The report: the published snapshot as a PDF of a few pages.

Belongs here: which figures stand on which page, their charts and layout. Does not belong
here: the figures (:mod:`serving.queries`), number formats (:mod:`warehouse.wording`).
"""

from serving.report.document import ReportError, build_report

__all__ = ["ReportError", "build_report"]
