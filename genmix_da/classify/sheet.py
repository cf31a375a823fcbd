"""The same picture through every augmentation, on one sheet to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from genmix_da.augment.compose import Draws, compose, fractal_source
from genmix_da.augment.editors import Editor, make_editor
from genmix_da.augment.editors.base import fit_to, to_uint8
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.settings import AugmentSettings, build_settings
from genmix_da.augment.sheets import tile, write_sheet
from genmix_da.classify.augmentations import (
    AUGMENTATIONS,
    GENMIX_PRESETS,
    Augmentation,
    Setup,
    find_augmentation,
    make_augmentation,
    required_options,
)
from genmix_da.classify.augmentations.mixing import pixels_of
from genmix_da.errors import UserError
from lead.seeds import derive
from lead.views import NetworkInput, Preprocessing

Pixels = NDArray[np.uint8]

_METHODS_IN_A_LINE = 2


class _Contrast(nn.Module):
    """What differs from its surroundings, for either class alike: [B, 2, h, w]. No layer to mix."""

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, 3, S, S]."""
        pooled = F.avg_pool2d(images, max(images.shape[-1] // 32, 1))
        far = pooled - F.avg_pool2d(pooled, 5, 1, 2, count_include_pad=False)
        return F.avg_pool2d(far.square().mean(1, keepdim=True).expand(-1, 2, -1, -1), 2)


class _Seen(nn.Module):
    """Keeps what it is shown: a network without weights that looks for contrast.

    Methods that ask the network what it sees are shown by this stand-in where there is no other.
    """

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Sequential(_Contrast(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(2, 2, bias=False)
        self.head.weight.data = torch.eye(2)

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.backbone(images))
        return logits


def augmentation_sheet(
    path: Path,
    image: Pixels,
    partner: Pixels,
    *,
    draws: int = 3,
    seed: int = 0,
    preprocessing: Preprocessing | None = None,
    editor: Editor | None = None,
    network: nn.Module | None = None,
) -> None:
    """Write one PNG: image and partner, then every method, some draws each.

    Methods that mix are shown with the share that is left of the image's label, and that of its
    partner where the two need not sum to 1. Manifold mixup is shown at the input, the only layer
    that is a picture. GenMix and DiffuseMix are composed from real edits of the image, a style
    each. Methods that learn how to mix are left out: here they have learnt nothing; and those that
    need files.

    Args:
        path: PNG to write.
        image, partner: uint8 [S, S, 3], of one size.
        draws: of each method.
        seed: of all draws.
        preprocessing: of the network; mean and std matter to saliency.
        editor: for GenMix and DiffuseMix; None: filters.
        network: on the CPU, with backbone and head, of which image and partner are the first two
            classes; for the methods that ask what a network sees. None: a stand-in that looks for
            contrast.

    Raises:
        UserError: the pictures are not square or not of one size.
    """
    side = image.shape[0]
    if image.shape != (side, side, 3) or partner.shape != image.shape:
        raise UserError(
            f"the pictures of a sheet must be square and alike, not {image.shape[:2]} and "
            f"{partner.shape[:2]}."
        )
    setup = Setup(side, 2, preprocessing or Preprocessing(image_size=side, resize_size=side))
    blocks = [[tile(image, "image"), tile(partner, "partner")]]
    for name in AUGMENTATIONS:
        if name == "none" or required_options(find_augmentation(name)):
            continue
        if name in GENMIX_PRESETS:
            settings = build_settings({"prompts": "classification"} | GENMIX_PRESETS[name])
            shown = _composed(image, settings, editor or make_editor("filters"), draws, seed)
        else:
            options = {"stages": 0} if name == "manifold-mixup" else {}
            augmentation = make_augmentation(name, setup, options)
            if augmentation.learns:
                continue
            shown = _augmented(image, partner, augmentation, network or _Seen(), draws, seed)
        blocks.append([tile(pixels, f"{name}{note}") for pixels, note in shown])
    write_sheet(path, _lines(blocks, draws))


def _lines(blocks: Sequence[Sequence[Pixels]], draws: int) -> list[list[Pixels]]:
    """Blocks of tiles, two in a line; a block is as wide as there are draws."""
    blank = np.full_like(blocks[0][0], 255)
    widest = max(draws, 2)
    even = [[*block, *[blank] * (widest - len(block))] for block in blocks]
    starts = range(0, len(even), _METHODS_IN_A_LINE)
    return [list(chain(*even[start : start + _METHODS_IN_A_LINE])) for start in starts]


def _augmented(
    image: Pixels,
    partner: Pixels,
    augmentation: Augmentation,
    network: nn.Module,
    draws: int,
    seed: int,
) -> Iterator[tuple[Pixels, str]]:
    """Pictures as the network sees them, and notes of what became of the label."""
    preprocessing = augmentation.setup.preprocessing
    to_network, seen = NetworkInput(preprocessing, torch.device("cpu")), []
    watch = network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    classes = network.get_parameter("head.weight").shape[0]
    try:
        for number in range(draws):
            draw = np.random.default_rng(derive(seed, "sheet", augmentation.name, number))
            picture = augmentation.picture(image, draw)
            images, weights = to_network(np.stack([picture, partner])), torch.eye(2, classes)
            images, weights = augmentation.batch(images, weights, draw)
            _, labels = augmentation.forward(network, images, weights, draw)
            # What a method looks at before it mixes comes first.
            yield as_picture(seen[-1][0], preprocessing), _note(augmentation, labels[0])
    finally:
        watch.remove()


def _note(augmentation: Augmentation, labels: Tensor) -> str:
    """Label weights of the image, [C], of which two are not 0."""
    own, partner = labels[:2].tolist()
    if own == 1.0:
        return ""
    return f" {own:.2f}" if augmentation.labels_sum_to_one else f" {own:.2f} {partner:.2f}"


def as_picture(view: Tensor, preprocessing: Preprocessing) -> Pixels:
    """A network input [3, S, S] as a picture [S, S, 3] in uint8."""
    levels = (pixels_of(view[None], preprocessing)[0] * 255).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(levels.permute(1, 2, 0).numpy())


def _composed(
    image: Pixels, s: AugmentSettings, editor: Editor, draws: int, seed: int
) -> Iterator[tuple[Pixels, str]]:
    """Edits of several styles, joined with the image and blended with fractals."""
    fractals, styles = fractal_source(s), load_prompts(s.prompts).styles
    editor.check(styles)
    for number in range(draws):
        style = styles[number % len(styles)]
        value = derive(seed, "sheet", "edit", number)
        edit = to_uint8(fit_to(editor.edit([image], [style], [value])[0], image))
        done = compose(image, edit, fractals, s, Draws(value, "sheet"))
        yield done.final, f" {done.mask_kind}"
