"""From what was typed to the request of a table of classifications, every mistake named first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genmix_da.classify.config import RECORDED, build_classify_config
from genmix_da.classify.tables.plan import ClassifyRequest
from genmix_da.classify.tables.variants import parse_variants
from genmix_da.data.root import refuse_inside
from genmix_da.errors import UserError
from genmix_da.places import user_path
from genmix_da.tables.request import check_edit_shards, parse_seeds, run_options

DEFAULT_METHODS = "none,mixup,cutmix,genmix"
# Settings that the table decides itself -> their option of `classify train`, what to use instead.
_DECIDED = {
    "augment": ("--augment", "--methods"),
    "augment_options": ("--augment-option", "--methods NAME:key=value"),
    "seed": ("--seed", "--seeds"),
}


def build_classify_request(
    options: Mapping[str, Any],
    *,
    methods: str | None,
    ablation: str | None,
    seeds: str,
    out: str | None,
    edit_shards: int | None = None,
) -> ClassifyRequest:
    """Read the options of `genmix-da classify table`.

    Args:
        options: of `classify train`; None where not given. "data" may name several.
        methods, ablation: see `parse_variants`; DEFAULT_METHODS where neither is given.
        seeds: with commas between.
        out: folder; None: runs/classify-<name of the first data set>.
        edit_shards: jobs that share the edits of a data set.

    Raises:
        UserError: a list that cannot be read, an option that the table decides itself, no data.
    """
    values = run_options(options, RECORDED, _DECIDED)
    data = parse_data(values.pop("data", None))
    for name in ("test_data", "dataset"):
        if len(data) > 1 and values.get(name) is not None:
            option = name.replace("_", "-")
            raise UserError(f"--{option} fits one data set; --data names {len(data)}.")
    check_edit_shards(edit_shards)
    if methods is None and ablation is None:
        methods = DEFAULT_METHODS
    variants = parse_variants(methods, ablation)
    numbers = tuple(parse_seeds(seeds))
    build_classify_config({**values, "data": data[0], "augment": "none"})  # names what is wrong
    usual = f"classify-{Path(data[0]).resolve().name}"
    folder = Path("runs") / usual if out is None else user_path(out)
    for name in data:
        refuse_inside(folder, name)
    return ClassifyRequest(
        options={**values, "augment": "none"},
        data=data,
        variants=variants,
        seeds=numbers,
        root=folder,
        edit_shards=edit_shards,
    )


def parse_data(text: str | None) -> tuple[str, ...]:
    """Folders or names of data sets, in the order given.

    Args:
        text: with commas between; a folder that has a comma in its name may be given alone.

    Raises:
        UserError: none, or one that is named twice.
    """
    if text is not None and text.strip() and Path(text).is_dir():  # Path("") is the current folder
        return (text,)
    parts = tuple(part.strip() for part in (text or "").split(",") if part.strip())
    if not parts:
        raise UserError("no data; give --data DIR,DIR or names of torchvision data sets.")
    twice = next((part for part in parts if parts.count(part) > 1), None)
    if twice is not None:
        raise UserError(f"--data names {twice} twice.")
    return parts
