"""From what was typed to the request of a table of pre-trainings, every mistake named first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genmix_da.classify.tables.request import parse_data
from genmix_da.data.root import refuse_inside
from genmix_da.errors import UserError, check_name
from genmix_da.places import user_path
from genmix_da.selfsupervised.config import (
    AUGMENTS,
    METHODS,
    MOCO,
    MOCO_ALONE,
    RECORDED,
    build_ssl_config,
)
from genmix_da.selfsupervised.tables.plan import ProbeRequest
from genmix_da.tables.request import listed, parse_seeds, run_options

# Settings that the table decides itself -> their option of `ssl train`, what to use instead.
_DECIDED = {
    "method": ("--method", "--methods"),
    "augment": ("--augment", "--augments"),
    "seed": ("--seed", "--seeds"),
}
# What a probe takes beside the settings of the pre-training, and what both take.
_PROBED = ("test_data", "shots", "test_limit", "test_fraction", "split_seed")
_BOTH = ("root", "download", "grey_range", "dataset")


def build_probe_request(
    options: Mapping[str, Any], *, methods: str, augments: str, seeds: str, out: str | None
) -> ProbeRequest:
    """Read the options of `genmix-da ssl table`.

    Args:
        options: of `ssl train` and `ssl probe`; None where not given. "data" may name several.
        methods, augments, seeds: with commas between.
        out: folder; None: runs/ssl-<name of the first data set>.

    Raises:
        UserError: a list that cannot be read, an option that the table decides itself, no data.
    """
    given = {key: value for key, value in options.items() if value is not None}
    split = {name: given.pop(name) for name in _PROBED if name in given}
    values = run_options(given, RECORDED, _DECIDED)
    split |= {name: values[name] for name in _BOTH if name in values}
    data = parse_data(values.pop("data", None))
    for name in ("test_data", "dataset"):
        if len(data) > 1 and split.get(name) is not None:
            option = name.replace("_", "-")
            raise UserError(f"--{option} fits one data set; --data names {len(data)}.")
    rows = _names(methods, "--methods", METHODS), _names(augments, "--augments", AUGMENTS)
    if MOCO not in rows[0] and any(values.get(name) is not None for name in MOCO_ALONE):
        build_ssl_config({**values, "data": data[0], "method": rows[0][0]})  # which says so
    build_ssl_config({**values, "data": data[0], "method": MOCO})  # names what is wrong
    numbers = tuple(parse_seeds(seeds))
    usual = f"ssl-{Path(data[0]).resolve().name}"
    folder = Path("runs") / usual if out is None else user_path(out)
    for name in data:
        refuse_inside(folder, name)
    return ProbeRequest(
        options=values,
        data=data,
        methods=rows[0],
        augments=rows[1],
        split=split,
        seeds=numbers,
        root=folder,
    )


def _names(text: str, option: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Names in the order given.

    Raises:
        UserError: none, an unknown one (the nearest is suggested), or one that stands twice.
    """
    names = tuple(listed(text, option))
    for name in names:
        check_name(option.removeprefix("--").removesuffix("s"), name, known)
    if len(set(names)) < len(names):
        raise UserError(f"{option} names one twice.")
    return names
