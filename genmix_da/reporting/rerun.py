"""The command that makes a run again, from the settings recorded with it."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from genmix_da.methods import find_method
from genmix_da.reporting.hidden_places import drawn_into_cache, shell_words
from genmix_da.selfsupervised.record import SETTING as PRETRAINING
from genmix_da.selfsupervised.tables.kind import SETTING as PROBED

# Setting -> option, where the option is not the setting's name with hyphens.
_GENMIX_OPTIONS = {"fractal_lambda": "--lambda", "size": "--edit-size", "seed": "--augment-seed"}
_EDITOR_OPTIONS = {"batch": "--edit-batch"}
# Training has options of these names too in classification and pre-training.
_CLASSIFY_EDITOR_OPTIONS = _EDITOR_OPTIONS | {
    "steps": "--edit-steps",
    "channels_last": "--edit-channels-last",
}
_FLAGS = ("channels_last", "compile", "fast", "allow_pickle", "yes", "refuse_duplicates")
_SWITCHES = ("freeze_backbone", "mixed_precision", "channels_last")  # --X or --no-X
# Fields of AdaptConfig that are options of their own. Left out: what --profile and --augment decide
# (method, subsample_estimation) and what is given in another form (genmix, backbone_arguments, the
# graph step).
_ADAPT = (
    *("src", "tgt", "setting", "data", "split", "part", "grey_range", "refuse_duplicates"),
    *("profile", "augment", "augment_mode", "budget"),
    *("backbone", "weights", "freeze_backbone", "source_checkpoint", "bottleneck_dim"),
    *("image_size", "batch_size", "source_epochs", "source_lr", "source_backbone_factor"),
    *("label_smoothing", "epochs", "lr", "lambda_psd", "threshold", "cluster_estimator"),
    *("confident_weight", "unknown_share", "seed", "device", "mixed_precision"),
)
# Likewise of ClassifyConfig.
_CLASSIFY = (
    *("data", "test_data", "dataset", "root", "grey_range", "refuse_duplicates", "augment"),
    *("augment_mode", "budget", "backbone"),
    *("weights", "image_size", "batch_size", "epochs", "steps", "optimizer", "lr"),
    *("backbone_factor", "weight_decay", "momentum", "warmup_steps", "warmup_epochs"),
    *("label_smoothing", "eval_every", "shots", "test_limit", "test_fraction", "seed"),
    *("split_seed", "device", "mixed_precision", "channels_last", "adversarial", "epsilon", "fgsm"),
)
# Likewise of SelfSupervisedConfig; what the rows of a table decide comes first there.
_SSL_ROW = ("method", "augment", "seed")
_SSL = (
    *("data", "dataset", "root", "grey_range", "views", "temperature", "encoder_momentum"),
    *("queue", "norm_group", "backbone", "weights", "image_size", "picture_size", "batch_size"),
    *("epochs", "lr", "weight_decay", "momentum", "workers", "device", "mixed_precision"),
)
# What a table's probe takes beside them.
_PROBED = ("test_data", "shots", "test_limit", "test_fraction", "split_seed")
_BY_AUGMENT = ("lead", "lead+genmix")  # methods that --augment decides between
_TABLE_METHODS = (None, "source-only", *_BY_AUGMENT)  # that a table has without --methods
_OWN_WEIGHTS = "transformers:"


def rerun_command(result: Mapping[str, Any], out: str = "runs/again") -> str | None:
    """`genmix-da adapt`, `classify train` or `ssl train` with every setting.

    Of source-only it is `table`, of a pre-training with its probe `ssl table`.

    Args:
        result: content of result.json.
        out: run folder of the new run.

    Returns:
        A line for a POSIX shell, home folders as ~, or None where the settings are not recorded.
    """
    config = (result.get("provenance") or {}).get("config")
    if not isinstance(config, Mapping):
        return None
    if result.get("synthetic") and drawn_into_cache(config.get("data")):
        config = {**config, "data": None}
    if result.get("setting") == "classification":
        words = _classify(config)
    elif result.get("setting") == PRETRAINING:
        words = ["ssl", "train", *_settings(config, (*_SSL_ROW, *_SSL)), *_ssl_made(config)]
    elif result.get("setting") == PROBED:
        words = _ssl_table(config)
    elif config.get("src"):
        words = [*_adapt(config), *_graph(result, config)]
    else:
        return None
    return shell_words(["genmix-da", *words, "--out", out])


def table_command(result: Mapping[str, Any], seeds: str = "1,2,3") -> str:
    """`genmix-da table` on the pair of an adaptation, with what is not as its profile says.

    Args:
        result: content of result.json.
        seeds: comma-separated.
    """
    from genmix_da.adaptation.config import AdaptConfig
    from genmix_da.adaptation.profiles import PROFILES, profile_settings
    from genmix_da.augment.settings import AugmentSettings
    from lead.checkpoint import PACKAGED

    config = result["provenance"]["config"]
    # Elsewhere than on Mini the packaged weights are no choice of the profile's own.
    packaged = config["profile"] == "mini" and config["weights"] == PACKAGED
    of_profile = partial(profile_settings, config["profile"], packaged=packaged)
    # The values of the lane that ran, and whether the profile would have chosen that lane.
    usual = {item.name: item.default for item in dataclasses.fields(AdaptConfig)}
    usual |= of_profile(frozen=config["freeze_backbone"])
    usual["freeze_backbone"] = of_profile(frozen=None)["freeze_backbone"]
    usual |= _of_method(config)
    if config["freeze_backbone"]:  # of others "auto" hangs on images and backbone, so it is named
        usual["cluster_estimator"] = "features"
    left_out = {"src", "tgt", "seed", "profile", "augment", "device"}
    if str(config["backbone"]).startswith(_OWN_WEIGHTS):
        left_out.add("weights")
    names = [n for n in _ADAPT if n not in left_out and config.get(n) != usual.get(n)]
    words = ["table", "--pairs", f"{result['source']}2{result['target']}", "--seeds", seeds]
    if config.get("method") not in _TABLE_METHODS:
        words += ["--methods", f"source-only,{config['method']}"]
    of_data = "mini" if result["synthetic"] else result["dataset"]
    if config["profile"] not in (of_data, *(() if of_data in PROFILES else ("folder",))):
        words += ["--profile", config["profile"]]
    words += _settings(config, names) + _pairs("--backbone-arg", config.get("backbone_arguments"))
    words += _method_options(config, "batch_size" in names) + _graph(result, config)
    if config.get("augment") == "genmix":
        made = AugmentSettings().as_dict()
        own = {name: value for name, value in config["genmix"].items() if value != made.get(name)}
        words += _genmix(config | {"genmix": own}, _EDITOR_OPTIONS)
    return shlex.join(["genmix-da", *words])


def _adapt(config: Mapping[str, Any]) -> list[str]:
    left_out: set[str] = set()
    if str(config.get("backbone")).startswith(_OWN_WEIGHTS):
        left_out.add("weights")
    words = ["adapt"]
    if config.get("method") == "source-only":
        left_out |= {"src", "tgt", "augment", "seed"}
        words = ["table", "--pairs", f"{config['src']}2{config['tgt']}"]
        words += ["--methods", "source-only", "--seeds", str(config.get("seed"))]
    elif config.get("method") not in (None, *_BY_AUGMENT):
        words += ["--method", str(config["method"])]
    words += _settings(config, [name for name in _ADAPT if name not in left_out])
    words += _pairs("--backbone-arg", config.get("backbone_arguments"))
    words += _method_options(config, batch_given=True)
    if config.get("augment") == "genmix":
        words += _genmix(config, _EDITOR_OPTIONS)
    return words


def _of_method(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the run's method has in its profile and setting instead of LEAD's settings."""
    from genmix_da.adaptation.profiles import FROZEN

    own = find_method(config["method"] or "lead").settings_for(config["profile"], config["setting"])
    kept = FROZEN if config["freeze_backbone"] else ()
    return {name: value for name, value in own.items() if name not in kept}


