"""InstructPix2Pix on Stable Diffusion XL, e.g. diffusers/sdxl-instructpix2pix-768."""

from __future__ import annotations

from genmix_da.augment.editors.families.base import Family

SDXL_PIX2PIX = Family(
    name="sdxl-instruct-pix2pix",
    pipeline="StableDiffusionXLInstructPix2PixPipeline",
    # As on the model's card; the pipeline's own defaults are 100 steps and guidance 5.
    defaults={"steps": 30, "guidance": 3.0, "image_guidance": 1.5, "size": 768},
    arguments={
        "steps": "num_inference_steps",
        "guidance": "guidance_scale",
        "image_guidance": "image_guidance_scale",
    },
    # Left to itself the pipeline marks pixels where a further package happens to be installed.
    loading={"add_watermarker": False},
    largest_batch=4,
    scheduler=True,
    # Without a negative prompt the unconditional branch is all zeros; with an empty one it is an
    # encoded "". The two differ, so the argument is left out where a style has none.
    negative=True,
)
