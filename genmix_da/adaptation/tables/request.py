"""From what was typed to a table's request, every mistake named before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genmix_da.adaptation.config import RECORDED, build_config
from genmix_da.adaptation.tables.pairs import parse_pairs, parse_settings, parse_splits
from genmix_da.adaptation.tables.plan import Request
from genmix_da.data.domains import find_domains
from genmix_da.data.root import data_root, refuse_inside
from genmix_da.errors import UserError
from genmix_da.methods import GRAPH, find_method
from genmix_da.places import user_path
from genmix_da.tables.request import check_edit_shards, parse_seeds, run_options

_DECIDED = {
    "augment": ("--augment", "--methods"),
    "seed": ("--seed", "--seeds"),
    "method": ("--method", "--methods"),
    "src": ("--src", "--pairs"),
    "tgt": ("--tgt", "--pairs"),
}


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
    values = run_options(options, RECORDED, _DECIDED)
    own = values.pop("method_options", None) or {}
    settings = parse_settings(str(values.pop("setting", "opda")))
    splits = parse_splits(values.pop("split", None), settings)
    chosen = tuple(part.strip() for part in methods.split(",") if part.strip())
    if not chosen:
        raise UserError("--methods is empty.")
    for name in chosen:
        find_method(name.removesuffix(GRAPH))
        if name.endswith(GRAPH) and values.get("graph") is False:
            raise UserError(f"--methods names {name} and --no-graph forbids it; leave one out.")
    _check_options(own, chosen)
    check_edit_shards(edit_shards)
    if len(set(chosen)) < len(chosen):
        raise UserError("--methods names a method twice.")
    probe = build_config({**values, "src": "source", "tgt": "target"})
    root = data_root(probe.data, probe.profile)
    domains = sorted(find_domains(root))
    folder = Path("runs") / f"table-{root.resolve().name}" if out is None else user_path(out)
    refuse_inside(folder, str(root))
    return Request(
        options={**values, "data": str(root)},
        pairs=tuple(parse_pairs(pairs, domains)),
        settings=tuple(settings),
        methods=chosen,
        seeds=tuple(parse_seeds(seeds)),
        splits=splits,
        root=folder,
        edit_shards=edit_shards,
        method_options=own,
    )


def _check_options(given: Mapping[str, Any], methods: Sequence[str]) -> None:
    """Every option is one of a method of the table; those that have it take it."""
    for name, value in given.items():
        chosen = [find_method(method.removesuffix(GRAPH)) for method in methods]
        having = [one for one in chosen if one.joint and name in one.joint.options[""]]
        if not having:
            raise UserError(f"--method-arg {name}: no method of --methods takes it.")
        having[0].options_for("", {name: value})
