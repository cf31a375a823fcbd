"""Options that the commands of genmix-da classify share."""

from __future__ import annotations

from typing import Any

import click

from genmix_da.cli.augment_options import augment_seed_option, genmix_options, join_genmix
from genmix_da.cli.options import (
    NETWORK,
    RUNNING,
    Command,
    apply,
    arguments_option,
    grey_range_option,
    refuse_duplicates,
)

_DATA: tuple[Command, ...] = (
    click.option(
        "--data",
        help="SRC/<class>/<image>, SRC/train and SRC/test (or val) with class folders, or "
        "cifar100, flowers102, stanfordcars, fgvcaircraft.",
    ),
    click.option("--test-data", help="Class folders to test on [SRC's own, else a split]."),
    click.option("--dataset", help="Name in results and tables [the folder's]."),
    click.option("--root", help="Folder of torchvision's data sets [in the cache]."),
    click.option(
        "--download", is_flag=True, default=None, help="Fetch a torchvision data set if missing."
    ),
    refuse_duplicates,
    grey_range_option,
    click.option("--shots", type=int, help="Training images of each class [all]."),
    click.option("--test-limit", type=int, help="At most this many test images [all]."),
    click.option("--test-fraction", type=float, help="Share to test on, without a part [0.2]."),
    click.option("--split-seed", type=int, help="Of the split; all --seed share it [0]."),
)

_METHOD: tuple[Command, ...] = (
    arguments_option(
        "--augment-option",
        "augment_options",
        "Option of the method, e.g. alpha=0.4; repeatable.",
    ),
    click.option(
        "--augment-mode", help="GenMix: offline (written once) or online (drawn anew) [offline]."
    ),
    click.option("--budget", help="steps or epochs: what all methods get the same of [steps]."),
    click.option("--adversarial", help="none, or fast: train on FGSM examples [none]."),
    click.option("--epsilon", help="Radius of it and of the FGSM error in tables [8/255]."),
    click.option("--fgsm", help="Attack at these radii at the end, e.g. 2/255,8/255 [none]."),
)

_TRAINING: tuple[Command, ...] = (
    click.option("--backbone", help="torchvision name or timm:NAME [resnet50]."),
    *NETWORK,
    click.option("--image-size", type=int, help="Side of the network's input [the weights' own]."),
    click.option("--batch-size", type=int, help="Images a step [64]."),
    click.option("--epochs", type=int, help="Passes over the training images [100]."),
    click.option("--steps", type=int, help="Optimiser steps in all, instead of --epochs."),
    click.option("--optimizer", help="sgd (Nesterov) or adamw [sgd]."),
    click.option("--lr", type=float, help="Highest rate of the classifier [by optimiser]."),
    click.option("--backbone-factor", type=float, help="Backbone's share [0.1; from scratch 1]."),
    click.option("--weight-decay", type=float, help="[sgd 5e-4, adamw 0.05]."),
    click.option("--momentum", type=float, help="Of SGD [0.9]."),
    click.option("--warmup-steps", type=int, help="Linear warm-up [5 % of the steps]."),
    click.option("--warmup-epochs", type=float, help="The same in epochs."),
    click.option("--label-smoothing", type=float, help="Also of mixed labels [0.1]."),
    click.option("--eval-every", type=int, help="Epochs between tests [a tenth of all]."),
    click.option(
        "--channels-last/--no-channels-last", default=None, help="Memory format [channels-last]."
    ),
    *RUNNING,
)


def classify_options(command: Command) -> Command:
    """Data, method but its name, network and training."""
    return apply((*_DATA, *_METHOD, *_TRAINING), command)


def classify_genmix_options(command: Command) -> Command:
    """Settings of GenMix and DiffuseMix."""
    return genmix_options(augment_seed_option(command), prefix="edit-")


def join_classify(options: dict[str, Any]) -> dict[str, Any]:
    """The options with GenMix's gathered under "genmix", as a configuration holds them."""
    rest = dict(options)
    own = {name: rest.pop(name, None) for name in ("steps", "channels_last")}
    # The editor's options of these names have a prefix on the command line alone.
    rest |= {name: rest.pop(f"edit_{name}", None) for name in own}
    return join_genmix(rest) | own
