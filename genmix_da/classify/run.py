"""One classification: split, augmentation, training, scores, result.json."""

from __future__ import annotations

import json
import logging
import time
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from torch import Tensor

from genmix_da.augment.source_task import TrainingSet
from genmix_da.classify.augmentations import acts_inside, overruled
from genmix_da.classify.config import ClassifyConfig, build_classify_config
from genmix_da.classify.generation import generation_cost
from genmix_da.classify.identity import run_identity, run_settings
from genmix_da.classify.method import Method, resolve_method, training_images
from genmix_da.classify.network import ClassifierNetwork, build_network, describe_network
from genmix_da.classify.options import ClassifyOptions
from genmix_da.classify.record import classify_record, write_class_predictions
from genmix_da.classify.robustness import attack_errors, error_at
from genmix_da.classify.schedule import Length, run_length
from genmix_da.classify.scores import score_block, score_columns, top_accuracy
from genmix_da.classify.splits import split_record
from genmix_da.classify.task import ClassifyTask, labels_of, prepare
from genmix_da.classify.training import (
    SpoiledEpochError,
    TrainedEpoch,
    place,
    predict,
    train_epochs,
)
from genmix_da.data.decode import log_skipped
from genmix_da.data.oddities import warn_of_single_images
from genmix_da.data.root import refuse_inside
from genmix_da.device import peak_memory_mib
from genmix_da.engines.several import own_folder, parse_devices, run_on
from genmix_da.errors import UserError
from genmix_da.loggers import tracked
from genmix_da.places import user_path
from genmix_da.progress import track
from genmix_da.runs.folder import RunFolder
from genmix_da.runs.life import begin, carry_out, origin
from genmix_da.runs.result import RunResult
from genmix_da.runs.timing import with_wall
from genmix_da.runs.tracking import Tracker
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
    devices: str | None = None,
    **options: Unpack[ClassifyOptions],
) -> RunResult:
    """Train a classifier with an augmentation and score it on images it has not seen.

    Args:
        out: run folder; None: runs/<dataset>-<method>-seed<seed>.
        resume: go on with an interrupted run in `out`; a finished one is returned as it is.
        config: YAML file with settings; `options` win over it.
        augmented: folder of the images that GenMix makes, which runs share; None: `augmented`
            beside `out`.
        log: "tensorboard", "mlflow" or "wandb", which is told of every epoch and of the scores; or
            a `Tracker` of your own, which is not closed.
        devices: several with commas between, e.g. "0,1": batches are shared out over them, see
            `lead.shards`. The result is that of one device within rounding. Needs `out`.
        **options: fields of `ClassifyConfig`, at least data.

    Returns:
        The content of result.json, see `RunResult`.

    Raises:
        UserError, LeadError: bad input, in one sentence.

    Example:
        >>> import genmix_da
        >>> result = genmix_da.classify.train(data="photos", augment="mixup")  # doctest: +SKIP
        >>> result.last["top1"]  # doctest: +SKIP
        0.87
    """
    settings = build_classify_config(options, config)
    refuse_inside(user_path(out or "runs"), settings.data)
    refuse_inside(user_path(augmented or out or "runs"), settings.data)
    if devices is not None:
        places = parse_devices(devices)
        _check_shared(settings, len(places))
        path = own_folder(out, log, options)
        folders = {"out": path, "augmented": user_path(augmented or path.parent / "augmented")}
        run_on(places, train, folders, {**options, "resume": resume, "config": config})
        return RunResult(json.loads((path / "result.json").read_text()), path)
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
        record = _run(task, run, folder, started, prepared, resume=resume)
    return RunResult(record, run.path)


def _check_shared(config: ClassifyConfig, devices: int) -> None:
    """Refuse what is not on several devices what it is on one.

    Raises:
        UserError: it looks at the whole batch in the network, or a batch is too small.
    """
    if acts_inside(config.augment, config.augment_options):
        raise UserError(f"--devices does not go with --augment {config.augment}.")
    if config.batch_size < 2 * devices:
        raise UserError(f"a batch of {config.batch_size} is too small for {devices} devices.")


def default_out(task: ClassifyTask) -> Path:
    """runs/<dataset>-<method>-seed<seed>."""
    name = task.source_name.replace(" ", "_")
    return Path("runs") / f"{name}-{task.config.augment}-seed{task.config.seed}"


def _run(
    task: ClassifyTask,
    run: RunFolder,
    augmented: Path,
    started: float,
    prepared: float,
    *,
    resume: bool,
) -> dict[str, Any]:
    method = resolve_method(task)
    _warn_about_fixed(task)
    settings = run_settings(task, method)
    name = run_identity(settings)
    finished = begin(run, name, settings, resume=resume)
    if finished is not None:
        return finished
    parts = (task.train, task.test, *((task.val,) if task.val else ()))
    log_skipped(*(part.decoded for part in parts))
    warn_of_single_images(task.source_name, task.train.domain.labels or (), "train on")
    run.write_json("split.json", split_record(task.parts, task.config.split_seed))
    made_from = origin(settings, task.contents())
    record = partial(classify_record, task, method, identity=name, provenance=made_from)
    clock = (started, prepared)
    return carry_out(run, record, lambda: _work(task, run, method, augmented, *clock))


def _work(
    task: ClassifyTask,
    run: RunFolder,
    method: Method,
    augmented: Path,
    started: float,
    prepared: float,
) -> dict[str, Any]:
    """Make images, train, score and write everything but result.json, whose fields it returns."""
    data = training_images(task, method, augmented)
    cost = _generation(task, method, data)
    found = _train_and_score(task, run, data, method)
    seconds = {"prepare": prepared, "generate": cost["seconds"] if cost else 0.0}
    timing, elsewhere = found.pop("timing"), found.pop("earlier")
    if cost is not None and data.record is not None:
        elsewhere += cost["seconds"] - sum(data.record["seconds"].values())
    timing |= {"seconds": seconds | timing["seconds"], "generation": cost}
    timing = with_wall(timing, time.perf_counter() - started, elsewhere)
    return {"made": data.record, "timing": timing, **found}


