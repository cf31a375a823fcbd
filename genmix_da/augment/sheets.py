"""Pictures to look at: previews, similarity histograms, the worst kept and the best dropped."""

from __future__ import annotations

import heapq
import json
import logging
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.cache import Failure, edit_cache
from genmix_da.augment.compose import Draws, compose, fractal_source
from genmix_da.augment.editors import Editor
from genmix_da.augment.editors.base import fit_to, to_uint8
from genmix_da.augment.edits import load_working_image
from genmix_da.augment.judged import DROPPED, KEPT, STATUSES, Edit, counted
from genmix_da.augment.manifest import draws_of
from genmix_da.augment.prompts import PromptSet
from genmix_da.augment.selection import Selection
from genmix_da.augment.settings import AugmentSettings
from genmix_da.data.domain import Domain
from genmix_da.errors import UserError
from lead.files import write_atomically
from lead.seeds import derive

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]

TILE = 128
_CAPTION = 16
_SHOWN = 12  # edits on a sheet
_MOST_STYLES = 24  # rows of an image in a preview
PARTS = ("original", "edit", "mask", "hybrid", "fractal", "final")


def tile(pixels: Pixels, caption: str, side: int = TILE) -> Pixels:
    """A picture fitted into a square on white, its caption below: [side + 16, side, 3]."""
    scale = side / max(pixels.shape[:2])
    size = (max(round(pixels.shape[1] * scale), 1), max(round(pixels.shape[0] * scale), 1))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    framed = np.full((side + _CAPTION, side, 3), 255, dtype=np.uint8)
    top, left = (side - size[1]) // 2, (side - size[0]) // 2
    framed[top : top + size[1], left : left + size[0]] = small
    place = (2, side + _CAPTION - 5)
    text = caption.encode("ascii", "replace").decode()
    cv2.putText(framed, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.33, (0, 0, 0), 1, cv2.LINE_AA)
    return framed


