"""LEAD on a source model that was trained on source images and their GenMix augmentations."""

from __future__ import annotations

from genmix_da.methods.base import Method
from genmix_da.methods.lead import adapt_by_lead

METHOD = Method("lead+genmix", "genmix", adapt_by_lead)
