"""FLUX.2 [klein]. Its list of images is references of one result, so an image is one call.

Distilled models ignore guidance, in the stock pipeline with no more than a warning; here it is
refused for them.
"""

from __future__ import annotations

from genmix_da.augment.editors.families.base import Family

DISTILLED_KLEIN = Family(
    name="flux2-klein-distilled",
    pipeline="Flux2KleinPipeline",
    defaults={"steps": 4, "size": 1024},
    arguments={"steps": "num_inference_steps"},
    fixed={"guidance_scale": 1.0},
    multiple=16,
    half="bf16",
    batches=False,
)
FLUX2_KLEIN = Family(
    name="flux2-klein",
    pipeline="Flux2KleinPipeline",
    defaults={"steps": 50, "guidance": 4.0, "size": 1024},
    arguments={"steps": "num_inference_steps", "guidance": "guidance_scale"},
    multiple=16,
    half="bf16",
    batches=False,
    flagged={"is_distilled": DISTILLED_KLEIN},
)
