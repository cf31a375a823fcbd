"""The card of a model: what it is, what it was scored on, what to beware of, how to use it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from genmix_da.errors import UserError
from genmix_da.methods import method_of
from genmix_da.runs.folder import CHECKPOINT
from genmix_da.sharing.rendering import render
from genmix_da.use.description import CLASSIFIER, check_description, label_sets_of
from genmix_da.use.predictions import UNKNOWN
from lead.checkpoint import LIBRARY_WEIGHTS, PACKAGED, load_checkpoint

_BLOCKS = ("last", "selected", "oracle")
# Score -> heading, whether it is a share of 1.
_SCORES = {
    "h_score": "H-score",
    "known_accuracy": "known",
    "unknown_accuracy": "unknown",
    "accuracy": "accuracy",
    "auroc": "AUROC",
    "oscr": "OSCR",
    "top1": "top-1",
    "top5": "top-5",
}
_ABOUT_BLOCKS = {
    "last": "after the last epoch",
    "selected": "epoch chosen without target labels",
    "oracle": "epoch chosen by target labels: no honest score, an upper bound",
    "source model": "before adaptation",
    "last, with the graph": "after the last epoch, beside the target's images",
}


def model_card(folder: Path, repository: str | None = None, licence: str | None = None) -> str:
    """The text of a model's README.md.

    Args:
        folder: of a run, with its checkpoint; result.json where there is one.
        repository: that it goes to; None: the folder itself is named.
        licence: identifier of the hub, e.g. "apache-2.0"; None: none was chosen, and that is said.

    Raises:
        UserError, WeightsError: there is no checkpoint or, of another than a source model, no
            result, or it is damaged.
    """
    checkpoint = folder / CHECKPOINT
    if not checkpoint.is_file():
        raise UserError(f"no {CHECKPOINT} in {folder}; give the folder of a finished run.")
    _, description = load_checkpoint(checkpoint)
    check_description(checkpoint, description)
    result, kind = read_result(folder), _kind(description)
    if not result and kind != "source model":
        raise UserError(
            f"no result.json in {folder}: nothing is known of its scores; give the folder of a "
            "finished run."
        )
    weights = _weights_file(description)
    return render(
        "model_card.md.j2",
        kind=kind,
        title=_title(description, result),
        licence=licence,
        repository=repository,
        place=f"hub:{repository}" if repository else folder.name,
        description=description,
        result=result,
        classes=label_sets_of(description),
        unlabelled=_unlabelled(description, result),
        weights=weights,
        quoted_weights=weights and shlex.quote(weights),
        columns=[_SCORES[key] for key in _columns(result)],
        rows=list(_rows(result)),
        index=list(_index(result)),
        caveats=list(_caveats(description, result)),
        provenance=result.get("provenance") or description.get("provenance") or {},
    )


def read_result(folder: Path) -> dict[str, Any]:
    """Content of result.json; empty where there is none, as beside a source model.

    Raises:
        UserError: it is no JSON, or of a run that is not finished.
    """
    file = folder / "result.json"
    if not file.is_file():
        return {}
    try:
        content: dict[str, Any] = json.loads(file.read_text())
        status = content.get("status")
    except (ValueError, AttributeError) as error:
        raise UserError(f"{file} is damaged ({error}); run it again with --resume.") from error
    if status != "done":
        raise UserError(f"the run {folder} is not finished ({status}); go on with --resume.")
    return content


def _kind(description: Mapping[str, Any]) -> str:
    stage = description.get("stage")
    return {CLASSIFIER: "classifier", "adapted": "adapted model"}.get(str(stage), "source model")


def _title(description: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    if not result:
        return f"{description['backbone']}, source model"
    if result["setting"] == "classification":
        return f"{result['method']} on {result['dataset']}"
    split = "/".join(map(str, result.get("split") or ()))
    if _unlabelled(description, result):
        split = split.rpartition("/")[0] + "/?"
    setting = " ".join(filter(None, (result["setting"].upper(), split)))
    return f"{result['method']}: {result['source']} to {result['target']} ({setting})"


def _unlabelled(description: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Whether "unknown" stands for whatever classes a target without labels may have had."""
    counted = (result.get("images") or {}).get("target_unknown") is not None
    return label_sets_of(description).target_private == (UNKNOWN,) and not counted


