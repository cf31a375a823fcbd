"""Find a pipeline's folder and load it."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genmix_da.augment.diffusion.folder import model_index, refuse_pickles
from genmix_da.augment.diffusion.loading import INSTALL, find_model, load_json, require_diffusers
from genmix_da.augment.diffusion.memory import is_out_of_memory
from genmix_da.augment.diffusion.schedulers import make_scheduler
from genmix_da.augment.editors.families.base import OWN_SCHEDULER, Family
from genmix_da.errors import UserError

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
_KINDS = ("*.json", "*.txt", "*.model", "*.jinja", "*.safetensors")
_WEIGHTS = (".safetensors", ".bin")


def find_index(model: str) -> dict[str, Any]:
    """The content of a model's model_index.json; no weights are fetched.

    Args:
        model: folder or hub name.

    Raises:
        UserError: diffusers is not installed, or the model is neither here nor to be had.
    """
    require_diffusers()
    return model_index(find_model(model, ["model_index.json"]))


def components_of(index: Mapping[str, Any], family: Family) -> list[str]:
    """Names of the components that an edit needs, in the order of model_index.json."""
    return [
        name
        for name, kind in index.items()
        if not name.startswith("_")
        and name not in family.skipped
        and isinstance(kind, list)
        and all(kind)
    ]


def find_pipeline(model: str, components: Sequence[str], *, allow_pickle: bool) -> Path:
    """The folder of a pipeline with all its files.

    Args:
        model: folder or hub name.
        components: that are needed.
        allow_pickle: accept weights that are not safetensors.

    Raises:
        UserError: not found, a component is missing, or weights are in pickle form.
    """
    kinds = [*_KINDS, *(["*.bin"] if allow_pickle else [])]
    patterns = ["model_index.json", *(f"{name}/{kind}" for name in components for kind in kinds)]
    folder = find_model(model, patterns)
    missing = [name for name in components if not (folder / name).is_dir()]
    if missing:
        raise UserError(
            f"{folder} has no folder {missing[0]}; download all of it: hf download MODEL "
            "--local-dir DIR."
        )
    if not allow_pickle:
        refuse_pickles(folder, components)
    return folder


def load_pipeline(
    folder: Path,
    family: Family,
    components: Sequence[str],
    chosen: Mapping[str, Any],
    device: torch.device,
    *,
    allow_pickle: bool,
) -> Any:
    """A pipeline on its device, without progress bars and without a safety checker.

    Args:
        folder: of the pipeline.
        family: how it is used.
        components: that are needed.
        chosen: resolved settings.
        device: to put it on.
        allow_pickle: accept weights that are not safetensors.

    Raises:
        UserError: missing or damaged files, no memory for the networks, or a pipeline that the
            installed diffusers does not have.
    """
    import diffusers

    kind = getattr(diffusers, family.pipeline, None)
    if kind is None:
        raise UserError(
            f"diffusers {diffusers.__version__} has no {family.pipeline}; update it: "
            f"{INSTALL.replace('install', 'install -U')}."
        )
    try:
        with quiet():
            pipeline = kind.from_pretrained(
                folder,
                torch_dtype=_DTYPES[chosen["precision"]],
                variant=_variant(folder, components),
                local_files_only=True,
                use_safetensors=None if allow_pickle else True,
                **dict.fromkeys(family.skipped),
                **family.loading,
            )
        pipeline = pipeline.to(device)
    except Exception as error:
        # Missing files, damaged headers and unfitting shapes each have an exception of their own.
        if is_out_of_memory(error):
            raise UserError(
                f"out of memory loading {folder} on {device}; use --precision {family.half}, a "
                "smaller model, or a device with more memory."
            ) from error
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise UserError(f"cannot load {folder}: {first.rstrip('.')}; download it again.") from error
    pipeline.set_progress_bar_config(disable=True)
    # Pipelines clamp pixels to [0, 1], which turns infinity into white; NaN survives.
    pipeline.vae.decoder.register_forward_hook(_infinite_to_nan)
    if chosen["scheduler"] != OWN_SCHEDULER:
        pipeline.scheduler = chosen_scheduler(folder, chosen)
    return pipeline


def chosen_scheduler(folder: Path, chosen: Mapping[str, Any]) -> Any:
    """The sampler that was asked for, with the model's own noise schedule.

    Raises:
        UserError: more steps than it has, or no configuration to make it from.
    """
    config = load_json(folder / "scheduler" / "scheduler_config.json")
    return make_scheduler(chosen["scheduler"], config, chosen["steps"])


def _infinite_to_nan(module: torch.nn.Module, inputs: Any, output: Tensor) -> Tensor:
    return torch.where(torch.isinf(output), torch.nan, output)


def _variant(folder: Path, components: Sequence[str]) -> str | None:
    """ "fp16" or "bf16" where a component's weights are there in that form alone."""
    for name in components:
        weights = [file.name for file in (folder / name).iterdir() if file.suffix in _WEIGHTS]
        marks = [re.search(r"\.(fp16|bf16)[.-]", file) for file in weights]
        if marks and marks[0] and all(marks):
            return marks[0][1]
    return None


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars of loading, and none of what diffusers has to say of its own future.

    Warnings about prompts and arguments stay.
    """
    import diffusers.utils.logging as ours
    import transformers.utils.logging as theirs

    shown = [library for library in (ours, theirs) if library.is_progress_bar_enabled()]
    # Says with every edit of SDXL that the VAE goes from float32 to float32.
    talker = logging.getLogger("diffusers.models.modeling_utils")
    level = talker.level
    for library in shown:
        library.disable_progress_bar()
    talker.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning)
            yield
    finally:
        talker.setLevel(level)
        for library in shown:
            library.enable_progress_bar()
