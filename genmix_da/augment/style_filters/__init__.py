"""Classical stand-ins for the style edits of a diffusion model, one per style phrase."""

from .registry import STYLE_FILTERS, apply_style

__all__ = ["STYLE_FILTERS", "apply_style"]
