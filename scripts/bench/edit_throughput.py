"""Images a second on a GPU: over batch sizes, against the stock loop and the matrix rate."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edit_operations import (
    BRANCHES_2,
    EXACT,
    FAST,
    STEPS_20,
    Variant,
    count_costs,
    markdown,
    matrix_rate,
)
from edit_runs import Subject, pictures, release, say, timed, with_editor, with_stock

from genmix_da.augment.diffusion.networks import DTYPES
from genmix_da.errors import UserError

CANDIDATES = (1, 4, 8, 16, 32, 64)


def search(
    subject: Subject, variant: Variant, batches: Sequence[int], calls: int, end: float
) -> dict[int, float]:
    """Seconds an image at each batch size, until memory or time runs out.

    Args:
        subject: model, device and size.
        variant: settings.
        batches: sizes to try, rising.
        calls: at each size; the last counts.
        end: on the performance counter; a size that would take longer is not tried.
    """
    editor = subject.editor(variant, max(batches))
    edit, found = with_editor(editor), dict[int, float]()
    try:
        edit(pictures(1, subject.size, 0), [0])  # loads, and encodes the prompt
        for batch in batches:
            expected = (calls + 1) * batch * min(found.values(), default=0.0)
            if time.perf_counter() + expected > end:
                say(f"  {variant.name}, batch {batch}: left out, it would take too long")
                break
            for call in range(calls):
                images = pictures(batch, subject.size, 1 + call)
                seconds = timed(edit, images, range(batch), subject.device).wall[0]
                if editor.largest_batch < batch:
                    break
            if editor.largest_batch < batch:
                say(f"  {variant.name}, batch {batch}: out of memory")
                break
            found[batch] = seconds
            say(f"  {variant.name}, batch {batch}: {1 / seconds:.3f} images/s")
    except UserError as error:
        say(f"  {variant.name}: {error}")
    del editor, edit
    release(subject.device)
    return found


def stock_seconds(subject: Subject) -> float:
    """Seconds an image of the stock pipeline at the published settings."""
    pipeline = subject.stock()
    with_stock(pipeline, EXACT.with_options(steps=3))(pictures(1, subject.size, 0), [0])
    run = timed(with_stock(pipeline, EXACT), pictures(1, subject.size, 1), [1], subject.device)
    del pipeline
    release(subject.device)
    say(f"{subject.size} px, stock: {1 / run.wall[0]:.3f} images/s")
    return run.wall[0]


def sweep(subject: Subject, end: float) -> dict[Variant, dict[int, float]]:
    """Seconds an image of each variant at each batch size.

    100 steps are tried at batch 1 and at the size that was best with 20: a call costs the same.
    """
    found = {STEPS_20: search(subject, STEPS_20, CANDIDATES, 2, end)}
    scale = EXACT.chosen()["steps"] / STEPS_20.chosen()["steps"]
    left = end - time.perf_counter()
    affordable = {b: s for b, s in found[STEPS_20].items() if scale * b * s < left / 2}
    found[EXACT] = search(subject, EXACT, sorted({1, fastest(affordable)}), 1, end)
    for variant in (BRANCHES_2, FAST):
        found[variant] = search(subject, variant, CANDIDATES, 2, end)
    return found


def fastest(seconds: dict[int, float]) -> int:
    """The batch size with the least seconds an image; 1 where none ran."""
    return min(seconds, key=seconds.__getitem__, default=1)


def throughput(
    subject: Subject, model: str, sizes: Sequence[int], minutes: float
) -> tuple[list[str], dict[str, Any]]:
    """Measure.

    Args:
        subject: model and device; its size is not used.
        model: "full" or "tiny".
        sizes: sides in pixels; ratios are to the stock pipeline at the first.
        minutes: to take at most, about.

    Returns:
        Markdown tables and raw numbers.
    """
    started = time.perf_counter()
    rate = matrix_rate(subject.device, DTYPES[subject.precision])
    say(f"matrix rate {rate:.2f} TFLOP/s in {subject.precision}")
    rows: list[list[str]] = []
    raw: dict[str, Any] = {"matrix_rate": rate, "precision": subject.precision, "sizes": {}}
    best: dict[tuple[int, str], tuple[float, float]] = {}
    base = 0.0
    for costs, share in zip(count_costs(model, sizes), (0.7, 1.0), strict=True):
        here = replace(subject, size=costs.size)
        stock = stock_seconds(here)
        base = base or stock
        found = sweep(here, started + 60 * minutes * share)
        results = [("stock, 100 x 3", 1, stock, EXACT)]
        for variant, seconds in found.items():
            for batch in sorted({1, fastest(seconds)} & seconds.keys()):
                results.append((variant.name, batch, seconds[batch], variant))
        for name, batch, seconds, variant in results:
            used = costs.edit(variant.chosen()) / seconds / rate
            cells = [f"{1 / seconds:.3f}", f"{stock / seconds:.2f}", f"{base / seconds:.2f}"]
            rows.append([f"{here.size} px", name, str(batch), *cells, f"{used:.1%}"])
            best[here.size, name] = (base / seconds, used)  # the last is the fastest
        raw["sizes"][here.size] = {"stock": stock} | {v.name: s for v, s in found.items()}
    titles = ["size", "steps x branches", "batch", "images/s", "times stock at this size"]
    titles += [f"times stock at {sizes[0]} px", f"of {rate:.1f} TFLOP/s"]
    table = markdown(titles, rows)
    return [table, goals_table(best, sizes)], raw


def goals_table(best: dict[tuple[int, str], tuple[float, float]], sizes: Sequence[int]) -> str:
    """Goals and what was reached, where it was measured."""
    large, small = sizes
    exact = best.get((large, EXACT.name))
    short = [best[large, v.name][0] for v in (STEPS_20, BRANCHES_2) if (large, v.name) in best]
    fast = best.get((small, FAST.name))
    rows = [
        ["share of the matrix rate, 100 x 3", "40%", f"{exact[1]:.1%}" if exact else "-"],
        ["times stock, 100 x 3", "2.5", f"{exact[0]:.2f}" if exact else "-"],
        ["times stock, 20 steps", "15", f"{max(short):.2f}" if short else "-"],
        [f"times stock, --fast at {small} px", "40", f"{fast[0]:.2f}" if fast else "-"],
    ]
    return markdown([f"at the best batch, stock 100 x 3 at {large} px", "goal", "measured"], rows)