def _warn_about_fixed(task: ClassifyTask) -> None:
    """Settings of GenMix that the method fixes and that were given otherwise."""
    unused = overruled(task.config.augment, task.config.genmix)
    if unused:
        logger.warning("%s fixes %s: not used as given", task.config.augment, ", ".join(unused))


def _generation(task: ClassifyTask, method: Method, data: TrainingSet) -> dict[str, Any] | None:
    """What the images of this run cost to make; None where none were made."""
    if method.source is None or data.record is None:
        return None
    return generation_cost(method.source, task.train.decoded.domain, data.record)


def _train_and_score(
    task: ClassifyTask, run: RunFolder, data: TrainingSet, method: Method
) -> dict[str, Any]:
    """Train, saving after every epoch, then score, attack and write checkpoint and predictions.

    What is saved has finite weights and, where the epoch is evaluated, finite answers.
    """
    config = task.config
    length = run_length(config, len(task.train.rows), len(data.labels))
    state, metrics = run.load_state()
    for row in metrics:  # a log that begins with a resumed run has them all
        run.tracker.epoch(row)
    earlier = sum(sum(row["seconds"].values()) for row in metrics)
    network = build_network(task, "none" if state else config.weights)
    logger.info(
        "%s: %d training images, %d to test on, %d classes, %d steps in %d epochs",
        method.name,
        len(data.labels),
        len(task.test.rows),
        len(task.classes),
        length.total,
        length.epochs,
    )
    epochs = train_epochs(task, network, data, method.augmentation, length, state=state)
    probability = None
    try:
        for epoch in track(epochs, "training", length.epochs - len(metrics)):
            row, probability = _row(task, network, epoch, length)
            metrics.append(row)
            run.keep_state()
            run.save_state(epoch.state(), metrics)
            logger.debug("classify %s", json.dumps(row))
    except DivergedError as error:
        spoiled = isinstance(error, SpoiledEpochError)
        raise DivergedError(f"{error}; {_keep_last_good(task, run, spoiled)}") from error
    if probability is None:  # a resumed run whose last epoch was finished before
        after = place(length.total, length.epochs, length)
        probability = predict(task, network, task.image_views(task.test), after)
    started = time.perf_counter()
    errors = attack_errors(task, network, config.fgsm) if config.fgsm else None
    attacked = time.perf_counter() - started if errors else 0.0
    write_class_predictions(run.path / "predictions.csv", task, probability)
    description = describe_network(task) | {"epoch": length.epochs}
    save_checkpoint(run.checkpoint, network.state_dict(), description)
    return {
        "scores": score_columns(metrics, error_at(errors, config.epsilon)),
        "robustness": errors,
        "timing": _timing(task, metrics, attacked),
        "earlier": earlier,
    }


def _row(
    task: ClassifyTask, network: ClassifierNetwork, epoch: TrainedEpoch, length: Length
) -> tuple[dict[str, Any], Tensor | None]:
    """The line of metrics.jsonl of one epoch, and the test images' probabilities if evaluated."""
    row: dict[str, Any] = {
        "stage": "classify",
        "epoch": epoch.epoch,
        "step": epoch.step,
        "loss": epoch.loss,
        "accuracy": epoch.accuracy,
        "learning_rate": epoch.learning_rate,
        "scores": None,
        "seconds": {"train": epoch.seconds, "evaluate": 0.0},
    }
    if not length.evaluates(epoch.epoch):
        return row, None
    started = time.perf_counter()
    after = place(epoch.step, epoch.epoch, length)
    probability = predict(task, network, task.image_views(task.test), after)
    row["scores"] = score_block(probability, labels_of(task.test), epoch.epoch)
    if task.val is not None:
        chosen_by = predict(task, network, task.image_views(task.val), after)
        row["validation"] = top_accuracy(chosen_by, labels_of(task.val), 1)
    row["seconds"]["evaluate"] = time.perf_counter() - started
    return row, probability


def _keep_last_good(task: ClassifyTask, run: RunFolder, spoiled: bool) -> str:
    """Write the network of the last good epoch as checkpoint; says what was kept.

    Args:
        task: of the run.
        run: its folder.
        spoiled: the last saved epoch is no good: the network has no finite loss after it.
    """
    state, metrics = run.load_state()
    if state is None:
        return "no epoch was finished before"
    said = ""
    if spoiled:
        last = state["epoch"]
        said = f"the last step of epoch {last} has spoiled the network, and "
        state, metrics = run.load_state(earlier=True)
        # A run that was killed between keeping and saving has the same epoch twice.
        if state is None or state["epoch"] == last:
            return f"{said}none was saved before it"
    description = describe_network(task) | {"epoch": metrics[-1]["epoch"]}
    save_checkpoint(run.checkpoint, state["network"], description)
    return f"{said}the network of epoch {metrics[-1]['epoch']} is kept in {run.checkpoint}"


def _timing(task: ClassifyTask, metrics: list[dict[str, Any]], attacked: float) -> dict[str, Any]:
    """Seconds of training, evaluation and attack, throughput, peak memory."""
    parts = {part: sum(row["seconds"][part] for row in metrics) for part in ("train", "evaluate")}
    steps = metrics[-1]["step"]
    return {
        "seconds": {**parts, "attack": attacked},
        "steps": steps,
        "images_per_second": steps * task.config.batch_size / parts["train"],
        "peak_memory_mib": peak_memory_mib(task.device),
    }