def _method_options(config: Mapping[str, Any], batch_given: bool) -> list[str]:
    """Options of a method with source data that are not its defaults.

    Args:
        config: of the run.
        batch_given: whether --batch-size is, which then holds for the method as well.
    """
    given = config.get("method_options") or {}
    if not given:
        return []
    frozen, profile = bool(config.get("freeze_backbone")), str(config.get("profile"))
    usual = find_method(config["method"]).options_for(profile, {}, frozen=frozen)
    usual |= {"batch_size": None} if batch_given else {}
    own = {name: value for name, value in given.items() if value != usual.get(name)}
    return _pairs("--method-arg", own)


def _graph(result: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Options of the graph step, where they are not the defaults.

    As it was made last: a finished run can be given the step, or other settings of it, later.
    """
    from genmix_da.adaptation.config import AdaptConfig, GraphSettings
    from lead.rejection import parse_rule

    made = result.get("graph") or {}
    if not made and config.get("graph") is False:
        return ["--no-graph"]
    default = parse_rule(AdaptConfig.graph_threshold)
    rejection = made.get("rejection") or {"rule": config.get("graph_threshold", default)}
    fixed = rejection["rule"] == "fixed"
    rule = rejection["threshold"] if fixed else rejection["rule"]
    words = [] if parse_rule(rule) == default else ["--graph-threshold", str(rule)]
    defaults = GraphSettings().resolved(bool(config.get("freeze_backbone"))).as_dict()
    settings = made.get("settings") or config.get("graph_options") or {}
    own = {name: value for name, value in settings.items() if value != defaults.get(name)}
    return words + _pairs("--graph-arg", own)


def _classify(config: Mapping[str, Any]) -> list[str]:
    words = ["classify", "train", *_settings(config, _CLASSIFY)]
    words += _pairs("--backbone-arg", config.get("backbone_arguments"))
    words += _pairs("--augment-option", config.get("augment_options"))
    # Methods that make no images record no editor.
    if (config.get("augmentation") or {}).get("editor"):
        words += _genmix(config, _CLASSIFY_EDITOR_OPTIONS)
    return words


def _ssl_table(config: Mapping[str, Any]) -> list[str]:
    rows = (word for name in _SSL_ROW for word in (f"--{name}s", str(config.get(name))))
    return ["ssl", "table", *rows, *_settings(config, (*_SSL, *_PROBED)), *_ssl_made(config)]


def _ssl_made(config: Mapping[str, Any]) -> list[str]:
    words = _pairs("--backbone-arg", config.get("backbone_arguments"))
    return words + (_genmix(config, _CLASSIFY_EDITOR_OPTIONS) if config.get("augmentation") else [])


def _settings(config: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    words = []
    for name in names:
        value = config.get(name)
        if value is None or value == []:
            continue
        if name in _SWITCHES:
            words.append(f"--{'' if value else 'no-'}{name.replace('_', '-')}")
        else:
            words += _option(name, value)
    return words


def _option(name: str, value: Any) -> list[str]:
    option = f"--{name.replace('_', '-')}"
    if name in _FLAGS:
        return [option] if value else []
    if isinstance(value, list | tuple):
        return [option, ",".join(map(str, value)) or "none"]
    return [option, str(value)]


def _pairs(option: str, values: Mapping[str, Any] | None) -> list[str]:
    """K=V options, the values as YAML reads them."""
    words = []
    for key, value in (values or {}).items():
        text = "null" if value is None else str(value)
        words += [option, f"{key}={text.lower() if isinstance(value, bool) else text}"]
    return words


def _genmix(config: Mapping[str, Any], editor_options: Mapping[str, str]) -> list[str]:
    given = dict(config.get("genmix") or {})
    # "auto" may mean another editor on another machine; what ran is recorded.
    resolved = (config.get("augmentation") or {}).get("editor")
    if given.get("editor", "auto") == "auto" and resolved in ("filters", "instruct-pix2pix"):
        given["editor"] = resolved
    words = []
    for name, value in given.items():
        if name == "editor_options":
            for key, own in (value or {}).items():
                words += _named(editor_options, key, own)
        elif value is not None:
            words += _named(_GENMIX_OPTIONS, name, value)
    return words


def _named(names: Mapping[str, str], name: str, value: Any) -> list[str]:
    words = _option(name, value)
    return [names[name], *words[1:]] if name in names and words else words
