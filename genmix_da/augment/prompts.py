"""Styles: the two published sets of prompts, a file of the user's, phrases, a folder of pictures.

Filter-like prompts only: the paper shows that long, descriptive prompts change the object, and
some give black images.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from genmix_da.config_values import load_yaml
from genmix_da.data.decode import CONTENT_DIGITS
from genmix_da.data.entries import walk
from genmix_da.errors import UserError, did_you_mean
from genmix_da.places import user_path

TEMPLATE = "A transformed version of image into {style}"
PUBLISHED = {"domain": "domain_adaptation.yaml", "classification": "classification.yaml"}
PICTURES = "pictures:"  # before a folder of style pictures
_STYLE_OF = "the style of "
MAX_WORDS = 5
_SET_KEYS = {"name", "note", "template", "styles"}
_STYLE_KEYS = {"name", "phrase", "negative", "guidance", "image_guidance", "note"}
# Words that place or describe objects rather than name a look.
_DESCRIBING = frozenset(
    {"standing", "sitting", "holding", "wearing", "showing", "containing"}
    | {"background", "foreground", "beside", "behind", "near", "next", "front", "scene", "photo"}
    | {"person", "people", "man", "woman", "dog", "cat", "car", "tree", "house", "room", "table"}
)


@dataclass(frozen=True)
class Style:
    """One style of a prompt set.

    Attributes:
        name: short, for file names and tables.
        phrase: what goes into the template, e.g. "retro comic".
        text: the whole prompt.
        negative: negative prompt; empty for none.
        guidance, image_guidance: override the editor's scales; None keeps them.
        picture: that the style is taken from, by editors that go by pictures; None: there is none.
    """

    name: str
    phrase: str
    text: str
    negative: str = ""
    guidance: float | None = None
    image_guidance: float | None = None
    picture: Path | None = None

    def key(self) -> dict[str, Any]:
        """What of the style decides an edit: part of the cache key."""
        return {
            "text": self.text,
            "negative": self.negative,
            "guidance": self.guidance,
            "image_guidance": self.image_guidance,
        }


@dataclass(frozen=True)
class PromptSet:
    """A named set of styles.

    Attributes:
        name: "domain", "classification", a file's own name, or "given".
        styles: at least one, names unique.
    """

    name: str
    styles: tuple[Style, ...]

    @property
    def pictures(self) -> frozenset[str]:
        """First digits of the SHA-256 of the style pictures."""
        held = (style.text for style in self.styles if style.picture is not None)
        return frozenset(text.removeprefix(_STYLE_OF) for text in held)


def load_prompts(named: str) -> PromptSet:
    """A published set by name, a YAML file, phrases separated by semicolons, or pictures.

    Args:
        named: "domain", "classification", a path, "retro comic; chalk drawing", or "pictures:DIR".

    Raises:
        UserError: no such file, unknown keys, no style, or two styles of one name.
    """
    if named.startswith(PICTURES):
        return _pictures(user_path(named.removeprefix(PICTURES)))
    if named in PUBLISHED:
        return parse_prompts(load_yaml(_published_text(named)), PUBLISHED[named])
    path = Path(named)
    if path.suffix.lower() in (".yaml", ".yml"):
        try:
            content = load_yaml(path.read_text())
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UserError(f"cannot read the prompt file {path}: {error}") from error
        return parse_prompts(content, str(path))
    hint = did_you_mean(named, PUBLISHED, cutoff=0.75)
    if hint or "/" in named or path.suffix:
        raise UserError(
            f"no prompts {named!r}; {hint}Give {', '.join(PUBLISHED)}, a .yaml file, or phrases "
            "separated by semicolons."
        )
    phrases = [phrase.strip() for phrase in named.split(";") if phrase.strip()]
    return parse_prompts({"name": "given", "styles": [{"phrase": p} for p in phrases]}, "--prompts")


def _pictures(folder: Path) -> PromptSet:
    """Every picture below a folder as a style, once; the text holds what its content is.

    Raises:
        UserError: there is no folder, or no picture in it.
    """
    images = walk(folder).images if folder.is_dir() else []
    if not images:
        raise UserError(f"--style-images {folder} is no folder with pictures; check the path.")
    styles: dict[str, Style] = {}
    taken: Counter[str] = Counter()
    for path in images:
        mark = hashlib.sha256(path.read_bytes()).hexdigest()[:CONTENT_DIGITS]
        if mark not in styles:
            stem = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "picture"
            taken[stem] += 1
            name = stem if taken[stem] == 1 else f"{stem}-{mark}"
            styles[mark] = Style(name, path.name, f"{_STYLE_OF}{mark}", picture=path)
    return PromptSet(folder.name, tuple(styles.values()))


def _published_text(named: str) -> str:
    installed = files("genmix_da") / "prompts" / PUBLISHED[named]
    if installed.is_file():
        return installed.read_text()
    # An editable installation reads the repository's folder, which a wheel carries inside.
    return (Path(__file__).parents[2] / "prompts" / PUBLISHED[named]).read_text()


def parse_prompts(content: object, place: str) -> PromptSet:
    """Validate the content of a prompt file.

    Args:
        content: what YAML gave.
        place: named in messages.

    Raises:
        UserError: as `load_prompts`.
    """
    if not isinstance(content, dict) or not isinstance(content.get("styles"), list):
        raise UserError(f"{place} must hold a list named styles.")
    _check_keys(content, _SET_KEYS, place)
    template = str(content.get("template", TEMPLATE))
    if template.count("{style}") != 1:
        raise UserError(f"the template of {place} must hold {{style}} once: {template!r}.")
    styles = tuple(_style(item, template, place) for item in content["styles"])
    if not styles:
        raise UserError(f"{place} names no style.")
    names = [style.name for style in styles]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"{place} names the style {twice[0]!r} twice.")
    return PromptSet(str(content.get("name", Path(place).stem)), styles)


def _style(item: object, template: str, place: str) -> Style:
    if isinstance(item, str):
        item = {"phrase": item}
    if not isinstance(item, dict) or not str(item.get("phrase") or "").strip():
        raise UserError(f"every style of {place} needs a phrase, not {item!r}.")
    _check_keys(item, _STYLE_KEYS, place)
    phrase = str(item["phrase"]).strip()
    name = re.sub(r"[^a-z0-9]+", "-", str(item.get("name") or phrase).lower()).strip("-")
    if not name:
        raise UserError(f"the style {phrase!r} of {place} needs a name of letters or digits.")
    scales: dict[str, Any] = {}
    for key in ("guidance", "image_guidance"):
        value = item.get(key)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (number and math.isfinite(value)):
            raise UserError(f"{key} of style {name!r} in {place} must be a number, not {value!r}.")
        scales[key] = None if value is None else float(value)
    text = template.replace("{style}", phrase)
    return Style(name, phrase, text, str(item.get("negative") or ""), **scales)


def _check_keys(content: Mapping[Any, Any], known: set[str], place: str) -> None:
    for key in content:
        if key not in known:
            hint = did_you_mean(key, sorted(known))
            raise UserError(
                f"unknown key {key!r} in {place}; {hint}Known: {', '.join(sorted(known))}."
            )


def prompt_warnings(prompts: PromptSet) -> list[str]:
    """Sentences about styles that are likely to change the object rather than its look."""
    warnings = []
    for style in prompts.styles:
        words = re.findall(r"[a-z']+", style.phrase.lower())
        describing = sorted(_DESCRIBING.intersection(words))
        if len(words) > MAX_WORDS:
            warnings.append(
                f"{style.name}: {len(words)} words; long prompts change the object, name a look in "
                f"{MAX_WORDS} words or fewer"
            )
        if describing:
            warnings.append(
                f"{style.name}: {', '.join(describing)!r} describes objects or places; name a look"
            )
    return warnings
