"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
import yaml

from genmix_da.cli import groups
from genmix_da.cli.place import PLACE

Command = Callable[..., Any]


def parse_arguments(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """k=v pairs with YAML values: pad_type=same, img_size=160, dynamic=true."""
    from genmix_da.config_values import load_yaml

    found = {}
    for text in values:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE")
        try:
            found[key] = load_yaml(value)
        except yaml.YAMLError as error:
            raise click.BadParameter(f"{text!r}: the value is not YAML") from error
    return found


def arguments_option(option: Callable[..., Command], flag: str, name: str, help: str) -> Command:
    """A repeatable option of k=v pairs, under the heading that `option` belongs to."""
    return option(flag, name, multiple=True, callback=parse_arguments, metavar="K=V", help=help)


refuse_duplicates = groups.data(
    "--refuse-duplicates",
    is_flag=True,
    default=None,
    help="An image to score on that is trained on, too, is an error, not a warning.",
)


def _lower(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    return None if value is None else value.lower()


part_option = groups.data(
    "--part", help="train, val or test, where the data have such parts [SRC: train; else all]."
)
grey_range_option = groups.data(
    "--grey-range", help="Of grey with more than 8 bits: auto, full or MIN,MAX [auto]."
)

# Of every command that trains.
WEIGHTS = "imagenet, packaged, none, or a .safetensors/.pth file"
backbone_argument_option = arguments_option(
    groups.network,
    "--backbone-arg",
    "backbone_arguments",
    "Argument of the backbone's constructor; repeatable.",
)
RUNNING: tuple[Command, ...] = (
    groups.running("--seed", type=int, help="Of initialisation, batches and views [2021]."),
    groups.running("--device", help="auto, cpu or cuda [auto]."),
    groups.running("--mixed-precision/--no-mixed-precision", default=None, help="On CUDA [mixed]."),
    groups.running("--config", type=PLACE, help="YAML file with these settings."),
)

# Defaults that a profile gives are not said here: `ProfileCommand` adds those that apply.
_MODEL: tuple[Command, ...] = (
    groups.data("--data", help="Folder of domains [$GENMIX_DA_DATA, else Mini Office-Home]."),
    groups.data("--setting", callback=_lower, help="opda, osda or pda [opda]."),
    groups.data("--split", help="S/P/T class counts, or a YAML file with class names."),
    refuse_duplicates,
    part_option,
    grey_range_option,
    groups.running(
        "--profile", help="mini, office-home, office-31, visda-c, domainnet, folder [by data]."
    ),
    groups.network("--backbone", help="torchvision name, timm:NAME or transformers:NAME_OR_DIR."),
    backbone_argument_option,
    groups.network("--weights", help=f"{WEIGHTS}."),
    groups.network(
        "--freeze-backbone/--no-freeze-backbone",
        default=None,
        help="Compute features once, train bottleneck and classifier alone.",
    ),
    groups.network("--bottleneck-dim", type=int, help="Width of the embedding."),
    groups.network("--image-size", type=int, help="Side of the network's input, in pixels."),
    groups.source_training("--augment", help="genmix or none [genmix]."),
    groups.source_training(
        "--augment-mode", help="offline (written once) or online (drawn anew) [offline]."
    ),
    groups.source_training(
        "--budget", help="steps or epochs: what plain and augmented share [steps]."
    ),
    groups.source_training(
        "--batch-size", type=int, help="Images a step, in the adaptation as well."
    ),
    groups.source_training("--source-epochs", type=int, help="Epochs."),
    groups.source_training("--source-lr", type=float, help="Learning rate."),
    groups.source_training("--source-backbone-factor", type=float, help="Backbone's share of it."),
    groups.source_training("--label-smoothing", type=float, help="Of the source loss [0.1]."),
    *RUNNING,
)

_TARGET: tuple[Command, ...] = (
    groups.source_training(
        "--source-checkpoint", help="Source model to start from (also LEAD's .pth)."
    ),
    groups.adaptation("--epochs", type=int, help="Epochs."),
    groups.adaptation("--lr", type=float, help="Learning rate."),
    groups.adaptation("--lambda-psd", type=float, help="Weight of the pseudo-label loss."),
    groups.adaptation(
        "--cluster-estimator",
        help="Of C_t: tsne (published), landmarks, features; auto: tsne where cheap [auto].",
    ),
    groups.adaptation(
        "--confident-weight", help="Weight of clear-cut samples: released or paper [released]."
    ),
    groups.rejection(
        "--threshold", help="Reject above this uncertainty: a number, auto or otsu[:FLOOR]."
    ),
    groups.rejection(
        "--graph/--no-graph", default=None, help="Scores smoothed over the target's neighbours too."
    ),
    arguments_option(
        groups.adaptation,
        "--method-arg",
        "method_options",
        "Option of a method with source data: docs/methods.md; repeated.",
    ),
    groups.rejection("--graph-threshold", help="Their threshold, likewise [auto]."),
    arguments_option(
        groups.rejection,
        "--graph-arg",
        "graph_options",
        "neighbours, power, alpha, uncertainty_alpha, share_alpha, centred, views; repeated.",
    ),
    groups.rejection(
        "--unknown-share",
        type=float,
        help="Leave out target images until this share is unknown, to study rejection [all].",
    ),
)

_CHECKPOINT: tuple[Command, ...] = (
    click.option("--threshold", help="A number, auto or otsu[:FLOOR] [the checkpoint's]."),
    click.option(
        "--graph/--no-graph", default=True, help="Judge beside the target's images as well."
    ),
    click.option("--weights", help="Of a frozen backbone, where its file or folder has moved."),
    click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda."),
)


def apply(options: tuple[Command, ...], command: Command) -> Command:
    """A command with further options, in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def model_options(command: Command) -> Command:
    """Data, network and source training."""
    return apply(_MODEL, command)


def target_options(command: Command) -> Command:
    """Adaptation."""
    return apply(_TARGET, command)


def checkpoint_options(command: Command) -> Command:
    """How a finished checkpoint judges images."""
    return apply(_CHECKPOINT, command)


json_option = groups.running("--json", "as_json", is_flag=True, help="Print JSON alone.")
