"""Adapt from Python: python examples/adapt_from_python.py DATA SOURCE TARGET [PHOTOS]

DATA holds <Domain>/<class>/<image>. Labels of the target score alone; without them there are
predictions and no scores. PHOTOS, a folder, is classified in the end. With the defaults minutes on
a GPU and hours on a CPU; main(..., freeze_backbone=True, image_size=96) takes minutes there.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import genmix_da


def shown(scores: dict[str, Any]) -> str:
    """The H-score; where the target has no unknown class there is none, and accuracy says it."""
    if scores["h_score"] is None:
        return f"accuracy {100 * scores['known_accuracy']:.1f}"
    return f"H-score {100 * scores['h_score']:.1f}, AUROC {100 * scores['auroc']:.1f}"


def main(data: str, source: str, target: str, photos: str | None = None, **options: Any) -> Any:
    """Adapt, say what it brought, and use the model."""
    result = genmix_da.adapt(
        src=source, tgt=target, data=data, setting="opda", augment="none", **options
    )
    for name in ("last", "selected", "oracle"):
        block = result["scores"][name]
        if block is not None:
            print(f"{name:9} {shown(block)}")
    if result["source_only"]:
        print(f"before    {shown(result['source_only'])}")
    print(f"report    {genmix_da.report([result.folder], result.folder / 'report.html')}")
    if photos is not None:
        model = genmix_da.load_model(result.folder)
        found = model.predict(photos)
        for path, name, unsure in zip(
            found.paths or (), found.predicted, found.uncertainty, strict=True
        ):
            print(f"{path}: {name} ({unsure:.2f})")
    return result


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(*sys.argv[1:5])
