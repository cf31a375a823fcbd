"""One adaptation from images to a trusted number: source model, LEAD, scores, result.json."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from genmix_da.adaptation.added_graph import with_graph, write_decisions
from genmix_da.adaptation.clusters import as_begun
from genmix_da.adaptation.config import AdaptConfig, build_config
from genmix_da.adaptation.epoch_rows import epoch_row, timing
from genmix_da.adaptation.evidence import keep_evidence
from genmix_da.adaptation.graph_step import GraphOutcome, GraphStep
from genmix_da.adaptation.identity import run_identity, run_settings
from genmix_da.adaptation.joint_data import check_budget, joint_data
from genmix_da.adaptation.notices import warn_about_labels, warn_about_settings
from genmix_da.adaptation.options import AdaptOptions
from genmix_da.adaptation.results import method_rejection, result_record, score_columns
from genmix_da.adaptation.source_model import describe_model, obtain_source
from genmix_da.adaptation.task import Task, prepare
from genmix_da.augment.source_task import Augmentation, augmentation_of
from genmix_da.config_values import AUTO
from genmix_da.data.decode import log_skipped
from genmix_da.data.root import refuse_inside
from genmix_da.engines.several import own_folder, parse_devices, run_on
from genmix_da.loggers import tracked
from genmix_da.methods import find_method
from genmix_da.methods.base import JointData
from genmix_da.places import user_path
from genmix_da.progress import track
from genmix_da.runs.folder import RunFolder
from genmix_da.runs.life import begin, carry_out, origin
from genmix_da.runs.result import RunResult, SourceModel
from genmix_da.runs.timing import with_wall
from genmix_da.runs.tracking import Tracker
from genmix_da.stores.copies import pushed
from lead.checkpoint import save_checkpoint
from lead.epochs import TargetConfig
from lead.evaluation import Evaluation
from lead.large import files_in
from lead.network import Network
from lead.views import Views
from office_home.names import short_name

logger = logging.getLogger(__name__)

Place = str | Path


def adapt(
    *,
    out: Place | None = None,
    resume: bool = False,
    config: Place | None = None,
    sources: Place | None = None,
    log: str | Tracker | None = None,
    devices: str | None = None,
    **options: Unpack[AdaptOptions],
) -> RunResult:
    """Adapt a source domain's model to a target domain and score it.

    Args:
        out: run folder; None: runs/<Source>2<Target>-<setting>-seed<seed>.
        resume: go on with an interrupted run in `out`; a finished one is returned as it is.
        config: YAML file with settings; `options` win over it.
        sources: folder of the source models, which are reused; None: `sources` beside `out`.
        log: "tensorboard", "mlflow" or "wandb", which is told of every epoch and of the scores; or
            a `Tracker` of your own, which is not closed.
        devices: several with commas between, e.g. "0,1": batches are shared out over them, see
            `lead.shards`. The result is that of one device within rounding. Needs `out`.
        **options: fields of `AdaptConfig`, at least src and tgt.

    Returns:
        The content of result.json, see `RunResult`.

    Raises:
        UserError, LeadError: bad input, in one sentence.

    Example:
        >>> import genmix_da
        >>> result = genmix_da.adapt(src="Ar", tgt="Cl", setting="opda", seed=1)  # doctest: +SKIP
        >>> result.last["h_score"]  # doctest: +SKIP
        0.43
    """
    settings = build_config(options, config)
    refuse_inside(user_path(out or "runs"), settings.data)
    refuse_inside(user_path(sources or out or "runs"), settings.data)
    if devices is not None:
        return _adapt_on(parse_devices(devices), out, sources, log, resume, config, options)
    started = time.perf_counter()
    task = prepare(settings)
    prepared = time.perf_counter() - started
    own = (task.config.src, task.config.tgt, task.config.setting, task.config.seed)
    path = user_path(out) if out is not None else default_out(*own)
    with (
        pushed(path),  # when the tracker has closed its files
        tracked(log) as tracker,
        (run := RunFolder(path, tracker)).logging(),
        files_in(run.path),  # on the disk that its states of the same size go to
    ):
        folder = user_path(sources) if sources is not None else run.path.parent / "sources"
        record = _run(task, run, folder, started, prepared, resume=resume)
    return RunResult(record, run.path)


def _adapt_on(
    devices: list[str],
    out: Place | None,
    sources: Place | None,
    log: str | Tracker | None,
    resume: bool,
    config: Place | None,
    options: AdaptOptions,
) -> RunResult:
    """`adapt` in a process on each device."""
    path = own_folder(out, log, options)
    folders = {"out": path, "sources": user_path(sources or path.parent / "sources")}
    run_on(devices, adapt, folders, {**options, "resume": resume, "config": config})
    return RunResult(json.loads((path / "result.json").read_text()), path)


def train_source_model(
    *,
    out: Place = "runs/sources",
    config: Place | None = None,
    devices: str | None = None,
    **options: Unpack[AdaptOptions],
) -> SourceModel:
    """Train (or find) the source model that `adapt` with the same options would use.

    Args:
        out: folder of the source models.
        config: YAML file with settings; `options` win over it.
        devices: see `adapt`.
        **options: fields of `AdaptConfig`. Without tgt: the published label sets, `split`, or all
            source classes.

    Returns:
        Where it is, and what it took.

    Raises:
        UserError, LeadError: bad input, in one sentence.
    """
    given: dict[str, Any] = dict(options)
    alone = given.get("tgt") is None
    if alone:
        given["tgt"] = given.get("src")
    settings = build_config(given, config)
    refuse_inside(user_path(out), settings.data)
    if devices is not None:
        places, folders = parse_devices(devices), {"out": own_folder(out, None, options)}
        run_on(places, train_source_model, folders, {**options, "config": config})
        options["device"] = places[0]  # where it is found now
        return train_source_model(out=out, config=config, **options)
    task = prepare(settings, source_alone=alone)
    log_skipped(task.source.decoded)
    record = obtain_source(task, augmentation_of(task), user_path(out))[1]
    return SourceModel(record, user_path(record["folder"]))


def default_out(src: str, tgt: str, setting: str, seed: int) -> Path:
    """runs/<Source>2<Target>-<setting>-seed<seed>."""
    pair = f"{short_name(src)}2{short_name(tgt)}".replace(" ", "_")
    return Path("runs") / f"{pair}-{setting}-seed{seed}"


def target_config(config: AdaptConfig) -> TargetConfig:
    """The task's settings of LEAD."""
    return TargetConfig(
        epochs=int(config.epochs or 0),
        batch_size=int(config.method_options.get("batch_size") or config.batch_size or 0),
        learning_rate=float(config.lr or 0),
        lambda_psd=float(config.lambda_psd or 0),
        cluster_estimator=config.cluster_estimator,
        subsample_estimation=bool(config.subsample_estimation),
        confident_weight=config.confident_weight,
        seed=config.seed,
        mixed_precision=config.mixed_precision,
    )


