"""Prompt sets: the published ones to the letter, files of the user's, and what is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import genmix_da
from genmix_da.augment import prompts as module
from genmix_da.augment.prompts import Style, load_prompts, parse_prompts, prompt_warnings
from genmix_da.errors import UserError

DOMAIN = (
    *("graffiti", "retro comic", "chalk drawing"),
    *("watercolor painting", "digital art", "cartoon style"),
)
CLASSIFICATION = (
    *("autumn", "snowy", "sunset", "watercolor art", "rainbow", "aurora", "mosaic"),
    *("ukiyo-e", "a sketch with crayon"),
)
REPOSITORY = Path(genmix_da.__file__).parents[1]


@pytest.mark.parametrize(
    ("name", "phrases"), [("domain", DOMAIN), ("classification", CLASSIFICATION)]
)
def test_published_sets_are_exact(name: str, phrases: tuple[str, ...]) -> None:
    prompts = load_prompts(name)
    assert prompts.name == name
    assert tuple(style.phrase for style in prompts.styles) == phrases
    for style in prompts.styles:
        assert style.text == f"A transformed version of image into {style.phrase}"
        assert (style.negative, style.guidance, style.image_guidance) == ("", None, None)


@pytest.mark.parametrize("name", ["domain", "classification"])
def test_published_sets_come_with_an_installed_package(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In a wheel the folder lies inside the package and there is no repository around it.
    shutil.copytree(REPOSITORY / "prompts", tmp_path / "site" / "genmix_da" / "prompts")
    before = load_prompts(name)
    monkeypatch.setattr(module, "files", lambda package: tmp_path / "site" / package)
    monkeypatch.setattr(module, "__file__", str(tmp_path / "elsewhere" / "a" / "b" / "c.py"))
    assert load_prompts(name) == before


def test_wheel_carries_the_prompts_into_the_package() -> None:
    import tomllib

    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["force-include"]["prompts"] == "genmix_da/prompts"


def test_phrases_on_the_command_line() -> None:
    prompts = load_prompts(" a wash ; Neon Glow;mosaic; ")
    assert [style.phrase for style in prompts.styles] == ["a wash", "Neon Glow", "mosaic"]
    assert [style.name for style in prompts.styles] == ["a-wash", "neon-glow", "mosaic"]
    assert prompts.styles[1].text == "A transformed version of image into Neon Glow"


FILE = """
name: mine
note: of a test
template: "Turn it into {style}, keep {objects}"
styles:
  - oil painting
  - name: Night
    phrase: night
    negative: blur
    guidance: 4
    image_guidance: 1.5
    note: dark
"""


def test_yaml_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.yml"
    file.write_text(FILE)
    prompts = load_prompts(str(file))
    assert prompts.name == "mine"
    assert prompts.styles == (
        Style("oil-painting", "oil painting", "Turn it into oil painting, keep {objects}"),
        Style("night", "night", "Turn it into night, keep {objects}", "blur", 4.0, 1.5),
    )


def test_empty_values_of_a_file_are_not_taken_for_text() -> None:
    style = parse_prompts({"styles": [{"phrase": "ink", "negative": None, "name": None}]}, "F")
    assert style.styles == (Style("ink", "ink", "A transformed version of image into ink"),)


def test_what_decides_an_edit_is_in_the_key() -> None:
    def key(**changed: object) -> str:
        item = {"phrase": "ink", "name": "x", "note": "n"} | changed
        return str(parse_prompts({"styles": [item]}, "F").styles[0].key())

    assert key() == key(name="y") == key(note="other")
    different = [key(phrase="oil"), key(negative="blur"), key(guidance=3), key(image_guidance=3)]
    assert len({key(), *different}) == 5


def styles(**item: object) -> dict[str, object]:
    return {"styles": [item]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"styles": ["ink"], "templat": "x"}, "did you mean 'template'"),
        (styles(phrase="ink", negativ="x"), "did you mean 'negative'"),
        (styles(phrase="ink", zzz=1), "Known: guidance, image_guidance, name"),
        (styles(name="x"), "needs a phrase"),
        (styles(phrase="  "), "needs a phrase"),
        (styles(phrase=None), "needs a phrase"),
        ({"styles": [3]}, "needs a phrase"),
        (styles(phrase="ink", name="!?"), "needs a name of letters"),
        ({"styles": ["ink", "Ink"]}, "the style 'ink' twice"),
        (styles(phrase="ink", guidance="much"), "guidance of style 'ink' in F must be a number"),
        (styles(phrase="ink", guidance=True), "must be a number"),
        (styles(phrase="ink", image_guidance=float("nan")), "image_guidance"),
        ({"styles": []}, "names no style"),
        ({"styles": "ink"}, "a list named styles"),
        (["ink"], "a list named styles"),
        (None, "a list named styles"),
        ({"styles": ["ink"], "template": "no place"}, "{style} once"),
        ({"styles": ["ink"], "template": "{style} and {style}"}, "{style} once"),
    ],
)
def test_refused_content(content: object, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_prompts(content, "F")
    assert said in str(caught.value)


@pytest.mark.parametrize("content", [b"styles: [", b"\xff\xfe\x00styles", None])
def test_unreadable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "mine.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=r"cannot read the prompt file .*mine.yaml"):
        load_prompts(str(file))


@pytest.mark.parametrize("given", ["", " ; "])
def test_no_phrase_at_all(given: str) -> None:
    with pytest.raises(UserError, match="--prompts names no style"):
        load_prompts(given)


@pytest.mark.parametrize("name", ["domain", "classification"])
def test_published_prompts_raise_no_warning(name: str) -> None:
    assert prompt_warnings(load_prompts(name)) == []


@pytest.mark.parametrize(
    ("phrase", "said"),
    [
        ("a very old and faded oil painting", "7 words"),
        ("a dog beside a tree", "'beside, dog, tree'"),
        ("snowy background", "'background'"),
    ],
)
def test_prompts_that_change_the_object_raise_a_warning(phrase: str, said: str) -> None:
    (warning,) = prompt_warnings(load_prompts(phrase))
    assert said in warning


def test_list_shows_both_sets(run: Callable) -> None:
    said = run("prompts", "list").out
    for phrase in (*DOMAIN, *CLASSIFICATION):
        assert f"A transformed version of image into {phrase}\n" in said


def test_check_warns_and_refuses(run: Callable, complaint: Callable, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("styles: [mosaic, a man holding a cup]")
    said = run("prompts", "check", file)
    assert said.code == 0
    assert [line for line in said.out.splitlines() if line.startswith("warning: ")] == [
        "warning: a-man-holding-a-cup: 'holding, man' describes objects or places; name a look"
    ]
    file.write_text("styles: [mosaic]\nnames: x")
    assert "did you mean 'name'" in complaint(run("prompts", "check", file))


@pytest.mark.parametrize("named", ["domian", "my/styles", "styles.txt"])
def test_what_looks_like_a_name_is_no_phrase(named: str) -> None:
    with pytest.raises(UserError, match="no prompts"):
        load_prompts(named)
