"""One pre-training: images, views, training, checkpoint of the backbone, result.json."""

from __future__ import annotations

import logging
import math
import time
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from genmix_da.augment.source_task import Augmentation, augmentation_of
from genmix_da.augment.training_offline import MadeImages, made_images
from genmix_da.classify.augmentations import overruled
from genmix_da.classify.generation import generation_cost
from genmix_da.data.decode import decode_domain, log_skipped
from genmix_da.data.domain import Domain
from genmix_da.data.root import refuse_inside
from genmix_da.device import peak_memory_mib
from genmix_da.loggers import tracked
from genmix_da.places import user_path
from genmix_da.progress import track
from genmix_da.runs.folder import RunFolder
from genmix_da.runs.life import begin, carry_out, origin
from genmix_da.runs.result import RunResult
from genmix_da.runs.timing import with_wall
from genmix_da.runs.tracking import Tracker
from genmix_da.selfsupervised.config import MOCO, build_ssl_config
from genmix_da.selfsupervised.needed import lightly
from genmix_da.selfsupervised.network import PretrainedNetwork, build_network
from genmix_da.selfsupervised.options import SelfSupervisedOptions
from genmix_da.selfsupervised.record import (
    IMAGES,
    STAGE,
    describe_backbone,
    has_collapsed,
    method_name,
    pretraining_record,
    run_identity,
    run_settings,
)
from genmix_da.selfsupervised.task import SelfSupervisedTask, prepare
from genmix_da.selfsupervised.training import PretrainedEpoch, pretrain_epochs, run_length
from genmix_da.selfsupervised.views import Pictures
from genmix_da.stores.copies import pushed
from lead.checkpoint import save_checkpoint
from lead.errors import DivergedError

logger = logging.getLogger(__name__)


def train(
    *,
    out: str | Path | None = None,
    resume: bool = False,
    config: str | Path | None = None,
    augmented: str | Path | None = None,
    log: str | Tracker | None = None,
    **options: Unpack[SelfSupervisedOptions],
) -> RunResult:
    """Pre-train a backbone on images without labels, by MoCo v2 or SimSiam.

    Args:
        out: run folder; None: runs/<dataset>-<method>-<augment>-seed<seed>.
        resume: go on with an interrupted run in `out`; a finished one is returned as it is.
        config: YAML file with settings; `options` win over it.
        augmented: folder of the images that are made, which runs share; None: `augmented` beside
            `out`.
        log: "tensorboard", "mlflow" or "wandb", which is told of every epoch; or a `Tracker` of
            your own, which is not closed.
        **options: fields of `SelfSupervisedConfig`, at least data.

    Returns:
        The content of result.json, see `RunResult`; the backbone is checkpoint.safetensors, which
        every `weights` takes.

    Raises:
        UserError, LeadError: bad input, in one sentence; lightly is not installed.

    Example:
        >>> import genmix_da
        >>> run = genmix_da.selfsupervised.train(data="photos", augment="none")  # doctest: +SKIP
        >>> run["last_epoch"]["loss"]  # doctest: +SKIP
        4.1
    """
    settings = build_ssl_config(options, config)
    lightly("loss")  # named before anything is decoded
    refuse_inside(user_path(out or "runs"), settings.data)
    refuse_inside(user_path(augmented or out or "runs"), settings.data)
    started = time.perf_counter()
    task = prepare(settings)
    prepared = time.perf_counter() - started
    path = user_path(out) if out is not None else default_out(task)
    with (
        pushed(path),  # when the tracker has closed its files
        tracked(log) as tracker,
        (run := RunFolder(path, tracker)).logging(),
    ):
        folder = user_path(augmented) if augmented is not None else run.path.parent / "augmented"
        record = _run(task, run, folder, (started, prepared), resume=resume)
    return RunResult(record, run.path)


def default_out(task: SelfSupervisedTask) -> Path:
    """runs/<dataset>-<method>-<augment>-seed<seed>."""
    config = task.config
    name = task.source_name.replace(" ", "_")
    return Path("runs") / f"{name}-{config.method}-{config.augment}-seed{config.seed}"


def _run(
    task: SelfSupervisedTask,
    run: RunFolder,
    augmented: Path,
    clock: tuple[float, float],
    *,
    resume: bool,
) -> dict[str, Any]:
    augmentation = augmentation_of(task)
    unused = overruled(task.config.augment, task.config.genmix)
    if unused:
        logger.warning("%s fixes %s: not used as given", task.config.augment, ", ".join(unused))
    settings = run_settings(task, augmentation)
    name = run_identity(settings)
    finished = begin(run, name, settings, resume=resume)
    if finished is not None:
        return finished
    log_skipped(task.source.decoded)
    run.write_text(IMAGES, "".join(f"{content}\n" for content in task.source.contents))
    made_from = origin(settings, task.contents())
    record = partial(pretraining_record, task, augmentation, identity=name, provenance=made_from)
    return carry_out(run, record, lambda: _work(task, run, augmentation, augmented, clock))


