"""Of a pre-training: what was run, and its curves: loss, spread of the projections, rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genmix_da.reporting.curves import rate_chart
from genmix_da.reporting.figures import COLOURS, GREY, MARKERS, Chart, from_zero, legend_below
from genmix_da.reporting.run import ReportRun
from genmix_da.selfsupervised.record import has_collapsed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STAGE = "pre-training"


def facts(run: ReportRun) -> list[tuple[str, str]]:
    """(what, in words): method, images, network and training, as far as they are recorded."""
    content = run.content
    config = (content.get("provenance") or {}).get("config") or {}
    images = (content.get("images") or {}).get("train")
    named = [
        ("method", str(content["method"])),
        ("images", _images(run, images)),
        ("made of them", _made(content.get("made") or {})),
        ("views", _views(config, made=bool(content.get("made")))),
        ("backbone", _backbone(content.get("backbone"), config.get("weights"))),
        ("epochs", _epochs(run, config.get("epochs"))),
        ("batch", _told("{} images, two views of each", config.get("batch_size"))),
        ("rate", _told("{:g} at the first step", config.get("lr"))),
        ("at the end", _ending(content.get("last_epoch"))),
        ("seed", str(content["seed"])),
    ]
    return [(name, words) for name, words in named if words]


def _told(words: str, value: Any) -> str:
    return "" if value is None else words.format(value)


def _images(run: ReportRun, count: Any) -> str:
    """Of a table's run the images of its record are those of the probe."""
    if count is None or not run.is_pretraining:
        return str(run.content["dataset"])
    return f"{count:,} of {run.content['dataset']}, without labels"


def _made(made: dict[str, Any]) -> str:
    if made.get("made") is None:
        return ""
    counts = ", ".join(f"{made.get(name) or 0:,} {name}" for name in ("kept", "dropped", "failed"))
    return f"{made['made']:,} pictures; edits: {counts}"


def _views(config: dict[str, Any], *, made: bool) -> str:
    shown = str(config.get("views") or "") if made else "both of the original"
    sizes = config.get("image_size"), config.get("picture_size")
    if None in sizes:
        return shown
    return f"{shown}; {sizes[0]} px, cut from pictures of {sizes[1]} px"


def _backbone(name: Any, weights: Any) -> str:
    if not name:
        return ""
    began = "random weights" if weights in (None, "none") else f"weights {weights}"
    return f"{name}, begun with {began}"


def _epochs(run: ReportRun, wanted: Any) -> str:
    done = run.metrics[-1]["epoch"] if run.metrics else 0
    if run.done or wanted is None:
        steps = (run.content.get("timing") or {}).get("steps")
        return f"{wanted or done}{_told(' ({:,} steps)', steps)}"
    return f"{done} of {wanted}"


def _ending(last: dict[str, Any] | None) -> str:
    if not last:
        return ""
    return (
        f"loss {last['loss']:.4f}, spread of the projections {last['feature_std']:.4f} "
        f"(collapsed 0, even {last['even_std']:.4f})"
    )


def collapse_note(run: ReportRun) -> str:
    """A sentence where the projections have become one; "" otherwise."""
    last = run.content.get("last_epoch")
    if not last or not has_collapsed(last):
        return ""
    return (
        f"The projections have collapsed: their spread is {last['feature_std']:.4f}, evenly spread "
        f"it were {last['even_std']:.4f}; the backbone has hardly learned to tell images apart."
    )


def charts(run: ReportRun) -> list[Chart]:
    """Loss, spread and learning rate over the epochs; none before the first has finished."""
    if not run.metrics:
        return []
    first, last = run.metrics[0], run.metrics[-1]
    even = (run.content.get("last_epoch") or {}).get("even_std")
    beside = "" if even is None else f"; evenly spread it were {even:.4f}"
    return [
        Chart(
            f"{run.key}-loss",
            "Loss of pre-training",
            f"Mean loss of each epoch: from {first['loss']:.4f} in the first to "
            f"{last['loss']:.4f} in the last.",
            lambda figure: _draw_loss(figure, run),
        ),
        Chart(
            f"{run.key}-spread",
            "Spread of the projections (0: collapsed)",
            f"Standard deviation of unit projections over a batch: from {first['feature_std']:.4f} "
            f"in the first epoch to {last['feature_std']:.4f} in the last{beside}.",
            lambda figure: _draw_spread(figure, run, even),
        ),
        rate_chart(run, [(_STAGE, run.metrics)], "Learning rate"),
    ]


def _curve(figure: Figure, run: ReportRun, name: str, label: str) -> Any:
    axes = figure.subplots()
    axes.plot(
        [row["epoch"] for row in run.metrics],
        [row[name] for row in run.metrics],
        marker=MARKERS[0],
        markersize=3,
        color=COLOURS[0],
        label=label,
    )
    return axes


def _draw_loss(figure: Figure, run: ReportRun) -> None:
    axes = _curve(figure, run, "loss", "loss")
    axes.set(xlabel="epoch", ylabel="mean loss", ylim=from_zero(axes))
    legend_below(figure)


def _draw_spread(figure: Figure, run: ReportRun, even: float | None) -> None:
    axes = _curve(figure, run, "feature_std", "projections")
    if even is not None:
        axes.axhline(even, color=GREY, linestyle="--", label="evenly spread")
    low, high = from_zero(axes)
    # The line of an even spread is no data to the axes.
    axes.set(xlabel="epoch", ylabel="spread", ylim=(low, max(high, 1.06 * (even or 0.0))))
    legend_below(figure)
