"""Options of diffusion editors that several commands share."""

from __future__ import annotations

from typing import Any

import click

from genmix_da.cli import groups
from genmix_da.cli.options import Command, apply


def _note_of_size(
    context: click.Context, parameter: click.Parameter, value: int | None
) -> int | None:
    """The old name is taken as before, with a note."""
    if value is not None and not context.resilient_parsing:
        click.echo(
            "note: --size is part of --edit-size now; taken as the side that diffusion works at",
            err=True,
        )
    return value


_OPTIONS: tuple[Command, ...] = (
    groups.editor("--scheduler", help="euler-a, euler, dpm++, unipc, ddim or lcm [euler-a]."),
    groups.editor("--guidance", type=float, help="Text guidance scale [4]."),
    groups.editor("--image-guidance", type=float, help="Image guidance scale [1.5]."),
    groups.editor("--size", type=int, hidden=True, callback=_note_of_size),
    groups.editor("--precision", help="fp32, fp16 or bf16 [fp16 on a GPU, else fp32]."),
    groups.editor("--reuse", type=int, help="A whole UNet call every N steps [1]."),
    groups.editor("--tiny-vae", help="Hub name or folder of an AutoencoderTiny."),
    groups.editor("--compile", is_flag=True, default=None, help="Compile the UNet."),
    groups.editor("--attention", help="sdpa or plain [sdpa]."),
    groups.editor("--edit-batch", "batch", type=int, help="Images at once [as many as fit]."),
    groups.editor(
        "--fast", is_flag=True, help="20 steps of dpm++ at 256 px, deep features reused."
    ),
    groups.editor("--allow-pickle", is_flag=True, help="Load weights that are not safetensors."),
    groups.editor(
        "--style-strength", type=float, help="How far style-transfer goes, in (0, 1] [0.5]."
    ),
    groups.editor("--yes", is_flag=True, help="Edit on a CPU however long it takes."),
)
NAMES = (
    *("steps", "scheduler", "guidance", "image_guidance", "size", "precision", "reuse"),
    *("tiny_vae", "channels_last", "compile", "attention", "batch", "fast", "allow_pickle", "yes"),
    "style_strength",
)


# Those that a command which trains has for itself; there they start with --edit-.
_COMMON: dict[str, dict[str, Any]] = {
    "steps": {"type": int, "help": "Denoising steps [100]."},
    "channels-last": {"is_flag": True, "default": None, "help": "Memory format of the UNet."},
}


def editor_options(command: Command, *, prefix: str = "") -> Command:
    """Settings of diffusion editors.

    Args:
        command: to give them to.
        prefix: "edit-" where the command has --steps and --channels-last of its own.
    """
    common = tuple(groups.editor(f"--{prefix}{name}", **how) for name, how in _COMMON.items())
    return apply((common[0], *_OPTIONS, *common[1:]), command)


def gather_editor_options(options: dict[str, Any]) -> dict[str, Any]:
    """Take them out of the options of a command: those that were given."""
    taken = {name: options.pop(name, None) for name in NAMES}
    # Not `in (None, False)`: a step count of 0 equals False, and is to be refused, not ignored.
    return {
        name: value for name, value in taken.items() if value is not None and value is not False
    }
