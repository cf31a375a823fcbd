"""Rows as they are typed, and the ablations they expand to."""

from __future__ import annotations

from itertools import pairwise

import pytest

from genmix_da.augment.masks import MASK_KINDS
from genmix_da.classify.config import ClassifyConfig
from genmix_da.classify.published import printed_results
from genmix_da.classify.tables.variants import ABLATIONS, Variant, parse_variants
from genmix_da.errors import UserError


def test_settings_go_where_they_belong() -> None:
    found = parse_variants(
        "none, mixup:alpha=0.4 ,genmix:masks=vertical+patchswap;lambda=0.1,"
        "genmix:augment_mode=online;seam_width=5"
    )
    assert found == (
        Variant("none"),
        Variant("mixup", ":alpha=0.4", {}, {"alpha": 0.4}),
        Variant(
            "genmix",
            ":masks=vertical+patchswap;lambda=0.1",
            {"masks": ["vertical", "patchswap"], "fractal_lambda": 0.1},
        ),
        Variant("genmix", ":augment_mode=online;seam_width=5", {"seam_width": 5}, {}, "online"),
    )


def test_a_row_changes_the_common_settings() -> None:
    common = ClassifyConfig(data="x", augment="none", genmix={"per_image": 3, "seam_width": 7.0})
    (variant,) = parse_variants("genmix:seam_width=5;augment_mode=online")
    changes = variant.changes(common)
    assert changes["genmix"] == {"per_image": 3, "seam_width": 5}
    assert (changes["augment"], changes["augment_mode"]) == ("genmix", "online")
    assert parse_variants("genmix")[0].changes(common)["augment_mode"] == "offline"


def test_rows_are_printed_as_typed() -> None:
    plain, changed = parse_variants("genmix,genmix:editor=original;masks=none")
    assert plain.row("genmix[filters]") == "genmix[filters]"
    assert changed.row("genmix[original]") == "genmix[original]:masks=none"
    assert changed.text == "genmix:editor=original;masks=none"


def test_of_files_the_last_names_are_printed(style_files: dict[str, str]) -> None:
    (variant,) = parse_variants("stylemix:" + ";".join(f"{k}={v}" for k, v in style_files.items()))
    assert variant.options == style_files
    assert variant.row("stylemix") == ("stylemix:encoder=vgg_normalised.pth;decoder=decoder.pth")


def test_masks_in_the_order_of_the_paper() -> None:
    rows = parse_variants(None, "masks")
    printed = [item.method for item in printed_results() if item.table == "mask ablation"]
    assert len(rows) == len(printed) == 5
    assert rows[0].name == "none"
    sets = [set(row.genmix["masks"]) for row in rows[1:]]
    assert sets[0] == {"vertical"}
    assert all(small < large for small, large in pairwise(sets))
    assert sets[-1] == set(MASK_KINDS)
    for words, found in zip(printed[1:], sets, strict=True):
        assert ("horizontal" in words) == ("horizontal" in found)
        assert ("flipped" in words) == ("vertical-flipped" in found)
        assert ("patchswap" in words) == ("patchswap" in found)


@pytest.mark.parametrize("name", list(ABLATIONS))
def test_every_ablation_can_be_read_and_has_a_baseline(name: str) -> None:
    rows = parse_variants(None, name)
    assert [row.text for row in rows] == list(ABLATIONS[name])
    assert rows[0] == Variant("none")


def test_sweeps() -> None:
    lambdas = [row.genmix["fractal_lambda"] for row in parse_variants(None, "lambda")[1:]]
    assert lambdas == [0, 0.1, 0.2, 0.3, 0.4]
    widths = [row.genmix["seam_width"] for row in parse_variants(None, "seam-width")[1:]]
    assert widths == [0, 10, 20, 40]


def test_components_are_all_combinations_there_can_be() -> None:
    seen = set()
    for row in parse_variants(None, "components")[1:]:
        edit = row.genmix.get("editor") != "original"
        join = row.genmix.get("masks") != []
        fractal = row.genmix.get("fractal_lambda") != 0
        seen.add((edit, join, fractal))
    # Joining an image with itself is nothing, so that it takes an edit.
    assert seen == {(0, 0, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)}


def test_methods_and_ablations_are_joined() -> None:
    rows = parse_variants("mixup,none", "masks,seam-width")
    assert [row.text for row in rows][:3] == ["mixup", "none", "genmix:masks=vertical"]
    assert len(rows) == 2 + 4 + 4


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("mixpu", "did you mean 'mixup'"),
        ("genmix:mask=vertical", "did you mean 'masks'"),
        ("genmix:masks=vertcal", "no mask 'vertcal'"),
        ("genmix:lambda=2", "must be in"),
        ("genmix:masks", "KEY=VALUE"),
        ("genmix:masks=", "KEY=VALUE"),
        ("genmix:augment_mode=sometimes", "offline, online"),
        ("diffusemix:seam_width=3", "diffusemix fixes seam_width"),
        ("mixup:alhpa=1", "did you mean 'alpha'"),
        ("mixup:alpha=x", "alpha cannot be 'x'"),
        ("none,none", "twice"),
        (",", "empty"),
    ],
)
def test_mistakes_are_named(typed: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_variants(typed)
    assert hint in str(caught.value)


def test_an_unknown_ablation_suggests() -> None:
    with pytest.raises(UserError, match="did you mean 'masks'"):
        parse_variants(None, "mask")
