"""Write a model as one file and hold it against the model that it came from."""

from __future__ import annotations

import csv
import json
import logging
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.data.grey import deep_mode
from genmix_da.data.pixels import read_image
from genmix_da.errors import UserError
from genmix_da.hidden_paths import hidden
from genmix_da.places import user_path
from genmix_da.runs.folder import CHECKPOINT
from genmix_da.use.export.deployed import Deployed
from genmix_da.use.export.formats import FORMATS, Outputs
from genmix_da.use.hub import is_on_hub, located
from genmix_da.use.loading import load_model
from genmix_da.use.model import Model
from lead.files import remove_abandoned, write_atomically
from office_home.mini import MINI_CLASSES, MINI_DOMAINS, draw

logger = logging.getLogger(__name__)

CHECKED = 16  # images that the file is held against
# Of Mini Office-Home, where there are none of the run's.
_DRAWN = list(product(MINI_DOMAINS, MINI_CLASSES[: CHECKED // len(MINI_DOMAINS)], (0,)))
TOLERANCE = 1e-4
_LARGEST = 2**31  # bytes of a file that a format can hold (ONNX)


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        file: the model.
        format: a key of FORMATS.
        size: in bytes.
        graph_size: of these the target's features and masses; 0 without the graph.
        images: how many it was held against.
        drawn: these were drawn for it: none of the run's own is where it was, or the checkpoint
            says of none, as those of source models.
        difference: the largest of a probability on them, against `Model.predict`.
    """

    file: Path
    format: str
    size: int
    graph_size: int
    images: int
    drawn: bool
    difference: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "file": str(self.file)}


def export(
    checkpoint: str | Path,
    to: str = "onnx",
    out: str | Path | None = None,
    *,
    graph: bool = False,
    weights: str | None = None,
) -> Exported:
    """Write a checkpoint as one file: uint8 RGB pictures [N, H, W, 3] in, decisions out.

    Preprocessing and rejection at the stored threshold are inside; pictures of a batch have one
    size, any. Classes, threshold and origin are in the file's metadata, see docs/deploy.md. Then it
    is held against the model on images of the run, or on drawn ones where there is none.

    Args:
        checkpoint: run folder or .safetensors file; of a frozen backbone its weights go in, too.
        to: "onnx", "torch-export" or "torchscript".
        out: file; None: model.onnx, model.pt2 or model.pt in the run folder.
        graph: decide beside the target images that the run's graph was made of: their features
            become constants of the file.
        weights: of a frozen backbone, where they have moved.

    Raises:
        UserError: another format, a library is missing, `out` is another kind of file, a model that
            judges all images of a set together, no graph, or the file says something else than the
            model.
    """
    if to not in FORMATS:
        raise UserError(f"no format {to!r}; choose {', '.join(FORMATS)}.")
    chosen = FORMATS[to]
    chosen.check()
    if is_on_hub(checkpoint) and out is None:
        raise UserError(f"{checkpoint} is no folder of yours; name the file with --out.")
    place = located(checkpoint)
    model = load_model(place, "cpu", weights, graph=graph)
    folder = place if place.is_dir() else place.parent
    path = folder / f"model{chosen.suffix}" if out is None else user_path(out)
    if path.exists() and (path.suffix != chosen.suffix or not path.is_file()):
        raise UserError(
            f"{path} is there already and looks like no {to} model, which alone is replaced; give "
            "another --out."
        )
    deployed = Deployed(model, graph=graph).eval()
    size = sum(t.numel() * t.element_size() for t in deployed.state_dict().values())
    if size > _LARGEST and to == "onnx":
        raise UserError(f"the model has {size / 2**30:.1f} GiB, ONNX holds 2; use torch-export.")
    logger.info("export: %s %s (%s)", "replacing" if path.exists() else "writing", path, to)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(path.parent, f".{path.name}.*.tmp")
    about = metadata(model, deployed, graph=graph)
    pictures = _images_of(folder)
    if not pictures:
        logger.warning("no image of a run is at hand: the file is held against drawn pictures")
    held_against: list[Any] = pictures or [draw(*name) for name in _DRAWN]
    differences: list[float] = []

    def write(file: Path) -> None:
        chosen.write(deployed, file, about)
        differences.append(_compare(model, chosen.load(file), held_against, graph=graph))

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of tracing: the comparison says what matters
        write_atomically(path, write)
    rule = deployed.rule
    held = 0 if rule is None else sum(b.numel() * b.element_size() for b in rule.buffers())
    sizes = (path.stat().st_size, held)
    return Exported(path, to, *sizes, len(held_against), not pictures, differences[0])


def metadata(model: Model, deployed: Deployed, *, graph: bool) -> dict[str, str]:
    """What the file says of itself, as text: JSON where it is no text."""
    about = model.description
    limit = deployed.threshold
    return {
        "classes": json.dumps(list(model.classes), ensure_ascii=False),
        "threshold": json.dumps(limit if math.isfinite(limit) else None),
        "input": "uint8 RGB [N, H, W, 3]",
        "outputs": "probability [N, C], uncertainty [N], rejected [N]",
        "graph": json.dumps(graph),
        "backbone": str(about.get("backbone")),
        "synthetic": json.dumps(bool(about.get("synthetic"))),
        "provenance": json.dumps(hidden(about.get("provenance", {})), default=str),
    }


def _compare(
    model: Model, run: Callable[[NDArray[np.uint8]], Outputs], images: list[Any], *, graph: bool
) -> float:
    """The largest difference of a probability of file and model on paths or pictures.

    Raises:
        UserError: the difference is above TOLERANCE, or another class or rejection comes out.
    """
    found = model.predict(images, graph=graph)
    expected = found.graph if graph else found
    assert expected is not None
    difference, same = 0.0, True
    for row, image in enumerate(found.paths or images):
        read = read_image(Path(image).read_bytes()) if isinstance(image, str) else image
        probability, _, rejected = run(np.asarray(read)[np.newaxis])
        difference = max(
            difference, float(np.abs(probability[0] - expected.probability[row]).max())
        )
        best = probability[0].argmax() == expected.probability[row].argmax()
        same = same and bool(best) and bool(rejected[0]) == bool(expected.rejected[row])
    if difference > TOLERANCE or not same:
        raise UserError(
            f"the exported model differs from the checkpoint by {difference:.2g} in a probability "
            f"on {len(found)} images (at most {TOLERANCE:g}, and the same decisions, are taken); "
            "it was not written. Try another --to."
        )
    return difference


def _images_of(folder: Path) -> list[Path]:
    """Some images that the run classified, spread over them; deep grey ones, which it alone can
    read, are left out."""
    file = folder / "predictions.csv"
    if not (folder / CHECKPOINT).is_file() or not file.is_file():
        return []
    with file.open(newline="") as handle:
        paths = [Path(row["path"]) for row in csv.DictReader(handle)]
    there = [path for path in paths[:: max(1, len(paths) // CHECKED)] if path.is_file()]
    return [path for path in there if deep_mode(path) is None][:CHECKED]
