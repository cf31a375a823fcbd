"""Image editors behind one small protocol. Adding one is one file and one entry in EDITORS.

Other packages bring theirs as entry points, see `genmix_da.plugins`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from genmix_da.augment.diffusion.folder import PIX2PIX_CLASS, pipeline_class
from genmix_da.augment.diffusion.options import EditorOptions
from genmix_da.augment.editors.base import Editor, Request, edit_problem
from genmix_da.augment.editors.diffusers_pipeline import PipelineEditor
from genmix_da.augment.editors.filters import FilterEditor
from genmix_da.augment.editors.instruct_pix2pix import InstructPix2PixEditor, is_ready
from genmix_da.augment.editors.original import OriginalEditor
from genmix_da.augment.editors.style_transfer import StyleTransferEditor
from genmix_da.device import check_device_name
from genmix_da.errors import UserError, there_are
from genmix_da.plugins import Registry

logger = logging.getLogger(__name__)

MakeEditor = Callable[[Request], Editor]


def _accepted(name: str, found: Any) -> MakeEditor:
    """An editor of another package.

    Raises:
        TypeError: it can't be called.
    """
    if not callable(found):
        raise TypeError(f"{type(found).__name__} can't be called with a Request")
    made: MakeEditor = found
    return made


EDITORS: Registry[MakeEditor] = Registry(
    "editors",
    {
        "filters": FilterEditor,
        "instruct-pix2pix": InstructPix2PixEditor,
        "diffusers": PipelineEditor,
        "style-transfer": StyleTransferEditor,
        "original": OriginalEditor,
    },
    _accepted,
)

__all__ = ["EDITORS", "Editor", "EditorOptions", "Request", "edit_problem", "make_editor"]


def make_editor(name: str, options: EditorOptions | None = None, *, device: str = "auto") -> Editor:
    """An editor by name.

    Args:
        name: a key of EDITORS; "instruct-pix2pix:MODEL" or "diffusers:MODEL" with a hub name or a
            local folder; a folder alone, whose model_index.json says which of the two it is; or
            "auto": `instruct-pix2pix` where a GPU and its weights are there, else `filters`.
        options: of editors with a network.
        device: "auto", "cpu", "cuda" or "cuda:N"; decides no more than speed and rounding.

    Raises:
        UserError: unknown editor (the nearest is suggested), options that it does not take, no
            such folder or device, a folder without a pipeline, or what another package's editor
            raises.
    """
    check_device_name(device)
    if name == "auto":
        name = "instruct-pix2pix" if is_ready(device) else "filters"
        logger.info("editor: %s", name)
    kind, _, model = name.partition(":")
    if kind not in EDITORS and Path(name).is_dir():
        kind = "instruct-pix2pix" if pipeline_class(Path(name)) == PIX2PIX_CLASS else "diffusers"
        model = name
    if kind not in EDITORS:
        there = there_are(kind, ("auto", *EDITORS))
        raise UserError(f"no editor {name!r}; {there}, and the folder of a diffusers pipeline.")
    with EDITORS.blamed(kind):
        made = EDITORS[kind](Request(model or None, options or EditorOptions(), device))
        if not callable(getattr(made, "edit", None)):
            raise TypeError(f"{type(made).__name__} is no editor")
        return made
