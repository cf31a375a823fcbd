"""Options that the commands of genmix-da classify share."""

from __future__ import annotations

from typing import Any

from genmix_da.cli import groups
from genmix_da.cli.augment_options import augment_seed_option, genmix_options, join_genmix
from genmix_da.cli.options import (
    RUNNING,
    WEIGHTS,
    Command,
    apply,
    arguments_option,
    backbone_argument_option,
    grey_range_option,
    refuse_duplicates,
)

_DATA: tuple[Command, ...] = (
    groups.data(
        "--data",
        help="SRC/<class>/<image>, SRC/train and SRC/test (or val) with class folders, or "
        "cifar100, flowers102, stanfordcars, fgvcaircraft.",
    ),
    groups.data("--test-data", help="Class folders to test on [SRC's own, else a split]."),
    groups.data("--dataset", help="Name in results and tables [the folder's]."),
    groups.data("--root", help="Folder of torchvision's data sets [in the cache]."),
    groups.data(
        "--download", is_flag=True, default=None, help="Fetch a torchvision data set if missing."
    ),
    refuse_duplicates,
    grey_range_option,
    groups.data("--shots", type=int, help="Training images of each class [all]."),
    groups.data("--test-limit", type=int, help="At most this many test images [all]."),
    groups.data("--test-fraction", type=float, help="Share to test on, without a part [0.2]."),
    groups.data("--split-seed", type=int, help="Of the split; all --seed share it [0]."),
)

_METHOD: tuple[Command, ...] = (
    arguments_option(
        groups.method,
        "--augment-option",
        "augment_options",
        "Option of the method, e.g. alpha=0.4; repeatable.",
    ),
    groups.method(
        "--augment-mode", help="GenMix: offline (written once) or online (drawn anew) [offline]."
    ),
    groups.method("--budget", help="steps or epochs: what all methods get the same of [steps]."),
    groups.method("--adversarial", help="none, or fast: train on FGSM examples [none]."),
    groups.method("--epsilon", help="Radius of it and of the FGSM error in tables [8/255]."),
    groups.method("--fgsm", help="Attack at these radii at the end, e.g. 2/255,8/255 [none]."),
)

_TRAINING: tuple[Command, ...] = (
    groups.network("--backbone", help="torchvision name or timm:NAME [resnet50]."),
    backbone_argument_option,
    groups.network("--weights", help=f"{WEIGHTS} [imagenet]."),
    groups.network(
        "--image-size", type=int, help="Side of the network's input [the weights' own]."
    ),
    groups.training("--batch-size", type=int, help="Images a step [64]."),
    groups.training("--epochs", type=int, help="Passes over the training images [100]."),
    groups.training("--steps", type=int, help="Optimiser steps in all, instead of --epochs."),
    groups.training("--optimizer", help="sgd (Nesterov) or adamw [sgd]."),
    groups.training("--lr", type=float, help="Highest rate of the classifier [by optimiser]."),
    groups.training(
        "--backbone-factor", type=float, help="Backbone's share [0.1; from scratch 1]."
    ),
    groups.training("--weight-decay", type=float, help="[sgd 5e-4, adamw 0.05]."),
    groups.training("--momentum", type=float, help="Of SGD [0.9]."),
    groups.training("--warmup-steps", type=int, help="Linear warm-up [5 % of the steps]."),
    groups.training("--warmup-epochs", type=float, help="The same in epochs."),
    groups.training("--label-smoothing", type=float, help="Also of mixed labels [0.1]."),
    groups.training("--eval-every", type=int, help="Epochs between tests [a tenth of all]."),
    groups.training(
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
