"""What is sent of a run or an augmented folder: files whose texts name no path of this machine."""

from __future__ import annotations

import json
from pathlib import Path

from genmix_da.augment.manifest import MANIFEST
from genmix_da.errors import UserError
from genmix_da.hidden_paths import hidden
from genmix_da.runs.folder import CHECKPOINT
from genmix_da.runs.seal import seal
from genmix_da.sharing.card import model_card, read_result
from genmix_da.sharing.data_card import RECORD, data_card, is_augmented, manifest
from lead.checkpoint import load_checkpoint, sealed_description

GRAPH = "graph.safetensors"
Content = dict[str, Path | bytes]


def card(folder: Path, repository: str | None = None, licence: str | None = None) -> str:
    """The card of a run or of an augmented folder; see `model_card` and `data_card`."""
    if is_augmented(folder):
        return data_card(folder, repository, licence)
    return model_card(folder, repository, licence)


def package(
    folder: Path, repository: str | None = None, licence: str | None = None, *, graph: bool = True
) -> Content:
    """The files of a repository: name -> its content, or the file that it is.

    Args:
        folder: run folder, or augmented folder.
        repository, licence: see `model_card`.
        graph: with the graph that the run left: features of every target image.

    Raises:
        UserError, WeightsError: see `card`.
    """
    text = card(folder, repository, licence).encode()
    held = _of_data(folder) if is_augmented(folder) else _of_model(folder, graph=graph)
    return {"README.md": text, **held}


def _of_model(folder: Path, *, graph: bool) -> Content:
    result = read_result(folder)
    checkpoint = folder / CHECKPOINT
    _, description = load_checkpoint(checkpoint)
    described = sealed_description(hidden(description), checkpoint)
    found: Content = {CHECKPOINT: checkpoint, "checkpoint.json": described.encode()}
    if result:
        found["result.json"] = _json(seal(hidden(result)))
    memory = folder / GRAPH
    if graph and memory.is_file():
        load_checkpoint(memory)  # damaged ones are not passed on
        found |= {GRAPH: memory, "graph.json": memory.with_suffix(".json")}
    return found


def _of_data(folder: Path) -> Content:
    found: Content = {}
    lines = []
    for row in manifest(folder):
        lines.append(json.dumps(hidden(row)))
        name = row.get("output")
        if name is None:
            continue
        image = folder / str(name)
        if not image.is_file() or not image.resolve().is_relative_to(folder.resolve()):
            raise UserError(f"{image} is gone; make it again with augment --resume.")
        found[str(name)] = image
    found[MANIFEST] = ("\n".join(lines) + "\n").encode()
    found[RECORD] = _json(hidden(json.loads((folder / RECORD).read_text())))
    return found


def _json(content: object) -> bytes:
    return (json.dumps(content, indent=2) + "\n").encode()