def _run(
    task: Task, run: RunFolder, sources: Path, started: float, prepared: float, *, resume: bool
) -> dict[str, Any]:
    if task.given is not None:
        own = as_begun(task.given, task.config, run.held_config() or {})
        task = dataclasses.replace(task, config=own)
    augmentation = augmentation_of(task)
    settings = run_settings(task, augmentation)
    name = run_identity(settings)
    check_budget(task)  # before there is a folder
    finished = begin(run, name, settings, resume=resume)
    if finished is not None:
        return with_graph(task, run, finished) if task.config.graph else finished
    log_skipped(task.source.decoded, task.target.decoded)
    warn_about_labels(task)
    warn_about_settings(task)
    data = {
        "source": task.source.decoded.fingerprint,
        "target": task.target.decoded.fingerprint,
    }
    made_from = origin(settings, data)
    augment = augmentation.as_dict() if augmentation else None
    record = partial(result_record, task, identity=name, provenance=made_from, augment=augment)
    return carry_out(
        run, record, lambda: _work(task, run, augmentation, sources, started, prepared)
    )


def _work(
    task: Task,
    run: RunFolder,
    augmentation: Augmentation | None,
    sources: Path,
    started: float,
    prepared: float,
) -> dict[str, Any]:
    """Train, adapt, score and write everything but result.json, whose fields it returns."""
    network, source_model = obtain_source(task, augmentation, sources, run.tracker)
    views = task.target_views()
    step = GraphStep(task, views) if task.config.graph else None
    data = None
    if find_method(task.config.method_name()).joint is not None:
        data = joint_data(task, augmentation, sources, resumed=run.has_state())
    metrics, earlier, evaluation, outcome = _adapt(task, run, network, views, step, data)
    adapted = data.network if data else network
    rejection = method_rejection(task, evaluation)
    about = describe_model(task) | {"stage": "adapted", "threshold": rejection.threshold}
    about["threshold_rule"] = task.config.threshold
    if data:
        about |= {"head": task.config.method_name(), "head_options": task.config.method_options}
    grey = task.target.decoded.domain.grey
    if grey.choice == AUTO and grey.usual is not None:
        about["grey_range_found"] = "{:.9g},{:.9g}".format(*grey.usual)
    save_checkpoint(run.checkpoint, adapted.state_dict(), about)
    write_decisions(task, run, evaluation, rejection, outcome)
    took = timing(task, metrics, prepared, source_model)
    before = timing(task, metrics[:earlier], 0.0, {})["seconds"]
    elsewhere = _sum(value for part, value in before.items() if part != "features")
    if source_model["reused"]:
        elsewhere += _sum(took["seconds"].get(part) for part in ("source", "augment"))
    return {
        "scores": score_columns(metrics, task.label_sets.open_set),
        "source_only": metrics[0]["source_only"],
        "source_model": source_model,
        "timing": with_wall(took, time.perf_counter() - started, elsewhere),
        "rejection": rejection,
        "graph": step.record(metrics, outcome) if step and outcome else None,
    }


