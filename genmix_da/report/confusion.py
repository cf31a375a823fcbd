"""Confusion matrices that can still be read with many classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genmix_da.report.figures import Chart, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CLASSES = 30


def confusion_chart(
    name: str,
    of: str,
    labels: NDArray[np.int64],
    decided: NDArray[np.int64],
    names: list[str],
    *,
    unknown: bool = False,
) -> Chart:
    """A confusion matrix.

    Args:
        name: of the chart.
        of: what was evaluated, in words.
        labels, decided: [N] class numbers.
        names: of the classes.
        unknown: the last of them is "unknown", which is always shown.
    """
    matrix, shown = confusion(labels, decided, names, unknown=unknown)
    side = max(4.4, 1.6 + 0.23 * len(shown))
    return Chart(
        name,
        f"Confusion matrix, {of}",
        _in_words(matrix, shown),
        lambda figure: _draw(figure, matrix, shown),
        (side, side * 0.95),
    )


def confusion(
    labels: NDArray[np.int64],
    decided: NDArray[np.int64],
    names: list[str],
    *,
    unknown: bool = False,
) -> tuple[NDArray[np.int64], list[str]]:
    """Images of each true class (rows) by decision (columns).

    More than 30 classes: those that are mistaken most often are shown one by one, the others
    summed as "other classes".

    Args:
        labels, decided, names, unknown: see `confusion_chart`.

    Returns:
        ([K, K] counts, K names).
    """
    count = len(names)
    matrix = np.zeros((count, count), dtype=np.int64)
    np.add.at(matrix, (labels, decided), 1)
    used: list[int] = np.flatnonzero(matrix.sum(axis=0) + matrix.sum(axis=1)).tolist()
    groups, titles = [[c] for c in used], [names[c] for c in used]
    if len(used) > MOST_CLASSES:
        apart = [count - 1] if unknown else []
        own = [c for c in used if c not in apart]
        mistakes = matrix.sum(axis=1) + matrix.sum(axis=0) - 2 * np.diag(matrix)
        most = MOST_CLASSES - 1 - len(apart)
        alone = sorted(sorted(own, key=lambda c: (-mistakes[c], c))[:most])
        rest = sorted(set(own) - set(alone))
        groups = [*([c] for c in alone), rest, *([c] for c in apart)]
        titles = [*(names[c] for c in alone), f"other classes ({len(rest)})"]
        titles += [names[c] for c in apart]
    return np.array([[matrix[np.ix_(a, b)].sum() for b in groups] for a in groups]), titles


def _in_words(matrix: NDArray[np.int64], names: list[str]) -> str:
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=None, kind="stable")[:3]
    worst = [divmod(int(place), len(names)) for place in order]
    listed = "; ".join(
        f"{wrong[a, b]} {names[a]} taken for {names[b]}" for a, b in worst if wrong[a, b]
    )
    mistakes = f" Most frequent mistakes: {listed}." if listed else " No mistakes."
    return f"{int(np.trace(matrix))} of {int(matrix.sum())} images on the diagonal.{mistakes}"


def _draw(figure: Figure, matrix: NDArray[np.int64], names: list[str]) -> None:
    axes = figure.subplots()
    rows = matrix.sum(axis=1, keepdims=True)
    share = matrix / np.maximum(rows, 1)
    image = axes.imshow(share, cmap="cividis", vmin=0, vmax=1)
    places = range(len(names))
    labels = [shortened(name, 22) for name in names]
    axes.set_xticks(places, labels, rotation=90)
    axes.set_yticks(places, [f"{n} ({r})" for n, r in zip(labels, rows[:, 0], strict=True)])
    axes.grid(visible=False)
    axes.set(xlabel="decided", ylabel="true (images)")
    if len(names) <= 16:
        for row, column in zip(*np.nonzero(matrix), strict=True):
            light = share[row, column] < 0.47
            axes.text(
                column,
                row,
                str(matrix[row, column]),
                ha="center",
                va="center",
                fontsize=7,
                color="white" if light else "black",
            )
    figure.colorbar(image, ax=axes, shrink=0.7).set_label("share of the true class")
