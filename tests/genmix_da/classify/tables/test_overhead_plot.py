"""The plot: complete methods alone, names that can be read, the same bytes for the same table."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Text

from genmix_da.classify.augmentations import AUGMENTATIONS
from genmix_da.classify.tables.overhead_plot import (
    PLOTS,
    Point,
    overhead_figure,
    overhead_points,
    write_overhead_plot,
)


def test_points_are_the_complete_cells(bench: Any) -> None:
    for seed in (1, 2):
        bench.add("a", "none", seed, top1=0.5)
        bench.add("a", "mixup", seed, top1=0.5 + 0.1 * seed, train=10.0 + seed)
        bench.add("a", "cutmix", seed, recorded=seed == 1)
        bench.add("b", "none", seed)
    found = overhead_points(bench.summary())
    assert list(found) == ["a"]  # b has nothing to compare with
    assert found["a"][0] == Point("none", 0.0, 50.0, 0.0, 0.0)
    (_, mixup) = found["a"]
    assert mixup.method == "mixup"
    assert (mixup.overhead, mixup.accuracy) == pytest.approx((15.0, 65.0))
    assert (mixup.overhead_sd, mixup.accuracy_sd) == pytest.approx((7.071, 7.071), abs=1e-3)


@pytest.mark.parametrize("spread", [0.0, 0.004])
def test_names_cover_neither_each_other_nor_points(bench: Any, spread: float) -> None:
    """All methods, close together: 17 names, of which some lie on one point."""
    for place, method in enumerate(AUGMENTATIONS):
        for seed in (1, 2):
            score = 0.7 + 0.004 * (place % 4) + spread * seed
            bench.add("amazon", method, seed, top1=score, train=10.0 + 0.3 * (place % 5))
    figure = overhead_figure(overhead_points(bench.summary()))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    # Of the words alone: an annotation's own extent has the line to its point in it.
    names = {text.get_text(): Text.get_window_extent(text) for text in axes.texts}
    assert set(names) == set(AUGMENTATIONS)
    for (one, box), (other, second) in combinations(names.items(), 2):
        assert not box.overlaps(second), (one, other)
    spots = [axes.transData.transform(line.get_xydata()[0]) for line in axes.lines]
    assert not any(box.contains(*spot) for box in names.values() for spot in spots)
    frame = axes.get_window_extent()
    for name, box in names.items():
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1, name
        assert frame.y0 <= box.y0 and box.y1 <= frame.y1, name


def test_kinds_of_methods_differ_in_colour_and_shape(bench: Any) -> None:
    for method, train in (("none", 10.0), ("mixup", 11.0), ("genmix[filters]:lambda=0", 12.0)):
        bench.add("a", method, train=train)
    figure = overhead_figure(overhead_points(bench.summary()))
    looks = {(line.get_color(), line.get_marker()) for line in figure.axes[0].lines}
    looks = {look for look in looks if look[1] not in ("None", "|", "_")}
    assert len({colour for colour, _ in looks}) == len({shape for _, shape in looks}) == 3


def test_long_axes_are_logarithmic(bench: Any) -> None:
    for method, train in (("none", 1.0), ("mixup", 1.1), ("genmix[instruct-pix2pix]", 90.0)):
        bench.add("a", method, train=train)
        bench.add("b", method, train=min(train, 2.0))
    figure = overhead_figure(overhead_points(bench.summary()))
    assert [axes.get_xscale() for axes in figure.axes] == ["symlog", "linear"]
    # Numbers, no formulas: where figures do not parse those, they would be printed as they stand.
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert {"0", "10", "100", "1000"} <= set(labels)
    assert not any("$" in label for label in labels)


def test_files_repeat_and_go_with_their_numbers(bench: Any, tmp_path: Path) -> None:
    bench.add("a", "none")
    bench.add("a", "mixup", train=12.0)
    written = write_overhead_plot(tmp_path, bench.summary())
    assert [path.name for path in written] == list(PLOTS)
    first = [path.read_bytes() for path in written]
    assert first[0].startswith(b"\x89PNG") and b"<svg" in first[1]
    write_overhead_plot(tmp_path, bench.summary())
    assert [path.read_bytes() for path in written] == first
    bench.records.pop()
    assert write_overhead_plot(tmp_path, bench.summary()) == []
    assert list(tmp_path.iterdir()) == []
