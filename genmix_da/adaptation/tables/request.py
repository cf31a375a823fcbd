"""From what was typed to a table's request, every mistake named before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genmix_da.adaptation.config import build_config, read_config
from genmix_da.adaptation.tables.pairs import parse_pairs, parse_seeds, parse_settings, parse_splits
from genmix_da.adaptation.tables.plan import Request
from genmix_da.adaptation.task import data_root
from genmix_da.data.domains import find_domains
from genmix_da.errors import UserError
from genmix_da.methods import GRAPH, find_method


def build_request(
    options: Mapping[str, Any],
    pairs: str,
    methods: str,
    seeds: str,
    out: str | None,
    edit_shards: int | None = None,
) -> Request:
    """Read the options of `genmix-da table`.

    Args:
        options: of `adapt`; None where not given. "setting" and "split" may name several.
        pairs, methods, seeds: comma-separated lists; pairs may be "all".
        out: folder; None: runs/table-<name of the data>.
        edit_shards: jobs that share the edits of a source.

    Raises:
        UserError: a list that cannot be read, an option that the table decides itself, no data.
    """
    given = {key: value for key, value in options.items() if value not in (None, {}, ())}
    file = given.pop("config", None)
    values = (read_config(Path(file)) if file else {}) | given
    for name, instead in (("augment", "--methods"), ("seed", "--seeds"), ("method", "--methods")):
        if values.pop(name, None) is not None and name in given:
            raise UserError(f"--{name} is decided by the table; use {instead}.")
    for name in ("src", "tgt"):
        values.pop(name, None)
    settings = parse_settings(str(values.pop("setting", "opda")))
    splits = parse_splits(values.pop("split", None), settings)
    chosen = tuple(part.strip() for part in methods.split(",") if part.strip())
    if not chosen:
        raise UserError("--methods is empty.")
    for name in chosen:
        find_method(name.removesuffix(GRAPH))
        if name.endswith(GRAPH) and values.get("graph") is False:
            raise UserError(f"--methods names {name} and --no-graph forbids it; leave one out.")
    if edit_shards is not None and edit_shards < 1:
        raise UserError(f"--edit-shards is {edit_shards}; it must be at least 1.")
    if len(set(chosen)) < len(chosen):
        raise UserError("--methods names a method twice.")
    probe = build_config({**values, "src": "source", "tgt": "target"})
    root = data_root(probe)
    domains = sorted(find_domains(root))
    folder = Path(out) if out else Path("runs") / f"table-{root.resolve().name}"
    return Request(
        {**values, "data": str(root)},
        tuple(parse_pairs(pairs, domains)),
        tuple(settings),
        chosen,
        tuple(parse_seeds(seeds)),
        splits,
        folder,
        edit_shards,
    )
