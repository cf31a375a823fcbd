"""The source model, applied to the target as it is: what every adaptation has to beat."""

from __future__ import annotations

from genmix_da.methods.base import Method
from genmix_da.methods.lead import adapt_by_lead

METHOD = Method("source-only", "none", adapt_by_lead, epochs=0)
