"""Attack a finished run's classifier: its test images and its checkpoint are all that is needed."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genmix_da.classify.config import RECORDED, build_classify_config
from genmix_da.classify.network import ClassifierNetwork, build_network
from genmix_da.classify.robustness import BATCH, PGD_STEPS, attack_errors, masking_warning
from genmix_da.classify.task import ScoringTask, prepare_test
from genmix_da.config_values import read_config
from genmix_da.errors import UserError
from genmix_da.places import user_path
from genmix_da.runs.folder import RunFolder
from genmix_da.runs.provenance import provenance
from genmix_da.runs.seal import SCHEMA
from genmix_da.stores.copies import fetch
from lead.checkpoint import load_checkpoint
from lead.errors import WeightsError

logger = logging.getLogger(__name__)

RADII = (1 / 255, 2 / 255, 4 / 255, 8 / 255)
EPSILON = 8 / 255


def attack(
    run: str | Path,
    *,
    epsilon: float = EPSILON,
    radii: Sequence[float] = RADII,
    pgd_steps: int = PGD_STEPS,
    pgd_step_size: float | None = None,
    pgd_restarts: int = 0,
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
        pgd_steps, pgd_step_size, pgd_restarts: see `attack_errors`.
        device: "auto", "cpu" or "cuda"; None: as the run had it.
        data, test_data: where the images are now, if they have moved.
        batch_size: images at once.

    Returns:
        The content of attack.json: schema, identity (of the run), what `attack_errors` finds,
        warning (None, or a sentence), provenance.

    Raises:
        UserError: no finished run, no checkpoint, other test images than the run's, a radius out of
            range.
        WeightsError: the checkpoint cannot be read.

    Example:
        >>> import genmix_da
        >>> genmix_da.classify.attack("runs/flowers-mixup-seed1")["pgd"]  # doctest: +SKIP
    """
    sized = pgd_step_size is None or 0 < pgd_step_size < math.inf
    if pgd_steps < 1 or batch_size < 1 or not sized:
        raise UserError("--pgd-steps, --pgd-step-size and --batch-size must be above 0 and finite.")
    if pgd_restarts < 0:
        raise UserError(f"--pgd-restarts is {pgd_restarts}; it must be 0 or more.")
    folder = fetch(user_path(run))
    if not (folder / "config.yaml").is_file():
        raise UserError(f"{folder} is no run folder of genmix-da classify train.")
    files = RunFolder(folder)
    name, task = _attacked_task(files, {"data": data, "test_data": test_data, "device": device})
    network = load_classifier(task, files)
    found = attack_errors(
        task,
        network,
        sorted({*radii, epsilon}),
        pgd_radius=epsilon,
        pgd_steps=pgd_steps,
        pgd_step_size=pgd_step_size,
        pgd_restarts=pgd_restarts,
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


def _attacked_task(files: RunFolder, moved: Mapping[str, str | None]) -> tuple[str, ScoringTask]:
    """Identity of a finished run, and its test images as it was scored on them.

    Args:
        files: folder of the run.
        moved: settings that name other places now; None: as the run had them.

    Raises:
        UserError: no finished classification, a changed record, or other test images.
    """
    folder = files.path
    result = files.result()
    if result is None or result.get("setting") != "classification":
        raise UserError(
            f"{folder} holds no finished classification; train it with genmix-da classify train."
        )
    try:
        name, origin = result["identity"], result["provenance"]
        recorded, classes = origin["data"]["test"], tuple(origin["config"]["classes"])
    except (KeyError, TypeError) as error:
        raise UserError(
            f"{folder / 'result.json'} does not say what the run was scored on, so it has been "
            "changed; train it again in another folder."
        ) from error
    # What it was trained from is of no account now, and may be gone.
    settings = read_config(folder / "config.yaml", RECORDED)
    settings |= {key: value for key, value in moved.items() if value is not None}
    settings |= {"weights": "none", "augment": "none", "augment_options": {}}
    task = prepare_test(build_classify_config(settings), classes)
    if task.test.decoded.fingerprint != recorded:
        raise UserError(
            f"the test images of {folder} are not those it was scored on any more; check --data "
            "and --test-data."
        )
    return name, task


def load_classifier(task: ScoringTask, run: RunFolder) -> ClassifierNetwork:
    """The trained network of a run.

    Args:
        task: backbone, classes and device.
        run: its folder.

    Raises:
        UserError: there is no checkpoint.
        WeightsError: it is unreadable, or of another architecture.
    """
    if not run.checkpoint.is_file():
        raise UserError(
            f"{run.path} has no {run.checkpoint.name}, so there is nothing to attack; train it "
            "again in another folder."
        )
    tensors, _ = load_checkpoint(run.checkpoint)
    network = build_network(task, "none")
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise WeightsError(f"{run.checkpoint} does not fit its config.yaml") from error
    return network
