"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import yaml

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


def arguments_option(flag: str, name: str, help: str) -> Command:
    """A repeatable option of k=v pairs."""
    return click.option(
        flag, name, multiple=True, callback=parse_arguments, metavar="K=V", help=help
    )


refuse_duplicates = click.option(
    "--refuse-duplicates",
    is_flag=True,
    default=None,
    help="An image to score on that is trained on, too, is an error, not a warning.",
)


def _lower(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    return None if value is None else value.lower()


part_option = click.option(
    "--part", help="train, val or test, where the data have such parts [SRC: train; else all]."
)
grey_range_option = click.option(
    "--grey-range", help="Of grey with more than 8 bits: auto, full or MIN,MAX [auto]."
)

# Of every command that trains.
NETWORK: tuple[Command, ...] = (
    arguments_option(
        "--backbone-arg",
        "backbone_arguments",
        "Argument of the backbone's constructor; repeatable.",
    ),
    click.option(
        "--weights",
        help="imagenet, packaged, none, or a .safetensors/.pth file [imagenet; adapt: by profile].",
    ),
)
RUNNING: tuple[Command, ...] = (
    click.option("--seed", type=int, help="Of initialisation, batches and views [2021]."),
    click.option("--device", help="auto, cpu or cuda [auto]."),
    click.option("--mixed-precision/--no-mixed-precision", default=None, help="On CUDA [mixed]."),
    click.option(
        "--config", type=click.Path(path_type=Path), help="YAML file with these settings."
    ),
)

_MODEL: tuple[Command, ...] = (
    click.option("--data", help="Folder of domains [$GENMIX_DA_DATA, else Mini Office-Home]."),
    click.option("--setting", callback=_lower, help="opda, osda or pda [opda]."),
    click.option("--split", help="S/P/T class counts, or a YAML file with class names."),
    refuse_duplicates,
    part_option,
    grey_range_option,
    click.option(
        "--profile", help="mini, office-home, office-31, visda-c, domainnet, folder [by data]."
    ),
    click.option("--augment", help="genmix or none [genmix]."),
    click.option("--augment-mode", help="offline (written once) or online (drawn anew) [offline]."),
    click.option("--budget", help="steps or epochs: what plain and augmented share [steps]."),
    click.option(
        "--backbone", help="torchvision name, timm:NAME or transformers:NAME_OR_DIR [by profile]."
    ),
    *NETWORK,
    click.option(
        "--freeze-backbone/--no-freeze-backbone",
        default=None,
        help="Compute features once, train bottleneck and classifier alone [by profile].",
    ),
    click.option("--bottleneck-dim", type=int, help="Width of the embedding [256]."),
    click.option("--image-size", type=int, help="Side of the network's input [the weights' own]."),
    click.option("--batch-size", type=int, help="Images a step [64]."),
    click.option("--source-epochs", type=int, help="Epochs of source training [50]."),
    click.option("--source-lr", type=float, help="Learning rate of source training [0.01]."),
    click.option("--source-backbone-factor", type=float, help="Backbone's share of it [0.1]."),
    click.option("--label-smoothing", type=float, help="Of the source loss [0.1]."),
    *RUNNING,
)

_TARGET: tuple[Command, ...] = (
    click.option("--source-checkpoint", help="Source model to start from (also LEAD's .pth)."),
    click.option("--epochs", type=int, help="Epochs of adaptation [50]."),
    click.option("--lr", type=float, help="Learning rate of adaptation [0.001]."),
    click.option("--lambda-psd", type=float, help="Weight of the pseudo-label loss [2.0]."),
    click.option(
        "--threshold", help="Reject above this uncertainty: a number, auto or otsu[:FLOOR] [0.55]."
    ),
    click.option(
        "--graph/--no-graph", default=None, help="Scores smoothed over the target's neighbours too."
    ),
    click.option("--graph-threshold", help="Their threshold, likewise [auto]."),
    arguments_option(
        "--graph-arg",
        "graph_options",
        "neighbours, power, alpha, uncertainty_alpha, share_alpha, centred, views; repeated.",
    ),
    click.option(
        "--unknown-share",
        type=float,
        help="Leave out target images until this share is unknown, to study rejection [all].",
    ),
    click.option("--cluster-estimator", help="tsne (published) or features [tsne]."),
    click.option(
        "--confident-weight", help="Weight of clear-cut samples: released or paper [released]."
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


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
