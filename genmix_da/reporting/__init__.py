"""The report: one HTML page for everyone who has to judge a run."""

from __future__ import annotations

from genmix_da.adaptation.tables.kind import ADAPTATION
from genmix_da.classify.tables.kind import CLASSIFICATION
from genmix_da.reporting.page import write_report
from genmix_da.selfsupervised.tables.kind import PRETRAININGS, PROBES
from genmix_da.tables.kinds import register

# A page may hold runs of every kind.
register(ADAPTATION)
register(CLASSIFICATION)
register(PROBES)
register(PRETRAININGS)

__all__ = ["write_report"]
