"""Which engine a name means."""

from __future__ import annotations

import subprocess
import sys

import pytest

from genmix_da.engines.choose import parse_engine
from genmix_da.errors import UserError


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("locl", "did you mean local?"),
        ("worker:4", "did you mean workers:4?"),
        ("workers", "did you mean workers:2?"),
        ("workers=3", "did you mean workers:3?"),
        ("4", "did you mean workers:4?"),
        ("workers:0", "N from 1"),
        ("workers:-1", "N from 1"),
        ("ray:2", "did you mean ray?"),
        ("slurm", "choose local, workers:N"),
        ("", "choose local, workers:N"),
    ],
)
def test_unknown_engines_are_refused_with_a_suggestion(text: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_engine(text)
    assert hint in str(caught.value)


def test_names_and_options() -> None:
    assert [parse_engine(name).name for name in ("local", "workers:3", "Ray")] == [
        *("local", "workers:3", "ray")
    ]
    for text, options in [
        ("local", {"gpus_per_job": 1.0}),
        ("workers:2", {"address": "head:6379"}),
        ("workers:2", {"gpus_per_job": 1.5}),
        ("ray", {"gpus_per_job": -1.0}),
        *(("ray", {"gpus_per_job": value}) for value in (float("inf"), -float("inf"))),
        ("ray", {"gpus_per_job": float("nan")}),
    ]:
        with pytest.raises(UserError, match=r"--gpus-per-job|--ray-address"):
            parse_engine(text, **options)  # type: ignore[arg-type]


def test_choosing_an_engine_imports_neither_torch_nor_ray() -> None:
    code = (
        "import sys; from genmix_da.engines.choose import parse_engine; "
        "parse_engine('workers:2'); parse_engine('ray'); "
        "sys.exit(bool({'torch', 'ray', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
