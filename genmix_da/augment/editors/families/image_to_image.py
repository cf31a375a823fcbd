"""Image-to-image with few-step models: SD-Turbo and SDXL-Turbo.

Not instruction followers: the image is noised part of the way, as far as `strength` says, and
denoised under the prompt. Folders of text-to-image pipelines have the same components and are
loaded as these. Defaults are the published ones of the Turbo models, where guidance is off (1).
"""

from __future__ import annotations

from dataclasses import replace

from genmix_da.augment.editors.families.base import Family, by_image

SD_IMAGE_TO_IMAGE = Family(
    name="sd-image-to-image",
    pipeline="StableDiffusionImg2ImgPipeline",
    defaults={"steps": 2, "guidance": 1.0, "strength": 0.5, "size": 512},
    arguments={
        "steps": "num_inference_steps",
        "guidance": "guidance_scale",
        "strength": "strength",
    },
    sized=by_image,
    loading={"requires_safety_checker": False},
    skipped=frozenset({"safety_checker", "feature_extractor", "image_encoder"}),
    largest_batch=8,
    scheduler=True,
    negative=True,
)
SDXL_IMAGE_TO_IMAGE = replace(
    SD_IMAGE_TO_IMAGE,
    name="sdxl-image-to-image",
    pipeline="StableDiffusionXLImg2ImgPipeline",
    # See sdxl_pix2pix.py.
    loading={"add_watermarker": False},
    skipped=frozenset({"feature_extractor", "image_encoder"}),
    largest_batch=4,
)
