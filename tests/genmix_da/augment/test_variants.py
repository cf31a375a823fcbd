"""Variants by name: what each part sets, what is refused, what lies below what."""

from __future__ import annotations

from typing import Any

import pytest

from genmix_da.augment.diffusion.options import FAST, SCHEDULERS, EditorOptions
from genmix_da.augment.diffusion.variants import merge_options, parse_variant
from genmix_da.augment.settings import AugmentSettings
from genmix_da.errors import UserError


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("exact", {}),
        ("dpm++20", {"scheduler": "dpm++", "steps": 20}),
        ("euler-a50", {"scheduler": "euler-a", "steps": 50}),
        ("euler50", {"scheduler": "euler", "steps": 50}),
        ("lcm4", {"scheduler": "lcm", "steps": 4}),
        ("ddim", {"scheduler": "ddim"}),
        ("20", {"steps": 20}),
        ("20steps", {"steps": 20}),
        ("1step", {"steps": 1}),
        ("256px", {"size": 256}),
        ("reuse3", {"reuse": 3}),
        ("fp16", {"precision": "fp16"}),
        ("exact/bf16", {"precision": "bf16"}),
        ("channels-last/compile", {"channels_last": True, "compile": True}),
        ("plain", {"attention": "plain"}),
        ("g7.5/ig1", {"guidance": 7.5, "image_guidance": 1.0}),
        ("tiny-vae=folder", {"tiny_vae": "folder"}),
        ("20/tiny-vae=owner/name", {"steps": 20, "tiny_vae": "owner/name"}),
        ("tiny-vae=/models/fast/20", {"tiny_vae": "/models/fast/20"}),
        (
            "unipc20/256px/fp32",
            {"scheduler": "unipc", "steps": 20, "size": 256} | {"precision": "fp32"},
        ),
    ],
)
def test_every_part_sets_its_option(text: str, values: dict[str, Any]) -> None:
    assert parse_variant(text) == EditorOptions(**values)


def test_every_scheduler_is_known() -> None:
    for name in SCHEDULERS:
        assert parse_variant(f"{name}7") == EditorOptions(scheduler=name, steps=7)


def test_fast_is_the_option_and_can_be_added_to() -> None:
    assert parse_variant("fast") == EditorOptions(fast=True)
    assert parse_variant("fast").given() == dict(FAST)
    assert parse_variant("fast/bf16").given() == {**FAST, "precision": "bf16"}
    assert parse_variant("fast/30").given() == {**FAST, "steps": 30}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dpm20", "did you mean 'dpm++20'?"),
        ("fsat", "did you mean 'fast'?"),
        ("resue3", "did you mean 'reuse3'?"),
        ("256p", "did you mean '256px'?"),
        ("tiny-vae", "did you mean 'tiny-vae=MODEL'?"),
        ("fast/nonsense", "no part 'nonsense' of a variant, in 'fast/nonsense'; there are: exact,"),
        ("fast//bf16", "no part ''"),
        ("fast/", "no part ''"),
        ("", "no part ''"),
        ("20.5", "no part '20.5'"),
        ("-3", "no part '-3'"),
        ("٣", "no part"),
        ("reuse", "did you mean 'reuse3'?"),
        ("tiny-vae=", "names no model"),
        ("dpm++20/30", "its steps twice"),
        ("fp16/bf16", "its precision twice"),
        ("fast/fast", "its fast twice"),
        ("exact/fast", "both exact and fast"),
        ("dpm++0", "'dpm++0' cannot be made: --steps is 0"),
        ("100px", "--size is 100; it must be a multiple of 8"),
        ("g0.5", "--guidance is 0.5"),
    ],
)
def test_what_is_not_a_variant_is_refused(text: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_variant(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_for_all_lie_below_a_variants_own() -> None:
    base = EditorOptions(steps=10, size=64, allow_pickle=True, yes=True)
    assert merge_options(base, parse_variant("exact")) == base
    own = merge_options(base, parse_variant("dpm++20"))
    assert own.given() == {"steps": 20, "size": 64, "scheduler": "dpm++"}
    assert own.allow_pickle and own.yes


def test_options_for_all_lie_above_what_fast_brings() -> None:
    merged = merge_options(EditorOptions(steps=10), parse_variant("fast"))
    assert merged.given() == {**FAST, "steps": 10}
    assert merge_options(EditorOptions(fast=True), parse_variant("20")).fast


@pytest.mark.parametrize(
    ("options", "side"),
    [
        ({}, None),
        ({"edit_size": 256}, 256),
        ({"edit_size": 40}, 64),
        ({"edit_size": 300}, 320),
        ({"edit_size": 512, "fast": True}, 256),
        ({"edit_size": 128, "fast": True}, 128),
        ({"edit_size": 512, "size": 128}, 128),
        ({"edit_size": 512, "size": 384, "fast": True}, 384),
        ({"fast": True}, 256),
    ],
)
def test_diffusion_works_at_the_size_of_the_edits(
    options: dict[str, Any], side: int | None
) -> None:
    chosen = EditorOptions(**options)
    assert chosen.for_diffusion().get("size") == side
    assert "edit_size" not in {*chosen.given(), *chosen.for_diffusion()}


def test_the_size_of_edits_is_handed_on_where_it_is_not_the_default() -> None:
    assert AugmentSettings().options().edit_size is None
    assert AugmentSettings(size=256).options() == EditorOptions(edit_size=256)