def _work(
    task: SelfSupervisedTask,
    run: RunFolder,
    augmentation: Augmentation | None,
    augmented: Path,
    clock: tuple[float, float],
) -> dict[str, Any]:
    """Make images, train and write everything but result.json, whose fields it returns."""
    made = None if augmentation is None else made_images(task, augmentation, augmented)
    cost = None
    if augmentation is not None and made is not None:
        cost = generation_cost(augmentation, task.source.decoded.domain, made.record)
    _say(task, augmentation)
    state, metrics = run.load_state()
    for row in metrics:  # a log that begins with a resumed run has them all
        run.tracker.epoch(row)
    elsewhere = sum(row["seconds"]["train"] for row in metrics)
    network = build_network(task, "none" if state else task.config.weights)
    epochs = pretrain_epochs(task, network, _pictures(task, made), state=state)
    total = run_length(task).epochs
    try:
        for epoch in track(epochs, "pre-training", total - len(metrics)):
            metrics.append(_row(epoch))
            run.save_state(epoch.state(), metrics)
    except DivergedError as error:
        raise DivergedError(f"{error}; {_keep_last_good(task, run, network)}") from error
    last = metrics[-1]
    shown = {key: last[key] for key in ("epoch", "loss", "learning_rate", "feature_std")}
    shown["even_std"] = 1 / math.sqrt(network.width)
    _warn_of_collapse(shown)
    state_dict = network.backbone.state_dict()
    save_checkpoint(run.checkpoint, state_dict, describe_backbone(task, last["epoch"]))
    started, prepared = clock
    trained = sum(row["seconds"]["train"] for row in metrics)
    seconds = {
        "prepare": prepared,
        "generate": cost["seconds"] if cost else 0.0,
        "train": trained,
    }
    if cost is not None and made is not None:
        elsewhere += cost["seconds"] - sum(made.record["seconds"].values())
    timing = {
        "seconds": seconds,
        "steps": last["step"],
        "images_per_second": last["step"] * task.config.batch_size / trained,
        "peak_memory_mib": peak_memory_mib(task.device),
        "generation": cost,
    }
    return {
        "last": shown,
        "made": made.record if made is not None else None,
        "timing": with_wall(timing, time.perf_counter() - started, elsewhere),
    }


def _keep_last_good(task: SelfSupervisedTask, run: RunFolder, network: PretrainedNetwork) -> str:
    """Write the backbone of the last good epoch as checkpoint; says what was kept."""
    state, metrics = run.load_state()
    if state is None:
        return "no epoch was finished before"
    network.load_state_dict(state["network"])
    done = metrics[-1]["epoch"]
    description = describe_backbone(task, done)
    save_checkpoint(run.checkpoint, network.backbone.state_dict(), description)
    return f"the backbone of epoch {done} is kept in {run.checkpoint}"


def _say(task: SelfSupervisedTask, augmentation: Augmentation | None) -> None:
    """What will be trained; where a default hangs on the data, what it became."""
    config, length = task.config, run_length(task)
    logger.info(
        "%s: %d images, %d steps in %d epochs",
        method_name(task, augmentation),
        *(len(task.source.rows), length.total, length.epochs),
    )
    if config.method != MOCO:
        return
    size, queue = config.batch_size, int(config.queue or 0)
    logger.info("the queue holds %d keys, those of %d steps", queue, queue // size)
    if queue > len(task.source.rows) / 2:
        logger.warning(
            "the queue holds keys of more than half of the images, so that many queries meet an "
            "older key of their own image; take a smaller --batch-size%s",
            "" if queue == size else " or --queue",
        )
    if size < 2 * int(config.norm_group or 0):
        logger.warning(
            "batch norm takes the %d images of a batch together (--norm-group %d), so shuffling "
            "the keys hides nothing; take half of that or less",
            *(size, config.norm_group),
        )


def _row(epoch: PretrainedEpoch) -> dict[str, Any]:
    """The line of metrics.jsonl of one epoch."""
    return {
        "stage": STAGE,
        "epoch": epoch.epoch,
        "step": epoch.step,
        "loss": epoch.loss,
        "learning_rate": epoch.learning_rate,
        "feature_std": epoch.feature_std,
        "seconds": {"train": epoch.seconds},
    }


def _warn_of_collapse(last: dict[str, Any]) -> None:
    if has_collapsed(last):
        logger.warning(
            "the projections have collapsed: their spread is %.4f, evenly spread it were %.4f; the "
            "backbone has hardly learned to tell images apart: lower --lr or take a larger batch",
            *(last["feature_std"], last["even_std"]),
        )


def _pictures(task: SelfSupervisedTask, made: MadeImages | None) -> Pictures:
    """Originals and made images, decoded at one side."""
    originals = task.source.decoded.pixels
    if made is None or not made.images:
        return Pictures(originals, None, (), task.config.views)
    domain = Domain(f"{task.dataset} by GenMix", made.images[0].parent, made.images, None, ())
    side = int(task.config.picture_size or 0)
    decoded = decode_domain(domain, side, task.preprocessing.interpolation)
    of = dict(zip(domain.images, made.made_of, strict=True))
    rows = [of[path] for path in decoded.domain.images]
    return Pictures(originals, decoded.pixels, rows, task.config.views)
