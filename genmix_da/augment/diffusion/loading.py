"""Find a model, on this machine or on the hub, and load its parts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from genmix_da.augment.diffusion.folder import (
    PIX2PIX_CLASS,
    folder_identity,
    pipeline_class,
    refuse_pickles,
)
from genmix_da.errors import UserError

PIX2PIX = "timbrooks/instruct-pix2pix"
NETWORKS = ("unet", "vae", "text_encoder")
COMPONENTS = (*NETWORKS, "tokenizer", "scheduler")
INSTALL = "pip install 'genmix-da[diffusion]'"


def require_diffusers() -> None:
    """Raise where the extra is not installed.

    Raises:
        UserError: saying how to install it.
    """
    try:
        from diffusers.utils import logging as diffusers_logging
        from transformers.utils import logging as transformers_logging
    except ImportError as error:
        raise UserError(
            f"diffusion editors need diffusers and transformers; {INSTALL}, or choose "
            "--editor filters."
        ) from error
    # Bars of the libraries' own would run through ours, and into logs.
    loggings: tuple[Any, ...] = (diffusers_logging, transformers_logging)
    for logging in loggings:
        logging.disable_progress_bar()


def find_model(model: str, patterns: Sequence[str]) -> Path:
    """The folder of a model: a local one as it is, a hub name through the hub's cache.

    HF_HUB_OFFLINE is respected: then only the cache is looked at.

    Args:
        model: folder or hub name.
        patterns: files to fetch where it has to be downloaded.

    Raises:
        UserError: it is not here and cannot be fetched; says how to get it.
    """
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HFValidationError

    advice = (
        f"on a machine with network: hf download {model} --local-dir DIR; then give DIR in its "
        f"place (looked for in {constants.HF_HUB_CACHE}, HF_HUB_OFFLINE is "
        f"{'on' if constants.HF_HUB_OFFLINE else 'off'})"
    )
    try:
        # A repository often has every weight twice, in half precision as well.
        return Path(
            snapshot_download(
                model, allow_patterns=list(patterns), ignore_patterns=["*.fp16.*", "*.non_ema*"]
            )
        )
    except HFValidationError as error:
        raise UserError(f"no folder {model}, and it is not the name of a hub model.") from error
    except Exception as error:
        # The hub's client raises its own, requests', and httpx's errors for a missing model, a
        # missing network and a gated one alike.
        raise UserError(
            f"the model {model!r} is not on this machine and could not be fetched; {advice}."
        ) from error


def find_pix2pix(model: str | None, *, allow_pickle: bool) -> Path:
    """The folder of an InstructPix2Pix pipeline.

    Args:
        model: folder or hub name; None: PIX2PIX.
        allow_pickle: accept weights that are not safetensors.

    Raises:
        UserError: not found, another kind of pipeline, or weights in pickle form.
    """
    require_diffusers()
    kinds = ["*.json", "*.txt", "*.model", "*.safetensors", *(["*.bin"] if allow_pickle else [])]
    patterns = ["model_index.json", *(f"{name}/{kind}" for name in COMPONENTS for kind in kinds)]
    folder = find_model(model or PIX2PIX, patterns)
    found = pipeline_class(folder)
    if found != PIX2PIX_CLASS:
        raise UserError(
            f"{folder} holds a {found}, not a {PIX2PIX_CLASS}; use --editor diffusers:{folder}."
        )
    missing = [name for name in COMPONENTS if not (folder / name).is_dir()]
    if missing:
        raise UserError(f"{folder} has no folder {missing[0]}; download the model again.")
    if not allow_pickle:
        refuse_pickles(folder, NETWORKS)
    return folder


def pix2pix_identity(folder: Path) -> str:
    """What the model is, wherever it lies: SHA-256 over its parts."""
    return folder_identity(folder, COMPONENTS)


def load_part(kind: str, folder: Path, name: str, dtype: torch.dtype, *, allow_pickle: bool) -> Any:
    """A network of a pipeline folder, in evaluation mode on the CPU.

    Args:
        kind: class name in diffusers or transformers, e.g. "UNet2DConditionModel".
        folder: of the pipeline.
        name: of the subfolder.
        dtype: of its parameters.
        allow_pickle: accept weights that are not safetensors.

    Raises:
        UserError: files that are missing or damaged.
    """
    import diffusers
    import transformers

    loader = getattr(diffusers, kind, None) or getattr(transformers, kind)
    try:
        part = loader.from_pretrained(
            folder / name if name else folder,
            torch_dtype=dtype,
            local_files_only=True,
            use_safetensors=None if allow_pickle else True,
        )
    except Exception as error:
        # Missing files, damaged headers and unfitting shapes each have an exception of their own.
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(
            f"cannot load {name or kind} from {folder}: {first.rstrip('.')}; download it again."
        ) from error
    return part.eval().requires_grad_(False)


def load_json(file: Path) -> dict[str, Any]:
    """The content of a configuration file.

    Raises:
        UserError: it is missing or damaged.
    """
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"cannot read {file}: {error}; download the model again.") from error
    if not isinstance(content, dict) or not content:
        raise UserError(f"{file} holds no settings; download the model again.")
    return content
