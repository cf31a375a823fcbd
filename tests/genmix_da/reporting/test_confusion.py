"""Confusion matrices: every row has images, many classes are summed, the mistakes are named."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from genmix_da.reporting.confusion import confusion, confusion_chart

NAMES = ["apple", "pear", "plum", "unknown"]
# No image is a pear, but one apple was taken for one; nothing has to do with a plum.
LABELS = np.array([0, 0, 0, 3, 3])
DECIDED = np.array([0, 1, 3, 3, 0])


def test_classes_without_images_have_no_row() -> None:
    found = confusion(LABELS, DECIDED, NAMES, unknown=True)
    assert found.rows == ["apple", "unknown"]
    assert found.columns == ["apple", "pear", "unknown"]
    assert found.counts.tolist() == [[1, 1, 1], [1, 0, 1]]
    assert found.wrong.tolist() == [[0, 1, 1], [1, 0, 0]]


def test_the_drawing_has_the_same_rows() -> None:
    chart = confusion_chart("c", "a test", LABELS, DECIDED, NAMES, unknown=True)
    assert chart.alt.startswith("2 of 5 images on the diagonal. Most frequent mistakes: 1 apple ")
    figure = Figure()
    chart.draw(figure)
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["apple (3)", "unknown (2)"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["apple", "pear", "unknown"]


def test_many_classes_are_summed_and_keep_their_rows() -> None:
    names = [f"c{number:02}" for number in range(40)] + ["unknown"]
    labels = np.arange(40)
    decided = np.where(labels < 5, 40, labels)  # five known ones are rejected, none is unknown
    found = confusion(labels, decided, names, unknown=True)
    assert len(found.columns) == 30
    assert found.columns[-2:] == ["other classes (12)", "unknown"]
    assert found.rows == found.columns[:-1]
    assert found.counts.sum() == 40