def _weights_file(description: Mapping[str, Any]) -> str | None:
    """Last part of the path of a frozen backbone's weights; None where a name is enough."""
    if not description.get("frozen"):
        return None
    weights = str(description["weights"])
    if weights == "pretrained":  # of transformers: those of the model
        model = str(description["backbone"]).partition(":")[2]
        return Path(model).name if Path(model).is_absolute() else None
    return None if weights in (*LIBRARY_WEIGHTS, PACKAGED) else Path(weights).name


def _blocks(result: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(name, scores) of all that was scored."""
    for name in _BLOCKS:
        block = (result.get("scores") or {}).get(name)
        if block:
            yield name, block
    if result.get("source_only"):
        yield "source model", result["source_only"]
    graph = (result.get("graph") or {}).get("last")
    if graph:
        yield "last, with the graph", graph


def _columns(result: Mapping[str, Any]) -> list[str]:
    """Keys of _SCORES that any block has."""
    blocks = [block for _, block in _blocks(result)]
    return [key for key in _SCORES if any(block.get(key) is not None for block in blocks)]


def _rows(result: Mapping[str, Any]) -> Iterator[list[str]]:
    """Name, scores in percent, and what the row is."""
    columns = _columns(result)
    for name, block in _blocks(result) if columns else ():
        values = [block.get(key) for key in columns]
        cells = ["" if value is None else f"{100 * value:.1f}" for value in values]
        about = _ABOUT_BLOCKS[name]
        classified = result["setting"] == "classification"
        yield [name, *cells, about.replace("target labels", "test labels") if classified else about]


def _index(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The scores of the last epoch, as the hub's index of results has them."""
    last = (result.get("scores") or {}).get("last") or {}
    for key, heading in _SCORES.items():
        if last.get(key) is not None:
            yield {"type": key, "name": f"{heading}, last epoch", "value": round(last[key], 6)}


def _caveats(description: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[str]:
    """What whoever uses the model or cites its numbers has to know."""
    if description.get("synthetic"):
        yield (
            "Trained and scored on drawn images (Mini Office-Home): its numbers say nothing about "
            "photographs."
        )
    augment = result.get("augment")
    made = augment if isinstance(augment, Mapping) else {}
    if made.get("stand_in"):
        yield (
            f"Its augmented images come from {made.get('editor')!r}, a stand-in for a generative "
            "editor: no reproduction of GenMix with InstructPix2Pix."
        )
    if "target-styled" in str(made.get("editor")):
        yield "Its source stage has seen (unlabelled) images of the target, as styles."
    method = method_of(str(result.get("method", "")))
    if method is not None and not method.source_free:
        yield "The method has source images at hand while it adapts: it is not source-free."
    if result.get("seed") is not None:
        yield f"One run, seed {result['seed']}: scores differ between seeds."
    if result.get("duplicates"):
        yield f"{result['duplicates']} images are in both of source and target."
    if result and not _columns(result):
        yield "The target has no labels: nothing was scored."
    if _unlabelled(description, result):
        yield "Whether the target held images of other classes is not known: it had no labels."
    rejects = label_sets_of(description).open_set
    if rejects and not isinstance(description.get("threshold"), str):
        yield (
            f"Images of an uncertainty above {description['threshold']:g} are rejected as unknown; "
            "on other images another threshold may be right."
        )
    if not rejects:
        yield "It rejects nothing unless a threshold is given: every image gets one of its classes."
    weights = _weights_file(description)
    if weights:
        yield (
            f"The weights of its frozen backbone are not in the checkpoint and can't be fetched: "
            f"they were `{weights}`, SHA-256 {description['weights_identity']}, to be named with "
            "weights= or --weights."
        )
    elif description.get("frozen"):
        yield (
            "The weights of its frozen backbone are not in the checkpoint; they are fetched or "
            "named with weights=."
        )
