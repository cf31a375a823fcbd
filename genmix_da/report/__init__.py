"""The report: one HTML page for everyone who has to judge a run."""

from __future__ import annotations

from genmix_da.report.page import write_report

__all__ = ["write_report"]
