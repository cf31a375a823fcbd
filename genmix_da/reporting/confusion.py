"""Confusion matrices that can still be read with many classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from genmix_da.reporting.figures import Chart, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CLASSES = 30


@dataclass(frozen=True)
class Confusion:
    """How often each class was decided for another.

    Attributes:
        counts: [R, C] images, R true classes by C decisions.
        own: [R] column of each row's own class.
        columns: names of the decisions.
    """

    counts: NDArray[np.int64]
    own: NDArray[np.int64]
    columns: list[str]

    @property
    def rows(self) -> list[str]:
        """Names of the true classes that have images."""
        return [self.columns[place] for place in self.own]

    @property
    def wrong(self) -> NDArray[np.int64]:
        """[R, C], the counts without those of right decisions."""
        found = self.counts.copy()
        found[np.arange(len(found)), self.own] = 0
        return found


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
    found = confusion(labels, decided, names, unknown=unknown)
    side = max(4.4, 1.6 + 0.23 * len(found.columns))
    return Chart(
        name,
        f"Confusion matrix, {of}",
        _in_words(found),
        lambda figure: _draw(figure, found),
        (side, max(0.95 * side - 0.23 * (len(found.columns) - len(found.rows)), 2.4)),
    )


def confusion(
    labels: NDArray[np.int64],
    decided: NDArray[np.int64],
    names: list[str],
    *,
    unknown: bool = False,
) -> Confusion:
    """Images of each true class (rows) by decision (columns); classes without images have no row.

    More than 30 classes: those that are mistaken most often are shown one by one, the others
    summed as "other classes".

    Args:
        labels, decided, names, unknown: see `confusion_chart`.
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
    counts = np.array([[matrix[np.ix_(a, b)].sum() for b in groups] for a in groups])
    there = np.flatnonzero(counts.sum(axis=1))
    return Confusion(counts[there], there, titles)


def _in_words(found: Confusion) -> str:
    wrong = found.wrong
    order = np.argsort(-wrong, axis=None, kind="stable")[:3]
    worst = [divmod(int(place), len(found.columns)) for place in order]
    listed = "; ".join(
        f"{wrong[a, b]} {found.rows[a]} taken for {found.columns[b]}"
        for a, b in worst
        if wrong[a, b]
    )
    mistakes = f" Most frequent mistakes: {listed}." if listed else " No mistakes."
    images = int(found.counts.sum())
    return f"{images - int(wrong.sum())} of {images} images on the diagonal.{mistakes}"


def _draw(figure: Figure, found: Confusion) -> None:
    axes = figure.subplots()
    matrix = found.counts
    images = matrix.sum(axis=1, keepdims=True)
    share = matrix / images
    image = axes.imshow(share, cmap="cividis", vmin=0, vmax=1)
    axes.set_xticks(
        range(len(found.columns)), [shortened(name, 22) for name in found.columns], rotation=90
    )
    axes.set_yticks(
        range(len(found.rows)),
        [f"{shortened(n, 22)} ({r})" for n, r in zip(found.rows, images[:, 0], strict=True)],
    )
    axes.grid(visible=False)
    axes.set(xlabel="decided", ylabel="true (images)")
    if len(found.columns) <= 16:
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
