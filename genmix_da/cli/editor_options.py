"""Options of diffusion editors that several commands share."""

from __future__ import annotations

from typing import Any

import click

from genmix_da.cli.options import Command, apply

_OPTIONS: tuple[Command, ...] = (
    click.option("--scheduler", help="euler-a, euler, dpm++, unipc, ddim or lcm [euler-a]."),
    click.option("--guidance", type=float, help="Text guidance scale [4]."),
    click.option("--image-guidance", type=float, help="Image guidance scale [1.5]."),
    click.option("--size", type=int, help="Side the diffusion editor works at, in pixels [512]."),
    click.option("--precision", help="fp32, fp16 or bf16 [fp16 on a GPU, else fp32]."),
    click.option("--reuse", type=int, help="A whole UNet call every N steps [1]."),
    click.option("--tiny-vae", help="Hub name or folder of an AutoencoderTiny."),
    click.option("--compile", is_flag=True, default=None, help="Compile the UNet."),
    click.option("--attention", help="sdpa or plain [sdpa]."),
    click.option("--edit-batch", "batch", type=int, help="Images at once [as many as fit]."),
    click.option("--fast", is_flag=True, help="20 steps of dpm++ at 256 px, deep features reused."),
    click.option("--allow-pickle", is_flag=True, help="Load weights that are not safetensors."),
    click.option(
        "--style-strength", type=float, help="How far style-transfer goes, in (0, 1] [0.5]."
    ),
    click.option("--yes", is_flag=True, help="Edit on a CPU however long it takes."),
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
    common = tuple(click.option(f"--{prefix}{name}", **how) for name, how in _COMMON.items())
    return apply((common[0], *_OPTIONS, *common[1:]), command)


def gather_editor_options(options: dict[str, Any]) -> dict[str, Any]:
    """Take them out of the options of a command: those that were given."""
    taken = {name: options.pop(name, None) for name in NAMES}
    # Not `in (None, False)`: a step count of 0 equals False, and is to be refused, not ignored.
    return {
        name: value for name, value in taken.items() if value is not None and value is not False
    }
