"""What a comparison leaves: files that agree, replaced by the next, and a plot with names."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from genmix_da.augment.compare_files import COLUMNS, label_points


def test_files_agree(world: Any, compare: Callable, tmp_path: Path) -> None:
    result = compare("3", "5/256px", plot=True)
    out = tmp_path / "out"
    assert json.loads((out / "compare.json").read_text()) == result
    assert result["variants"][2]["settings"] == {"steps": 5, "size": 256}
    assert {"packages", "git_commit", "command"} <= result["provenance"].keys()
    with (out / "compare.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["name"] for row in rows] == ["exact", "3", "5/256px"]
    assert float(rows[1]["pixel_difference"]) == 3
    assert rows[0]["psnr_db"] == ""  # the reference's own edits
    with Image.open(out / "compare.png") as sheet:
        assert sheet.size == (4 * 166, 22 + 4 * 176)  # original and three; a heading of one line
    with Image.open(out / "speed.png") as plot:
        assert np.asarray(plot.convert("L")).std() > 5


def test_a_comparison_is_replaced_by_the_next(world: Any, compare: Callable) -> None:
    compare("3")
    assert [v["name"] for v in compare("4")["variants"]] == ["exact", "4"]


def test_names_of_points_do_not_cover_each_other() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    figure = Figure(figsize=(6.4, 4.4))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    points = [(1 + n / 50, 5 + n / 100, f"dpm++{n}/256px/reuse3/bf16") for n in range(6)]
    axes.scatter([x for x, _, _ in points], [y for _, y, _ in points])
    axes.set(xlim=(0, 3), ylim=(0, 10))
    label_points(axes, points)
    figure.draw_without_rendering()  # names are put in their places only then
    boxes = [Text.get_window_extent(text) for text in axes.texts]  # without lines to the points
    assert [text.get_text() for text in axes.texts] == [name for _, _, name in points]
    frame = axes.get_window_extent()
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:number])
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1