def _sum(seconds: Iterable[float | None]) -> float:
    return sum(value or 0.0 for value in seconds)


def _adapt(
    task: Task,
    run: RunFolder,
    network: Network,
    views: Views,
    step: GraphStep | None,
    data: JointData | None,
) -> tuple[list[dict[str, Any]], int, Evaluation, GraphOutcome | None]:
    """Run the method, saving after every epoch.

    Args:
        task, run, views: of the adaptation.
        network: the source model; adapted in place without `data`.
        step: over the target's neighbours, after every epoch.
        data: for a method with source data, whose network is trained in place.

    Returns:
        The metrics, how many of their lines an interrupted run had left, what the last one gave.
    """
    method = find_method(task.config.method_name())
    config = target_config(task.config)
    last = config.epochs if method.epochs is None else method.epochs
    state, metrics = run.load_state()
    earlier = len(metrics)
    for row in metrics:  # a log that begins with a resumed run has them all
        run.tracker.epoch(row)
    evaluation = outcome = None
    if step is not None:
        step.keep_own(metrics)
    else:
        for row in metrics:
            row.pop("graph", None)
    adapted = data.network if data else network
    if state is not None:
        own = state.get("uncertainty")
        evaluation = Evaluation(state["features"], state["probability"], None, own)
        adapted.load_state_dict(state["network"])
    logger.info("adapting to %d images of %s, %d epochs", len(views), task.config.tgt, last)
    epochs = method.run(network, views, config, state=state, data=data)
    for epoch in track(epochs, "adapting", last + 1 - len(metrics)):
        evaluation = epoch.evaluation
        row = epoch_row(task, epoch)
        if step is not None:
            outcome = step.apply(epoch.network or network, evaluation)
            row["graph"] = step.row(outcome, epoch.epoch, row["scores"]["nmi"])
        metrics.append(row)
        keep_evidence(run.path, task, epoch, last)
        run.save_state(epoch.state(), metrics)
        logger.debug("target %s", json.dumps(metrics[-1]))
    assert evaluation is not None
    if step is not None and outcome is None:  # every epoch was finished before
        outcome = step.apply(adapted)
        row = metrics[-1]
        if "graph" not in row:
            row["graph"] = step.row(outcome, row["epoch"], row["scores"]["nmi"])
            run.show_metrics(metrics)
    return metrics, earlier, evaluation, outcome
