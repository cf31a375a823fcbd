"""Adapt from Python: python examples/adapt_from_python.py DATA SOURCE TARGET [PHOTOS]

DATA holds <Domain>/<class>/<image>. Labels of the target score alone; without them there are
predictions and no scores. PHOTOS, a folder, is classified in the end.
"""

from __future__ import annotations

import sys
from typing import Any

import genmix_da


def main(data: str, source: str, target: str, photos: str | None = None, **options: Any) -> Any:
    """Adapt, say what it brought, and use the model."""
    result = genmix_da.adapt(
        src=source, tgt=target, data=data, setting="opda", augment="none", **options
    )
    for name in ("last", "selected", "oracle"):
        block = result["scores"][name]
        if block is not None:
            print(
                f"{name:9} H-score {100 * block['h_score']:.1f}, AUROC {100 * block['auroc']:.1f}"
            )
    if result["source_only"]:
        print(f"before    H-score {100 * result['source_only']['h_score']:.1f}")
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
    main(*sys.argv[1:5])
