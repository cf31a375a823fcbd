"""How well faithful selection tells real edits from wrong ones: drop rates, and curves over k.

    python scripts/measure_faithful.py SRC --backbone timm:mobilenetv1_100 --weights FILE \
        [--backbone-arg pad_type=same] [--images 200] --plot docs/results/faithful.png

Real edits: the editor's. Wrong edits: another image's edit, noise, black, heavy blur of the edit.
Two rules: the paper's threshold over all pairs of originals, and same-class.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import yaml
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from genmix_da.augment.editors import make_editor
from genmix_da.augment.edits import load_working_image
from genmix_da.augment.encoders import resolve_encoder
from genmix_da.augment.faithful import PairStatistics, Statistics, cosine
from genmix_da.augment.prompts import load_prompts
from genmix_da.data.domains import folder_domain
from lead.seeds import derive

Pixels = NDArray[np.uint8]
KINDS = ("real edit", "another image's edit", "heavy blur", "noise", "black")


def similarities(
    arguments: argparse.Namespace,
) -> tuple[dict[str, NDArray[np.float64]], dict[str, Statistics]]:
    """Cosine of every kind of edit with its original, and the statistics of both rules."""
    options = dict(item.split("=", 1) for item in arguments.backbone_arg)
    encoder = resolve_encoder(
        arguments.features,
        backbone=arguments.backbone,
        weights=arguments.weights,
        arguments={key: yaml.safe_load(value) for key, value in options.items()},
        image_size=arguments.image_size,
        device="auto",
    )
    assert encoder is not None
    domain = folder_domain(arguments.src)
    labels = domain.labels or ("",) * len(domain.images)
    draw = np.random.default_rng(0)
    chosen = sorted(draw.permutation(len(domain.images))[: arguments.images])
    styles, editor = load_prompts(arguments.prompts).styles, make_editor("auto")
    pairs = {"all-pairs": PairStatistics(), "same-class": PairStatistics()}
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    # Edits of images of other classes, one from each class seen so far.
    other_edits: dict[str, Pixels] = {}
    label = None
    for number, index in enumerate(chosen):
        original = load_working_image(domain.images[index], arguments.size)
        style = styles[number % len(styles)]
        seed = derive(0, "power", int(index))
        edit = np.asarray(editor.edit([original], [style], [seed])[0])
        height, width = original.shape[:2]
        wrong = {
            "heavy blur": cv2.GaussianBlur(edit, (0, 0), max(height, width) / 12),
            "noise": draw.integers(0, 256, original.shape, dtype=np.uint8),
            "black": np.zeros_like(original),
        }
        others = [other for name, other in other_edits.items() if name != labels[index]]
        if others:
            other = others[int(draw.integers(len(others)))]
            wrong["another image's edit"] = cv2.resize(other, (width, height))
        other_edits[labels[index]] = edit
        features = encoder.encode([original, edit, *wrong.values()])
        if label is not None and label != labels[index]:
            pairs["same-class"].next_group()
        label = labels[index]
        for statistics in pairs.values():
            statistics.add(features[:1])
        for kind, feature in zip(("real edit", *wrong), features[1:], strict=True):
            found[kind].append(cosine(features[0], feature))
    values = {kind: np.array(cosines) for kind, cosines in found.items()}
    return values, {rule: statistics.result() for rule, statistics in pairs.items()}


def draw_curves(
    path: Path, values: dict[str, NDArray[np.float64]], statistics: dict[str, Statistics]
) -> None:
    """Share of edits dropped against k, one panel a rule."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(statistics), sharey=True)
    sigmas = np.linspace(-3, 4, 141)
    colours = ("#228833", "#4477aa", "#ee6677", "#ccbb44", "#000000")
    for panel, (rule, pairs) in zip(panels, statistics.items(), strict=True):
        for colour, (kind, cosines) in zip(colours, values.items(), strict=True):
            dropped = [np.mean(cosines < pairs.threshold(k)) for k in sigmas]
            panel.plot(sigmas, dropped, color=colour, label=kind)
        panel.axvline(2, color="#888888", linestyle=":")
        panel.set(title=rule, xlabel="k in mu - k sigma")
    panels[0].set_ylabel("share dropped")
    panels[0].legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def main() -> None:
    """Measure, print a Markdown table, write the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("src", type=Path)
    parser.add_argument("--features", default="backbone")
    parser.add_argument("--backbone")
    parser.add_argument("--backbone-arg", action="append", default=[])
    parser.add_argument("--weights")
    parser.add_argument("--image-size", type=int, default=None)
    parser.add_argument("--prompts", default="domain")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    values, statistics = similarities(arguments)
    print("| rule | threshold (k = 2) | " + " | ".join(f"{kind} dropped" for kind in KINDS) + " |")
    print("| --- " * (len(KINDS) + 2) + "|")
    for rule, pairs in statistics.items():
        threshold = pairs.threshold()
        cells = [f"{100 * np.mean(values[kind] < threshold):.1f} %" for kind in KINDS]
        print(f"| {rule} | {threshold:.3f} | " + " | ".join(cells) + " |")
    means = [f"{values[kind].mean():.3f}" for kind in KINDS]
    print("| mean cosine | | " + " | ".join(means) + " |")
    if arguments.plot is not None:
        draw_curves(arguments.plot, values, statistics)


if __name__ == "__main__":
    main()
