"""Width and preprocessing of a library's backbone, kept on disk.

Where features are there, neither has the library to be imported nor the backbone to be built for
it: seconds of every start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import torch

from genmix_da.places import cache_folder
from genmix_da.sealed import read_sealed, write_sealed
from lead.backbones import build_backbone
from lead.views import Preprocessing


def outline_of(name: str, arguments: Mapping[str, Any]) -> tuple[int, Preprocessing]:
    """Feature width F and preprocessing of a backbone, without its weights.

    Args:
        name: torchvision name or `timm:NAME`.
        arguments: of its constructor.

    Raises:
        UserError, WeightsError: see `lead.build_backbone`.
    """
    return _outline(name, json.dumps(dict(arguments), sort_keys=True))


@lru_cache(maxsize=16)  # a table asks for each of its runs
def _outline(name: str, arguments: str) -> tuple[int, Preprocessing]:
    made_by = " ".join(version(library) for library in ("timm", "torchvision"))
    mark = hashlib.sha256(f"{name}/{arguments}/{made_by}".encode()).hexdigest()[:32]
    path = cache_folder() / "features" / "outlines" / f"{mark}.json"
    kept = read_sealed(path, lambda _: False)
    if kept is None:
        with torch.random.fork_rng(devices=[]):
            made = build_backbone(name, weights="none", arguments=json.loads(arguments))
        outline = {"width": made.feature_dim, "preprocessing": asdict(made.preprocessing)}
        kept = json.dumps(outline).encode()
        write_sealed(path, kept)
    known = json.loads(kept)
    values: dict[str, Any] = known["preprocessing"]
    values |= {name: tuple(values[name]) for name in ("mean", "std")}
    return int(known["width"]), Preprocessing(**values)
