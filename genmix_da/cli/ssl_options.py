"""Options of the commands of genmix-da ssl."""

from __future__ import annotations

from typing import Any

from genmix_da.cli import groups
from genmix_da.cli.augment_options import augment_seed_option, genmix_options, join_genmix
from genmix_da.cli.options import (
    RUNNING,
    WEIGHTS,
    Command,
    apply,
    backbone_argument_option,
    grey_range_option,
    refuse_duplicates,
)

_SETS = "cifar100, flowers102, stanfordcars, fgvcaircraft"
_NAMED: tuple[Command, ...] = (
    groups.data("--dataset", help="Name in results [the folder's]."),
    groups.data("--root", help="Folder of torchvision's data sets [in the cache]."),
    groups.data(
        "--download", is_flag=True, default=None, help="Fetch a torchvision data set if missing."
    ),
    grey_range_option,
)

_ROW: tuple[Command, ...] = (
    groups.method("--method", help="moco-v2 or simsiam [moco-v2]."),
    groups.method("--augment", help="none, diffusemix or genmix [genmix]."),
)
_TRAIN: tuple[Command, ...] = (
    groups.data(
        "--data", help=f"Folder or list of images; labels are not used. Or a name: {_SETS}."
    ),
    *_NAMED,
    groups.method(
        "--views",
        help="Which pictures the two views are cut from: original-augmented (one of each), "
        "augmented (both) or mixed (any) [original-augmented].",
    ),
    groups.method("--temperature", type=float, help="MoCo: temperature of the loss [0.2]."),
    groups.method(
        "--encoder-momentum", type=float, help="MoCo: of the encoder of the keys [0.999]."
    ),
    groups.method(
        "--queue",
        type=int,
        help="MoCo: keys remembered [65536, at most half of the images; a batch at least].",
    ),
    groups.method(
        "--norm-group",
        type=int,
        help="MoCo: images that batch norm takes together [32, at most half of the batch].",
    ),
    groups.network("--backbone", help="torchvision name or timm:NAME [resnet50]."),
    backbone_argument_option,
    groups.network("--weights", help=f"To start from: {WEIGHTS} [none]."),
    groups.network("--image-size", type=int, help="Side of a view [the backbone's own]."),
    groups.network(
        "--picture-size",
        type=int,
        help="Side of the pictures that views are cut from [2.24 times that of a view].",
    ),
    groups.training("--batch-size", type=int, help="Images a step [256]."),
    groups.training(
        "--epochs", type=int, help="Passes over the originals [moco-v2 200, simsiam 100]."
    ),
    groups.training(
        "--lr", type=float, help="At the first step [batch/256 times 0.03; simsiam 0.05]."
    ),
    groups.training("--weight-decay", type=float, help="[1e-4]."),
    groups.training("--momentum", type=float, help="Of SGD [0.9]."),
    groups.running(
        "--workers", type=int, help="Processes that cut views [none on a CPU, else up to 8]."
    ),
    *RUNNING,
)

_PROBED: tuple[Command, ...] = (
    groups.data("--test-data", help="Class folders to test on [the data's own, else a split]."),
    groups.data("--shots", type=int, help="Training images of each class [all]."),
    groups.data("--test-limit", type=int, help="At most this many test images [all]."),
    groups.data("--test-fraction", type=float, help="Share to test on, without a part [0.2]."),
    groups.data("--split-seed", type=int, help="Of the split [0]."),
)
_SPLIT: tuple[Command, ...] = (
    groups.data(
        "--data", help=f"Class folders, with parts or without, as classify takes them, or {_SETS}."
    ),
    *_NAMED,
    refuse_duplicates,
    *_PROBED,
)


def ssl_options(command: Command) -> Command:
    """Data, method, network and training."""
    return apply((*_ROW, *_TRAIN), command)


def ssl_common_options(command: Command) -> Command:
    """The same without what the rows of a table decide."""
    return apply(_TRAIN, command)


def probed_options(command: Command) -> Command:
    """How labelled images are split, beside --data."""
    return apply(_PROBED, command)


def ssl_genmix_options(command: Command) -> Command:
    """Settings of GenMix and DiffuseMix."""
    return genmix_options(augment_seed_option(command), prefix="edit-")


def split_options(command: Command) -> Command:
    """Which labelled images a probe trains and tests on."""
    return apply(_SPLIT, command)


def join_ssl(options: dict[str, Any]) -> dict[str, Any]:
    """The options with GenMix's gathered under "genmix", as a configuration holds them."""
    rest = dict(options)
    rest |= {name: rest.pop(f"edit_{name}", None) for name in ("steps", "channels_last")}
    return join_genmix(rest)
