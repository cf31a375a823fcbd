"""How often a classifier errs under attack: FGSM at several radii, PGD as a check on it.

The FGSM error is the share of test images that are misclassified after the attack, those that were
so before included. It means little where the network hides its gradients ("gradient masking",
Athalye et al., ICML 2018, arXiv 1802.00420), because both attacks follow them. Three signs of that
are looked for: PGD, which searches the same ball in many steps, finds less than the one step of
FGSM; a large radius hardly finds more than no attack; most gradients are exactly zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from genmix_da.classify.attacks import (
    PGD_REACH,
    AttackedNetwork,
    cross_entropy,
    fgsm,
    margin,
    pgd,
    within,
)
from genmix_da.classify.config import check_radius
from genmix_da.classify.network import ClassifierNetwork
from genmix_da.classify.task import ScoringTask, labels_of
from genmix_da.progress import track
from lead.seeds import derive

PGD_STEPS = 10
BATCH = 64
# Networks that are not trained for it err on most images at this radius and above.
LARGE_RADIUS = 4 / 255
# Of the images that are right without an attack, so few wrong ones under it are hardly any.
HARDLY = 0.02
_CLIMBED = (margin, cross_entropy)  # by the starts of the strong check


def attack_errors(
    task: ScoringTask,
    network: ClassifierNetwork,
    radii: Sequence[float],
    *,
    pgd_radius: float | None = None,
    pgd_steps: int = PGD_STEPS,
    pgd_step_size: float | None = None,
    pgd_restarts: int = 0,
    batch_size: int = BATCH,
) -> dict[str, Any]:
    """Attack every test image.

    Args:
        task: test images, preprocessing and device.
        network: of the task, trained.
        radii: of FGSM, in pixels of [0, 1]; in any order, and one named twice counts once. At 0 the
            error is the clean one.
        pgd_radius: of PGD; None: PGD is left out.
        pgd_steps: of PGD.
        pgd_step_size: of each; None: such that all together reach 2.5 radii.
        pgd_restarts: of the strong check: so many starts of PGD up the cross-entropy and as many
            up the margin (see `margin`), on the images that no attack before has turned; 0: none.
        batch_size: images at once.

    Returns:
        images, clean_error, fgsm [{radius, error}] by radius, pgd {radius, steps, step_size,
        error} or None, strong {radius, restarts, error} or None (the share that any attack at this
        radius turns), zero_gradients (share of images whose gradient is zero in every pixel; None
        without radii). Errors and shares in [0, 1].

    Raises:
        UserError: a radius out of range.
    """
    for radius in radii:
        check_radius(radius, "--radii", zero=True)
    if pgd_radius is not None:
        check_radius(pgd_radius, "--epsilon", zero=True)
    radii = sorted(set(radii))  # they are keys of counts
    network.eval()
    # In float32: half precision rounds small gradients to zero, which looks like robustness.
    attacked = AttackedNetwork(network, task.preprocessing, task.device)
    views = task.image_views(task.test)
    labels = torch.from_numpy(labels_of(task.test)).to(task.device)
    size = pgd_step_size or PGD_REACH * (pgd_radius or 0) / pgd_steps
    search: dict[str, Any] = {"radius": pgd_radius, "steps": pgd_steps, "step_size": size}
    generator = torch.Generator().manual_seed(derive(task.config.seed, "pgd"))
    # One for each start, so that no image's hangs on the batch.
    further = [
        torch.Generator().manual_seed(derive(task.config.seed, "strong", number))
        for number in range(len(_CLIMBED) * pgd_restarts)
    ]
    wrong = dict.fromkeys(("clean", "pgd", "strong", *radii), 0)
    done = zero = 0
    batches = views.evaluation_batches(batch_size)
    for inputs in track(batches, "attacking", -(-len(views) // batch_size)):
        truth = labels[done : done + len(inputs)]
        done += len(inputs)
        pixels = attacked.pixels(inputs)
        turned = _misled(attacked, pixels, truth)
        wrong["clean"] += int(turned.sum())
        if radii:
            gradient = attacked.gradient(pixels, truth)  # one for all radii
            zero += int((gradient == 0).flatten(1).all(dim=1).sum())
            for radius in radii:
                misled = _misled(attacked, fgsm(pixels, gradient, radius), truth)
                wrong[radius] += int(misled.sum())
                if radius == pgd_radius:
                    turned |= misled
        if pgd_radius is not None:
            start = within(pixels, pgd_radius, generator)
            misled = _misled(attacked, pgd(attacked, pixels, truth, **search, start=start), truth)
            wrong["pgd"] += int(misled.sum())
            turned |= misled
            _search_on(attacked, pixels, truth, turned, search, further)
            wrong["strong"] += int(turned.sum())
    return {
        "images": done,
        "clean_error": wrong["clean"] / done,
        "fgsm": [{"radius": radius, "error": wrong[radius] / done} for radius in radii],
        "pgd": None if pgd_radius is None else search | {"error": wrong["pgd"] / done},
        "strong": None
        if pgd_radius is None or not pgd_restarts
        else {"radius": pgd_radius, "restarts": pgd_restarts, "error": wrong["strong"] / done},
        "zero_gradients": zero / done if radii else None,
    }


def _search_on(
    attacked: AttackedNetwork,
    pixels: Tensor,
    truth: Tensor,
    turned: Tensor,
    search: dict[str, Any],
    generators: Sequence[torch.Generator],
) -> None:
    """PGD from further starts, by turns up each loss; marks in `turned` [B] what it misleads."""
    for number, generator in enumerate(generators):
        start, left = within(pixels, search["radius"], generator), ~turned
        if bool(left.any()):
            climbed = _CLIMBED[number % len(_CLIMBED)]
            own = {**search, "start": start[left], "climbed": climbed}
            example = pgd(attacked, pixels[left], truth[left], **own)
            turned[left] = _misled(attacked, example, truth[left])


@torch.no_grad()
def _misled(attacked: AttackedNetwork, pixels: Tensor, truth: Tensor) -> Tensor:
    """Which of the images [B, 3, S, S] are misclassified: bool [B]."""
    return attacked.logits(pixels).argmax(dim=1) != truth


def error_at(errors: dict[str, Any] | None, radius: float) -> float | None:
    """The FGSM error at a radius, None where it was not measured."""
    rows = errors["fgsm"] if errors else []
    return next((row["error"] for row in rows if abs(row["radius"] - radius) < 1e-9), None)


def masking_warning(errors: dict[str, Any]) -> str | None:
    """What to say where a network seems to hide its gradients; None where it does not.

    Args:
        errors: from `attack_errors`.
    """
    sign = _masking_sign(errors)
    if sign is None:
        return None
    return f"{sign}: the network may mask its gradients, and its FGSM error mean little."


def _masking_sign(errors: dict[str, Any]) -> str | None:
    """The first sign of masked gradients; see the module."""
    zero, clean, strong = errors["zero_gradients"], errors["clean_error"], errors["pgd"]
    if zero is not None and zero > 0.5:
        return f"the gradients of {100 * zero:.0f} % of the images are exactly zero"
    weak = error_at(errors, strong["radius"]) if strong else None
    if strong is not None and weak is not None and strong["error"] < weak:
        return (
            f"PGD errs less often than FGSM at {255 * strong['radius']:.3g}/255 "
            f"({100 * strong['error']:.1f} % against {100 * weak:.1f} %), so it has too few steps "
            "or cannot climb"
        )
    large = [row for row in errors["fgsm"] if row["radius"] > LARGE_RADIUS - 1e-9]
    found = max(large, key=lambda row: row["error"], default=None)
    if found is not None and found["error"] - clean < HARDLY * (1 - clean):
        return (
            f"FGSM at {255 * found['radius']:.3g}/255 errs on {100 * found['error']:.1f} % of the "
            f"images, hardly more than without an attack ({100 * clean:.1f} %)"
        )
    return None
