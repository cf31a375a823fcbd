"""Which classes are shared and private for two domains: --split, or the data set's own sets."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import yaml

from genmix_da.config_values import load_yaml
from genmix_da.data.domain import Domain, in_order
from genmix_da.data.spelling import Spelling, nearly_alike
from genmix_da.errors import UserError
from lead.protocol import LabelSets, split_classes
from office_home.benchmarks import Benchmark

logger = logging.getLogger(__name__)

_SET_NAMES = ("shared", "source_private", "target_private")
_COUNTS = re.compile(r"(\d+)/(\d+)/(\d+)")


def resolve_label_sets(
    source: Domain,
    target: Domain,
    setting: str,
    split: str | None,
    benchmark: Benchmark | None,
    mini_splits: dict[str, tuple[int, int, int]] | None = None,
    spelling: Spelling | None = None,
) -> LabelSets:
    """The label sets of an adaptation.

    Without `split`: the published sets of a known data set; else shared = the classes both domains
    have, the rest private as far as the setting has private classes.

    Args:
        source: labelled.
        target: labelled or not.
        setting: "opda", "osda" or "pda".
        split: "S/P/T", a YAML file that names the classes, or None.
        benchmark: the data set, where it is a published one.
        mini_splits: setting -> S/P/T of Mini Office-Home, where that is the data.
        spelling: that both domains were given, for the names in a split file.

    Raises:
        UserError: the split cannot be read or names classes the data does not have.
        ProtocolError: it does not fit the setting or asks for too many classes.
    """
    if source.labels is None:
        raise UserError(
            f"the source {source.folder} has no class folders; expected <class>/<image> below it."
        )
    union = _class_order(source, target, benchmark)
    counts = None
    if split is not None and (match := _COUNTS.fullmatch(split.strip())):
        counts = (int(match[1]), int(match[2]), int(match[3]))
    elif split is None and mini_splits is not None:
        counts = mini_splits[setting]
    if counts is not None:
        sets = split_classes(union, counts)
    elif split is not None:
        sets = _split_sets(Path(split), spelling or Spelling(union))
    elif benchmark is not None and setting in benchmark.splits and target.labels is not None:
        sets = LabelSets(*benchmark.label_sets(setting, union))
    else:
        sets = _common_classes(source, target, setting)
    if benchmark is None:
        _warn_of_like_names(source, target)
    sets.check_setting(setting)
    if len(sets.source_classes) < 2:
        raise UserError(
            f"the source {source.name} has one class of those in use ({sets.source_classes[0]}): "
            "every image would be of it and nothing could be rejected; two or more are needed."
        )
    _check_present(sets, source, target)
    return sets


def _class_order(source: Domain, target: Domain, benchmark: Benchmark | None) -> tuple[str, ...]:
    """All class names in the order that --split S/P/T counts in."""
    union = dict.fromkeys(source.classes + target.classes)
    if benchmark is not None:
        return benchmark.order(union)
    if source.classes == target.classes:  # image lists keep their label numbers' order
        return source.classes
    return in_order(union)


def _common_classes(source: Domain, target: Domain, setting: str) -> LabelSets:
    if target.labels is None:
        # Nothing is known of the target: every source class may occur, and others beside them.
        return LabelSets(source.classes, (), () if setting == "pda" else ("unknown",))
    shared = tuple(name for name in source.classes if name in target.classes)
    if not shared:
        raise UserError(
            f"{source.name} and {target.name} share no class folder name "
            f"({', '.join(source.classes[:3])} ... against {', '.join(target.classes[:3])} ...); "
            "rename the folders or name the classes with --split FILE."
        )
    source_private = tuple(name for name in source.classes if name not in shared)
    target_private = tuple(name for name in target.classes if name not in shared)
    return LabelSets(
        shared,
        () if setting == "osda" else source_private,
        () if setting == "pda" else target_private,
    )


def joined_names(split: str | None) -> dict[str, str]:
    """Class names that the split file says are one: `names: {TV: television}`.

    Raises:
        UserError: the file cannot be read.
    """
    if split is None or _COUNTS.fullmatch(split.strip()):
        return {}
    return {str(one): str(other) for one, other in (_read(Path(split)).get("names") or {}).items()}


def _split_sets(path: Path, spelling: Spelling) -> LabelSets:
    content = _read(path)
    named = (content.get(key) or [] for key in _SET_NAMES)
    return LabelSets(*(tuple(spelling.name(str(name)) for name in names) for names in named))


def _read(path: Path) -> dict[str, Any]:
    """The content of a split file."""
    try:
        content = load_yaml(path.read_text())
    except FileNotFoundError as error:
        raise UserError(
            f"--split {str(path)!r} is neither S/P/T (three numbers) nor a file that exists."
        ) from error
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the split file {path}: {error}") from error
    if (
        not isinstance(content, dict)
        or not set(content) <= {*_SET_NAMES, "names"}
        or not all(isinstance(content.get(key, []), list) for key in _SET_NAMES)
        or not isinstance(content.get("names", {}), dict)
    ):
        raise UserError(
            f"the split file {path} must hold lists named {', '.join(_SET_NAMES)}, and may hold "
            "names: with one name for another."
        )
    return content


def _warn_of_like_names(source: Domain, target: Domain) -> None:
    """Classes of one domain alone whose names are nearly one of the other's own."""
    own = [name for name in source.classes if name not in target.classes]
    others = [name for name in target.classes if name not in source.classes]
    for name, other in nearly_alike(own, others):
        logger.warning(
            "%r of %s and %r of %s are taken for two classes; if they are one, say so in a --split "
            "file: names: {%s: %s}",
            *(name, source.name, other, target.name, other, name),
        )


def _check_present(sets: LabelSets, source: Domain, target: Domain) -> None:
    """Every class must have images where the label sets put it."""
    wanted = [(name, source) for name in sets.source_classes]
    if target.labels is not None:
        wanted += [(name, target) for name in sets.shared + sets.target_private]
    missing: dict[str, list[str]] = {}
    for name, domain in wanted:
        if name not in domain.classes:
            missing.setdefault(domain.name, []).append(name)
    # A target without some private class only has fewer unknown samples.
    optional = set(sets.target_private)
    for domain_name, names in missing.items():
        needed = [name for name in names if domain_name == source.name or name not in optional]
        if needed:
            raise UserError(
                f"{domain_name} has no images of {len(needed)} classes that the split needs "
                f"({', '.join(needed[:3])}{' ...' if len(needed) > 3 else ''}); check --split."
            )
