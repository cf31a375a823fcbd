"""LEAD (Qu et al., CVPR 2024) on a source model that was trained on the source images alone."""

from __future__ import annotations

from genmix_da.methods.base import Method, from_lead

METHODS = (Method("lead", "none", from_lead("target", "adapt_target")),)
