"""The source model, applied to the target as it is: what every adaptation has to beat."""

from __future__ import annotations

from genmix_da.methods.base import Method, from_lead

METHODS = (Method("source-only", "none", from_lead("target", "adapt_target"), epochs=0),)
