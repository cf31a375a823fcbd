"""The command that makes a run again, from the settings recorded with it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

# Setting -> option, where the option is not the setting's name with hyphens.
_GENMIX_OPTIONS = {"fractal_lambda": "--lambda", "size": "--edit-size", "seed": "--augment-seed"}
_EDITOR_OPTIONS = {"batch": "--edit-batch"}
_FLAGS = ("freeze_backbone", "channels_last", "compile", "fast", "allow_pickle", "yes")
# Fields of AdaptConfig that are options of their own. Left out: what --profile and --augment decide
# (method, subsample_estimation) and what is given in another form (genmix, backbone_arguments).
_SETTINGS = (
    *("src", "tgt", "setting", "data", "split", "profile", "augment", "augment_mode", "budget"),
    *("backbone", "weights", "freeze_backbone", "source_checkpoint", "bottleneck_dim"),
    *("image_size", "batch_size", "source_epochs", "source_lr", "source_backbone_factor"),
    *("label_smoothing", "epochs", "lr", "lambda_psd", "threshold", "cluster_estimator"),
    *("confident_weight", "seed", "device", "mixed_precision"),
)
_OWN_WEIGHTS = "transformers:"


def rerun_command(result: Mapping[str, Any], out: str = "runs/again") -> str | None:
    """`genmix-da adapt ...` (or `table`, for source-only) with every recorded setting.

    Args:
        result: content of result.json.
        out: run folder of the new run.

    Returns:
        A line for a POSIX shell, or None where the settings are not recorded.
    """
    config = (result.get("provenance") or {}).get("config")
    if not isinstance(config, Mapping) or not config.get("src"):
        return None
    table = config.get("method") == "source-only"
    words = ["genmix-da", "table" if table else "adapt"]
    for name in _SETTINGS:
        value = config.get(name)
        if value is None or (name == "weights" and _has_own_weights(config)):
            continue
        if table and name in ("src", "tgt", "augment", "seed"):
            continue
        if name == "mixed_precision":
            words.append("--mixed-precision" if value else "--no-mixed-precision")
        else:
            words += _option(name, value)
    if table:
        words += ["--pairs", f"{config['src']}2{config['tgt']}", "--methods", "source-only"]
        words += ["--seeds", str(config.get("seed"))]
    for key, value in (config.get("backbone_arguments") or {}).items():
        words += ["--backbone-arg", f"{key}={_yaml(value)}"]
    words += _genmix(config)
    return shlex.join([*words, "--out", out])


def _has_own_weights(config: Mapping[str, Any]) -> bool:
    return str(config.get("backbone")).startswith(_OWN_WEIGHTS)


def _option(name: str, value: Any) -> list[str]:
    option = f"--{name.replace('_', '-')}"
    if name in _FLAGS:
        return [option] if value else []
    if isinstance(value, list | tuple):
        return [option, ",".join(map(str, value)) or "none"]
    return [option, str(value)]


def _yaml(value: Any) -> str:
    """As --backbone-arg reads it."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _genmix(config: Mapping[str, Any]) -> list[str]:
    if config.get("augment") != "genmix":
        return []
    given = dict(config.get("genmix") or {})
    # "auto" may mean another editor on another machine; what ran is recorded.
    resolved = (config.get("augmentation") or {}).get("editor")
    if given.get("editor", "auto") == "auto" and resolved in ("filters", "instruct-pix2pix"):
        given["editor"] = resolved
    words = []
    for name, value in given.items():
        if name == "editor_options":
            for key, own in (value or {}).items():
                words += _named(_EDITOR_OPTIONS, key, own)
        elif value is not None:
            words += _named(_GENMIX_OPTIONS, name, value)
    return words


def _named(names: Mapping[str, str], name: str, value: Any) -> list[str]:
    words = _option(name, value)
    return [names[name], *words[1:]] if name in names and words else words
