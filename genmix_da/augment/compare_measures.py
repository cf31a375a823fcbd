"""What `editors compare` measures: the edits of one variant, their time, and how they differ.

Time is the wall time of the edits alone, in the batches that a run would use, without loading and
without one warm-up. Edits that a run could not use are counted, their time too, and left out of
every mean.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genmix_da.augment.editors import Editor, edit_problem
from genmix_da.augment.editors.base import Pixels, fit_to, to_uint8
from genmix_da.augment.edits import fit
from genmix_da.augment.faithful import PairStatistics, cosine
from genmix_da.augment.features import Encoder, encode_one
from genmix_da.augment.prompts import PromptSet, Style
from genmix_da.augment.settings import AugmentSettings
from genmix_da.data.domain import Domain
from genmix_da.data.pixels import pil_warnings_ignored, read_image
from genmix_da.errors import UserError
from genmix_da.progress import track
from lead.seeds import derive

logger = logging.getLogger(__name__)

Feature = NDArray[np.float32]


@dataclass(frozen=True)
class Sample:
    """An image that every variant edits.

    Attributes:
        label: class.
        name: of the file.
        style: that it is edited in.
        seed: of the edit, as `augment` has it for this image and style.
        pixels: the working image.
    """

    label: str
    name: str
    style: Style
    seed: int
    pixels: Pixels


@dataclass(frozen=True)
class Made:
    """The edits of one variant.

    Attributes:
        name: of the variant.
        editor: name.
        stand_in: the editor imitates a generative one.
        settings: of the editor, resolved.
        batch: images of one call.
        seconds: of all edits together.
        edits: one a sample, at its size; None where it cannot be used.
        problems: why it cannot; "" where it can.
        features: of each edit; None without an encoder or an edit.
    """

    name: str
    editor: str
    stand_in: bool
    settings: dict[str, Any]
    batch: int
    seconds: float
    edits: list[Pixels | None]
    problems: list[str]
    features: list[Feature | None]


def draw_samples(
    domain: Domain, prompts: PromptSet, s: AugmentSettings, count: int
) -> list[Sample]:
    """Readable images, drawn from all classes in turn; in the order of the domain.

    Raises:
        UserError: no image can be read.
    """
    draw = np.random.default_rng(derive(s.seed, "compare"))
    labels = domain.labels or ("",) * len(domain.images)
    rank = {name: place for place, name in enumerate(draw.permutation(sorted(set(labels))))}
    drawn: dict[str, int] = {}
    turns: list[tuple[int, int, int]] = []
    for index in draw.permutation(len(domain.images)):
        turn = drawn[labels[index]] = drawn.get(labels[index], 0) + 1
        turns.append((turn, rank[labels[index]], int(index)))
    found: list[tuple[int, str, Pixels]] = []
    for _, _, index in sorted(turns):
        if len(found) == count:
            break
        path = domain.images[index]
        try:
            content = path.read_bytes()
            with pil_warnings_ignored():
                pixels = fit(np.asarray(read_image(content, domain.grey)), s.size)
        except (OSError, ValueError) as error:
            logger.warning("skipped %s: %s", path, error)
            continue
        found.append((index, hashlib.sha256(content).hexdigest(), pixels))
    if not found:
        raise UserError(f"none of the {len(domain.images)} images of {domain.folder} can be read.")
    if len(found) < count:
        logger.warning("%d images are asked for, %d can be read", count, len(found))
    samples = []
    for number, (index, image_hash, pixels) in enumerate(sorted(found, key=lambda f: f[0])):
        style = prompts.styles[number % len(prompts.styles)]
        seed = derive(s.seed, "edit", image_hash, style.name, 0)
        samples.append(Sample(labels[index], domain.images[index].name, style, seed, pixels))
    return samples


def pair_statistics(
    originals: Sequence[Feature | None], s: AugmentSettings
) -> dict[str, Any] | None:
    """Threshold mu - k sigma of Eq. 3 over the originals used; None without features or a pair."""
    features = [feature for feature in originals if feature is not None]
    if len(features) < 2:
        return None
    pairs = PairStatistics()
    pairs.add(np.stack(features))
    result = pairs.result()
    return {
        "rule": "all-pairs",
        "mean": result.mean,
        "std": result.std,
        "pairs": result.pairs,
        "sigmas": s.sigmas,
        "threshold": result.threshold(s.sigmas),
    }


def make_edits(
    name: str, editor: Editor, samples: Sequence[Sample], encoder: Encoder | None
) -> Made:
    """Edit every sample, timed."""
    batch = min(max(editor.largest_batch, 1), len(samples))
    starts = range(0, len(samples), batch)
    # Loads, encodes the prompts, sets up kernels for the shape of a batch. Mirrored, so that the
    # editor has not seen the images of the first timed batch: it may remember their latents.
    _edit(editor, samples[:batch], [np.ascontiguousarray(x.pixels[:, ::-1]) for x in samples])
    seconds = 1e-9  # a rate is asked for however fast an editor is
    results: list[NDArray[Any]] = []
    for start in track(starts, name, len(starts)):
        part = samples[start : start + batch]
        pixels = [sample.pixels for sample in part]
        started = time.perf_counter()
        edited = _edit(editor, part, pixels)
        seconds += time.perf_counter() - started
        results += edited
    problems = [edit_problem(result) or "" for result in results]
    edits = [
        None if problem else to_uint8(fit_to(result, sample.pixels))
        for result, problem, sample in zip(results, problems, samples, strict=True)
    ]
    return Made(
        name,
        editor.name,
        editor.stand_in,
        dict(editor.settings),
        batch,
        seconds,
        edits,
        problems,
        [encode_one(encoder, edit) if encoder and edit is not None else None for edit in edits],
    )


def _edit(
    editor: Editor, samples: Sequence[Sample], pixels: Sequence[Pixels]
) -> list[NDArray[Any]]:
    styles, seeds = [sample.style for sample in samples], [sample.seed for sample in samples]
    return editor.edit(pixels[: len(samples)], styles, seeds)


def judge(
    variant: Made,
    reference: Made,
    samples: Sequence[Sample],
    originals: Sequence[Feature | None],
    statistics: dict[str, Any] | None,
) -> list[dict[str, Any]]:
    """A line for each edit of a variant: what became of it and how far it is from the others.

    Returns:
        One dictionary a sample; `pixel_difference` is a mean of absolute differences in levels of
        255, `squared_difference` of their squares.
    """
    rows = []
    for number, sample in enumerate(samples):
        edit, other = variant.edits[number], reference.edits[number]
        feature, problem = variant.features[number], variant.problems[number]
        similarity = _cosine(originals[number], feature)
        kept = None
        if similarity is not None and statistics is not None:
            kept = similarity >= statistics["threshold"]
        absolute = squared = None
        if edit is not None and other is not None:
            difference = edit.astype(np.float64) - other
            absolute = float(np.abs(difference).mean())
            squared = float(np.square(difference).mean())
        rows.append(
            {
                "variant": variant.name,
                "class": sample.label,
                "image": sample.name,
                "style": sample.style.name,
                "seed": sample.seed,
                "problem": problem or None,
                "similarity": similarity,
                "kept": kept,
                "similarity_to_reference": _cosine(reference.features[number], feature),
                "pixel_difference": absolute,
                "squared_difference": squared,
            }
        )
    return rows


def summarise(variant: Made, reference: Made, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The numbers of a variant over its usable edits; None where there is none.

    Returns:
        `speed` is relative to the reference, `kept` a share of the usable edits, `psnr_db` None
        where the edits are the reference's own.
    """
    squared = _mean(rows, "squared_difference")
    rate = len(rows) / variant.seconds
    return {
        "name": variant.name,
        "images_per_second": rate,
        "speed": rate * reference.seconds / len(rows),
        "similarity": _mean(rows, "similarity"),
        "similarity_to_reference": _mean(rows, "similarity_to_reference"),
        "kept": _mean(rows, "kept"),
        "pixel_difference": _mean(rows, "pixel_difference"),
        "psnr_db": 10 * math.log10(255**2 / squared) if squared else None,
        "failed": sum(row["problem"] is not None for row in rows),
        "seconds": variant.seconds,
        "batch": variant.batch,
        "settings": variant.settings,
    }


def _cosine(first: Feature | None, second: Feature | None) -> float | None:
    return None if first is None or second is None else cosine(first, second)


def _mean(rows: Sequence[dict[str, Any]], key: str) -> float | None:
    values = [float(row[key]) for row in rows if row[key] is not None]
    return sum(values) / len(values) if values else None
