"""FLUX.1 Kontext: guidance is an input of the network, there is no unconditional branch.

Its negative prompts need a second pass with a scale of their own, which is not offered here.
"""

from __future__ import annotations

from typing import Any

from genmix_da.augment.editors.families.base import Family


def _sized(size: int) -> dict[str, Any]:
    # Left to itself the pipeline scales the image to a preferred resolution, and its result to
    # `max_area`, whatever height and width say.
    return {"height": size, "width": size, "max_area": size * size, "_auto_resize": False}


FLUX_KONTEXT = Family(
    name="flux-kontext",
    pipeline="FluxKontextPipeline",
    defaults={"steps": 28, "guidance": 2.5, "size": 1024},
    arguments={"steps": "num_inference_steps", "guidance": "guidance_scale"},
    sized=_sized,
    skipped=frozenset({"image_encoder", "feature_extractor"}),
    multiple=16,
    half="bf16",
    largest_batch=2,
)
