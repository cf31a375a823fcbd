"""Prompts to text conditions. The encoder is in memory only while it works."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from genmix_da.augment.diffusion.loading import load_part
from genmix_da.errors import UserError

_LONGEST = 10_000  # transformers stands 1e30 for a length that is not given


@torch.no_grad()
def encode_texts(
    folder: Path,
    texts: Iterable[str],
    device: torch.device,
    dtype: torch.dtype,
    *,
    allow_pickle: bool,
) -> dict[str, Tensor]:
    """Encode each text once; tokenizer and encoder are freed before this returns.

    One at a time: rounding depends on the batch, and a prompt's condition should not depend on
    which others a run has.

    Args:
        folder: of the pipeline.
        texts: prompts and negative prompts; "" is the unconditional one.
        device: to encode on.
        dtype: of the conditions.
        allow_pickle: accept weights that are not safetensors.

    Returns:
        text -> [L, D].

    Raises:
        UserError: a tokenizer or encoder that cannot be loaded, or a prompt that is longer than the
            encoder's context.
    """
    from transformers import CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        if tokenizer.model_max_length > _LONGEST:
            raise ValueError("it names no length")
    except Exception as error:
        # A file that is missing, empty or cut raises anything from KeyError to OverflowError.
        raise UserError(
            f"cannot load {folder / 'tokenizer'}: {error}; download the model again."
        ) from error
    encoder = load_part("CLIPTextModel", folder, "text_encoder", dtype, allow_pickle=allow_pickle)
    encoder.to(device)
    length = tokenizer.model_max_length
    encoded: dict[str, Tensor] = {}
    for text in texts:
        tokens = tokenizer(text, padding="max_length", max_length=length, return_tensors="pt")
        if tokens.input_ids.shape[1] > length:
            raise UserError(
                f"the prompt {text[:60]!r}... has {tokens.input_ids.shape[1]} tokens, the text "
                f"encoder reads {length}; shorten it."
            )
        masked = getattr(encoder.config, "use_attention_mask", False)
        mask = tokens.attention_mask.to(device) if masked else None
        encoded[text] = encoder(tokens.input_ids.to(device), attention_mask=mask)[0][0].to(dtype)
    return encoded
