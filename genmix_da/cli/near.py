"""The options and the work of `data check --near`: joins the check, a frozen backbone and faiss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from genmix_da.cli import groups
from genmix_da.cli.options import WEIGHTS, Command, apply, backbone_argument_option

if TYPE_CHECKING:
    from genmix_da.data.check import Checked
    from genmix_da.data.near import Near
    from genmix_da.frozen.encoder import FrozenEncoder

_DEFAULT = "default"
_SEED = 2021  # of random weights, as elsewhere


class _Cosine(click.ParamType[float]):
    """A number above 0 and at most 1; what follows the option without being one is no threshold."""

    name = "threshold"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> float:
        from genmix_da.data.near import THRESHOLD

        if value == _DEFAULT:
            return THRESHOLD
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is no number; write the folder first: data check FOLDER --near")
        if not 0 < number <= 1:
            self.fail(f"{value} is no cosine; give a number above 0 and at most 1")
        return number


_OPTIONS: tuple[Command, ...] = (
    click.option(
        "--near",
        type=_Cosine(),
        is_flag=False,
        flag_value=_DEFAULT,
        help="List near-duplicates across domains and parts, by the cosine of features [0.95].",
    ),
    click.option(
        "--backbone",
        help="Of --near: torchvision name, timm:NAME or transformers:NAME_OR_DIR [resnet50].",
    ),
    backbone_argument_option,
    groups.network("--weights", help=f"{WEIGHTS} [imagenet]."),
    click.option("--device", help="Of --near: auto, cpu or cuda [auto]."),
)


def near_options(command: Command) -> Command:
    """--near and the backbone that it looks with."""
    return apply(_OPTIONS, command)


def check_alone(near: float | None, **of_near: object) -> None:
    """Options of --near have no meaning without it.

    Raises:
        UserError: one is given.
    """
    from genmix_da.errors import UserError

    given = next((name for name, value in of_near.items() if value), None)
    if near is None and given is not None:
        flag = given.removesuffix("_arguments") + ("-arg" if given.endswith("_arguments") else "")
        raise UserError(f"--{flag} says with what --near looks; give --near, too.")


def near_encoder(
    *, backbone: str | None, weights: str | None, arguments: dict[str, Any], device: str | None
) -> FrozenEncoder:
    """What --near looks with; found missing before an image is opened.

    Args:
        backbone, weights, arguments, device: see the options.

    Raises:
        UserError, WeightsError: the backbone or its weights are not there.
    """
    from genmix_da.device import resolve_device
    from genmix_da.frozen.encoder import OWN_WEIGHTS, BackboneChoice, frozen_encoder
    from genmix_da.frozen.towers import PREFIX

    name = backbone or "resnet50"
    own = OWN_WEIGHTS if name.startswith(PREFIX) else "imagenet"
    choice = BackboneChoice(name, weights or own, arguments, _SEED)
    return frozen_encoder(choice, image_size=None, device=resolve_device(device or "auto"))


def find_near(checked: Checked, threshold: float, encoder: FrozenEncoder) -> Near:
    """Near-duplicates of a folder that was looked over; of the same bytes one image is taken.

    Args:
        checked: the folder.
        threshold: cosine from which on a pair counts.
        encoder: of the features.

    Raises:
        UserError: the features can't be used.
    """
    from genmix_da.data.decode import DECODE_VERSION
    from genmix_da.data.near import Near, comparable, group_pairs, near_pairs, square
    from genmix_da.data.pixels import pil_warnings_ignored
    from genmix_da.frozen.centre import centre_features

    pre = encoder.preprocessing
    found = comparable(checked.everything.held, checked.digests)

    def read(row: int) -> Any:
        return square(found[row], pre.resize_size, pre.interpolation)

    pairs: list[tuple[int, int, float]] = []
    if found:
        digests = [one.pixels_digest for one in found]
        with pil_warnings_ignored():
            features = centre_features(encoder, digests, read, DECODE_VERSION)
        pairs = near_pairs(features, [one.place for one in found], threshold)
    groups = group_pairs(pairs, [one.path for one in found])
    return Near(threshold, encoder.choice.name, len(found), groups)
