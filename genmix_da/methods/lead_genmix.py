"""LEAD on a source model that was trained on source images and their GenMix augmentations."""

from __future__ import annotations

from genmix_da.methods.base import Method, from_lead

METHODS = (Method("lead+genmix", "genmix", from_lead("target", "adapt_target")),)
