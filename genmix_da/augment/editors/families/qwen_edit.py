"""Qwen-Image-Edit and its successors (the "Plus" pipeline).

One image a call: the stock pipeline scales a single image to about a megapixel before it shows it
to the text encoder but hands a list on as it is, so a batch would not equal its parts; the Plus
pipeline takes a list as references of one result. `size` is that of the result only: the image is
always read at about a megapixel.
"""

from __future__ import annotations

from dataclasses import replace

from genmix_da.augment.editors.families.base import Family

QWEN_EDIT = Family(
    name="qwen-image-edit",
    pipeline="QwenImageEditPipeline",
    defaults={"steps": 50, "guidance": 4.0, "size": 1024},
    # The pipeline's guidance_scale is for distilled models that are not published.
    arguments={"steps": "num_inference_steps", "guidance": "true_cfg_scale"},
    multiple=16,
    half="bf16",
    batches=False,
    negative=True,
    # Without any negative prompt there is no guidance at all; the published example gives a blank.
    empty_negative=" ",
)
QWEN_EDIT_PLUS = replace(
    QWEN_EDIT,
    name="qwen-image-edit-plus",
    pipeline="QwenImageEditPlusPipeline",
    defaults={**QWEN_EDIT.defaults, "steps": 40},
)