def write_sheet(path: Path, rows: Sequence[Sequence[Pixels]]) -> None:
    """Rows of tiles as one PNG; shorter rows are filled with white."""
    widest = max(len(row) for row in rows)
    blank = np.full_like(rows[0][0], 255)
    lines = [np.concatenate([*row, *[blank] * (widest - len(row))], axis=1) for row in rows]
    _, encoded = cv2.imencode(".png", np.concatenate(lines)[:, :, ::-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: file.write_bytes(encoded.tobytes()))


def preview(
    path: Path,
    domain: Domain,
    prompts: PromptSet,
    editor: Editor,
    s: AugmentSettings,
    images: int = 4,
) -> None:
    """A sheet of every part of GenMix: a few images in every style; nothing is cached.

    Args:
        path: PNG to write.
        domain: images to draw from.
        prompts: styles.
        editor: how to edit.
        s: settings.
        images: how many images.
    """
    if images < 1:
        raise UserError(f"--images is {images}; it must be at least 1.")
    editor.check(prompts.styles)
    fractals = fractal_source(s)
    shown = prompts.styles[:_MOST_STYLES]
    if len(shown) < len(prompts.styles):
        logger.info("the first %d of %d styles are shown", len(shown), len(prompts.styles))
    draw = np.random.default_rng(derive(s.seed, "preview"))
    rows = []
    for index, original in _drawn_images(domain, images, s.size, draw):
        for style in shown:
            seed = derive(s.seed, "preview", index, style.name)
            edit = to_uint8(fit_to(editor.edit([original], [style], [seed])[0], original))
            done = compose(original, edit, fractals, s, Draws(seed, "preview"))
            mask = np.repeat(np.round(done.mask * 255).astype(np.uint8)[:, :, None], 3, axis=2)
            fractal = np.full_like(original, 255) if done.fractal is None else done.fractal
            pictures = (original, edit, mask, done.hybrid, fractal, done.final)
            captions = ("original", style.name, done.mask_kind, "hybrid", "fractal", "final")
            rows.append([tile(p, c) for p, c in zip(pictures, captions, strict=True)])
    write_sheet(path, rows)


def _drawn_images(
    domain: Domain, count: int, size: int, draw: np.random.Generator
) -> list[tuple[int, Pixels]]:
    """A few readable images and their numbers, in the order of the domain."""
    found: list[tuple[int, Pixels]] = []
    for index in draw.permutation(len(domain.images)):
        if len(found) == max(count, 1):
            break
        try:
            found.append((int(index), load_working_image(domain.images[index], size, domain.grey)))
        except ValueError as error:
            logger.warning("skipped %s: %s", domain.images[index], error)
    if not found:
        raise UserError(f"none of the {len(domain.images)} images of {domain.folder} can be read.")
    return sorted(found, key=lambda item: item[0])


def write_report(selection: Selection, out: Path, s: AugmentSettings) -> dict[str, Any]:
    """report.json, similarity.png, worst_kept.png and best_dropped.png beside the manifest.

    Returns:
        The content of report.json: counts in all, per style and per class, statistics, threshold.
    """
    labels = selection.domain.labels or ("",) * len(selection.domain.images)
    report = {
        "editor": selection.editor,
        "stand_in": selection.stand_in,
        "features": selection.encoder,
        "rule": s.rule,
        "threshold": selection.threshold,
        "mean": selection.statistics.mean if selection.statistics else None,
        "std": selection.statistics.std if selection.statistics else None,
        "edits": _counts(selection.edits),
        "styles": _grouped((e.job.style.name, e) for e in selection.edits),
        "classes": _grouped((labels[e.job.index], e) for e in selection.edits),
        "skipped": [list(item) for item in selection.skipped],
    }
    text = json.dumps(report, indent=2) + "\n"
    write_atomically(out / "report.json", lambda file: file.write_text(text))
    compared = np.array([e.similarity for e in selection.edits if e.similarity is not None])
    if len(compared) and selection.threshold is not None:
        _histogram(out / "similarity.png", compared, selection.threshold)
        for name, status, first in (
            ("worst_kept", KEPT, heapq.nsmallest),
            ("best_dropped", DROPPED, heapq.nlargest),
        ):
            of_status = (edit for edit in selection.edits if edit.status == status)
            edits = first(_SHOWN, of_status, key=lambda edit: edit.similarity or 0.0)
            if edits:
                _edit_sheet(out / f"{name}.png", selection, edits, s)
    return report


def _counts(edits: Sequence[Edit]) -> dict[str, int]:
    return {status: counted(edits, status) for status in STATUSES}


def _grouped(edits: Iterable[tuple[str, Edit]]) -> dict[str, dict[str, int]]:
    """Counts of the edits of each name."""
    groups: dict[str, dict[str, int]] = {}
    for name, edit in edits:
        groups.setdefault(name, dict.fromkeys(STATUSES, 0))[edit.status] += 1
    return {name: groups[name] for name in sorted(groups)}


def _histogram(path: Path, similarity: NDArray[np.float64], threshold: float) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.hist(similarity, bins=40, color="#4477aa")
    axes.axvline(threshold, color="#cc3311", label=f"threshold {threshold:.3f}")
    axes.set(xlabel="cosine between edit and original", ylabel="edits")
    axes.legend()
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=110))


def _edit_sheet(
    path: Path, selection: Selection, edits: Sequence[Edit], s: AugmentSettings
) -> None:
    """Original, edit and result of each edit, its similarity below."""
    cache, fractals = edit_cache(), fractal_source(s)
    rows = []
    for edit in edits:
        picture = cache.get(edit.job.key)
        if picture is None or isinstance(picture, Failure):
            continue
        source = selection.domain.images[edit.job.index]
        original = load_working_image(source, s.size, selection.domain.grey)
        final = compose(original, picture, fractals, s, draws_of(selection, edit, s.seed)).final
        similarity = f"{edit.job.style.name} {edit.similarity:.3f}"
        rows.append([tile(original, "original"), tile(picture, similarity), tile(final, "final")])
    # Three edits side by side.
    joined = [list(chain(*rows[i : i + 3])) for i in range(0, len(rows), 3)]
    if joined:
        write_sheet(path, joined)
