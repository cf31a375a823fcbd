"""What a folder of a diffusers pipeline says of itself; imports neither torch nor diffusers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from genmix_da.errors import UserError

PIX2PIX_CLASS = "StableDiffusionInstructPix2PixPipeline"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def model_index(folder: Path) -> dict[str, Any]:
    """The content of model_index.json.

    Raises:
        UserError: it is not there, or not a pipeline's.
    """
    file = folder / "model_index.json"
    try:
        content = json.loads(file.read_text())
    except FileNotFoundError as error:
        raise UserError(
            f"{folder} has no model_index.json, so it is not a diffusers pipeline; give the folder "
            "that save_pretrained or a download made."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"cannot read {file}: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("_class_name"), str):
        raise UserError(f"{file} names no pipeline (_class_name); download the model again.")
    return content


def pipeline_class(folder: Path) -> str:
    """The pipeline's class name, e.g. "StableDiffusionInstructPix2PixPipeline".

    Raises:
        UserError: as `model_index`.
    """
    return str(model_index(folder)["_class_name"])


def refuse_pickles(folder: Path, components: Iterable[str]) -> None:
    """Refuse components that have weights in pickle form alone: loading those can run any code.

    Args:
        folder: of the pipeline.
        components: names of its subfolders.

    Raises:
        UserError: naming the file.
    """
    for name in components:
        files = sorted(p for p in (folder / name).glob("*") if p.is_file())
        pickles = [p for p in files if p.suffix in _PICKLES]
        if pickles and not any(p.suffix == ".safetensors" for p in files):
            raise UserError(
                f"{pickles[0]} holds weights in pickle form, which can run any code when loaded; "
                "convert them to safetensors, or add --allow-pickle if you trust them."
            )


def folder_identity(folder: Path, components: Iterable[str]) -> str:
    """SHA-256 over the files of the given components and model_index.json, wherever they lie.

    Args:
        folder: of the pipeline.
        components: names of subfolders; absent ones count as empty.
    """
    digest = hashlib.sha256()
    files = [folder / "model_index.json"]
    for name in components:
        files += sorted(p for p in (folder / name).rglob("*") if p.is_file())
    for file in files:
        if not file.is_file():
            continue
        with file.open("rb") as handle:
            content = hashlib.file_digest(handle, "sha256").digest()
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + content)
    return digest.hexdigest()
