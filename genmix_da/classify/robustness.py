"""How often a classifier errs under attack: FGSM at several radii, PGD as a check on it.

The FGSM error is the share of test images that are misclassified after the attack, those that were
so before included. A network may hide its gradients, so that one step finds nothing while examples
are near ("gradient masking", Athalye et al., ICML 2018); PGD, which searches the same ball with
many steps, then errs less often than FGSM or hardly more, which cannot be where gradients tell.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from genmix_da.classify.attacks import PGD_REACH, AttackedNetwork, fgsm, pgd
from genmix_da.classify.config import build_classify_config, check_radius
from genmix_da.classify.network import ClassifierNetwork, build_network
from genmix_da.classify.task import ClassifyTask, labels_of, prepare
from genmix_da.errors import UserError
from genmix_da.progress import track
from genmix_da.provenance import provenance
from genmix_da.runs import SCHEMA, RunFolder
from lead.checkpoint import load_checkpoint
from lead.errors import WeightsError
from lead.seeds import derive

logger = logging.getLogger(__name__)

RADII = (1 / 255, 2 / 255, 4 / 255, 8 / 255)
EPSILON = 8 / 255
PGD_STEPS = 10
BATCH = 64


def attack_errors(
    task: ClassifyTask,
    network: ClassifierNetwork,
    radii: Sequence[float],
    *,
    pgd_radius: float | None = None,
    pgd_steps: int = PGD_STEPS,
    pgd_step_size: float | None = None,
    batch_size: int = BATCH,
) -> dict[str, Any]:
    """Attack every test image.

    Args:
        task: test images, preprocessing and device.
        network: of the task, trained.
        radii: of FGSM, in pixels of [0, 1]; in any order, and one named twice counts once.
        pgd_radius: of PGD; None: PGD is left out.
        pgd_steps: of PGD.
        pgd_step_size: of each; None: such that all together reach 2.5 radii.
        batch_size: images at once.

    Returns:
        images, clean_error, fgsm [{radius, error}] by radius, pgd {radius, steps, step_size,
        error} or None.

    Raises:
        UserError: a radius out of range.
    """
    for radius in (*radii, *([] if pgd_radius is None else [pgd_radius])):
        check_radius(radius)
    radii = sorted(set(radii))  # they are keys of counts
    network.eval()
    # In float32: half precision rounds small gradients to zero, which looks like robustness.
    attacked = AttackedNetwork(network, task.preprocessing, task.device)
    views = task.image_views(task.test)
    labels = torch.from_numpy(labels_of(task.test)).to(task.device)
    size = pgd_step_size or PGD_REACH * (pgd_radius or 0) / pgd_steps
    generator = torch.Generator().manual_seed(derive(task.config.seed, "pgd"))
    wrong = dict.fromkeys(("clean", "pgd", *radii), 0)

    def count(key: str | float, pixels: torch.Tensor, truth: torch.Tensor) -> None:
        with torch.no_grad():
            wrong[key] += int((attacked.logits(pixels).argmax(dim=1) != truth).sum())

    done = 0
    batches = views.evaluation_batches(batch_size)
    for inputs in track(batches, "attacking", -(-len(views) // batch_size)):
        truth = labels[done : done + len(inputs)]
        done += len(inputs)
        pixels = attacked.pixels(inputs)
        count("clean", pixels, truth)
        if radii:
            gradient = attacked.gradient(pixels, truth)  # one for all radii
            for radius in radii:
                count(radius, fgsm(pixels, gradient, radius), truth)
        if pgd_radius is not None:
            example = pgd(
                attacked,
                pixels,
                truth,
                pgd_radius,
                steps=pgd_steps,
                step_size=size,
                generator=generator,
            )
            count("pgd", example, truth)
    found = {"radius": pgd_radius, "steps": pgd_steps, "step_size": size}
    return {
        "images": done,
        "clean_error": wrong["clean"] / done,
        "fgsm": [{"radius": radius, "error": wrong[radius] / done} for radius in radii],
        "pgd": None if pgd_radius is None else found | {"error": wrong["pgd"] / done},
    }


def error_at(errors: dict[str, Any] | None, radius: float) -> float | None:
    """The FGSM error at a radius, None where it was not measured."""
    rows = errors["fgsm"] if errors else []
    return next((row["error"] for row in rows if abs(row["radius"] - radius) < 1e-9), None)


def attack(
    run: str | Path,
    *,
    epsilon: float = EPSILON,
    radii: Sequence[float] = RADII,
    pgd_steps: int = PGD_STEPS,
    pgd_step_size: float | None = None,
    device: str | None = None,
    data: str | None = None,
    test_data: str | None = None,
    batch_size: int = BATCH,
) -> dict[str, Any]:
    """Attack a finished run's classifier on its own test images; writes attack.json there.

    Args:
        run: folder of `genmix_da.classify.train`.
        epsilon: radius of PGD, and of FGSM too; in pixels of [0, 1].
        radii: further radii of FGSM.
        pgd_steps, pgd_step_size: see `attack_errors`.
        device: "auto", "cpu" or "cuda"; None: as the run had it.
        data, test_data: where the images are now, if they have moved.
        batch_size: images at once.

    Returns:
        The content of attack.json: schema, identity (of the run), what `attack_errors` finds,
        warning (None, or a sentence), provenance.

    Raises:
        UserError: no finished run, other test images than the run's, a radius out of range.
        WeightsError: the checkpoint cannot be read.

    Example:
        >>> import genmix_da
        >>> genmix_da.classify.attack("runs/flowers-mixup-seed1")["pgd"]  # doctest: +SKIP
    """
    if pgd_steps < 1 or batch_size < 1 or (pgd_step_size is not None and not pgd_step_size > 0):
        raise UserError("--pgd-steps, --pgd-step-size and --batch-size must be above 0.")
    folder = Path(run)
    if not (folder / "config.yaml").is_file():
        raise UserError(f"{folder} is no run folder of genmix-da classify train.")
    files = RunFolder(folder)
    result = files.result()
    if result is None or result.get("setting") != "classification":
        raise UserError(
            f"{folder} holds no finished classification; train it with genmix-da classify train."
        )
    try:
        name, recorded = result["identity"], result["provenance"]["data"]["test"]
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{folder / 'result.json'} does not say what the run was scored on, so it has been "
            "changed; train it again in another folder."
        ) from error
    moved = {"data": data, "test_data": test_data, "device": device}
    task = prepare(build_classify_config(moved, folder / "config.yaml"))
    if task.test.decoded.fingerprint != recorded:
        raise UserError(
            f"the test images of {folder} are not those it was scored on any more; check --data."
        )
    network = load_classifier(task, files)
    found = attack_errors(
        task,
        network,
        sorted({*radii, epsilon}),
        pgd_radius=epsilon,
        pgd_steps=pgd_steps,
        pgd_step_size=pgd_step_size,
        batch_size=batch_size,
    )
    warning = masking_warning(found)
    if warning is not None:
        logger.warning("%s", warning)
    content = {
        "schema": SCHEMA,
        "identity": name,
        **found,
        "warning": warning,
        "provenance": provenance(),
    }
    files.write_json("attack.json", content)
    plain: dict[str, Any] = json.loads(json.dumps(content))
    return plain


def masking_warning(errors: dict[str, Any]) -> str | None:
    """What to say where PGD errs less often than FGSM at the same radius; else None."""
    strong = errors["pgd"]
    weak = error_at(errors, strong["radius"]) if strong else None
    if strong is None or weak is None or strong["error"] >= weak:
        return None
    return (
        f"PGD errs less often than FGSM at {255 * strong['radius']:.3g}/255 "
        f"({100 * strong['error']:.1f} % against {100 * weak:.1f} %): either it has too few steps, "
        "or the network masks its gradients and its FGSM error means little."
    )


def load_classifier(task: ClassifyTask, run: RunFolder) -> ClassifierNetwork:
    """The trained network of a run.

    Raises:
        WeightsError: missing, unreadable, or of another architecture.
    """
    tensors, _ = load_checkpoint(run.checkpoint)
    network = build_network(task, "none")
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(f"{run.checkpoint} does not fit its config.yaml") from error
    return network
