"""AdaBN (Li et al., 2016): the source model with batch norm statistics of the target."""

from __future__ import annotations

from genmix_da.methods.base import Method, from_lead

METHODS = (Method("adabn", "none", from_lead("adabn", "adapt_by_statistics"), epochs=1),)
