"""The typed, frozen configuration of one adaptation; saved with every result.

A value comes from the command line, else from --config, else from the profile of the data set.
Unknown keys are an error.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genmix_da import config_values
from genmix_da.adaptation.profiles import FROZEN, PROFILES, profile_settings
from genmix_da.augment.settings import AugmentSettings, build_settings
from genmix_da.errors import UserError
from genmix_da.methods import GENMIX, find_method
from lead.errors import LeadError
from lead.rejection import RULES, parse_rule

_CHOICES: dict[str, tuple[str, ...]] = {
    "setting": ("opda", "osda", "pda"),
    "augment": ("none", "genmix"),
    "augment_mode": ("offline", "online"),
    "budget": ("steps", "epochs"),
    "device": ("auto", "cpu", "cuda"),
    "cluster_estimator": ("auto", "tsne", "landmarks", "features"),
    "confident_weight": ("released", "paper"),
}
_VIEWS = ("auto", "six", "one")
RECORDED = ("identity", "augmentation", "label_sets", "target_data", "source_model", "joint_budget")
_POSITIVE = ("epochs", "source_epochs", "bottleneck_dim", "image_size", "lr", "source_lr")


@dataclass(frozen=True, kw_only=True)
class GraphSettings:
    """Settings of the step over the target's neighbours.

    Attributes:
        neighbours, power, alpha, uncertainty_alpha, share_alpha, centred: see
            `lead.graph.GraphConfig`.
        views: "six" of each image (centre, flip, four corners), "one" (the evaluation view) or
            "auto": six of a frozen backbone, whose features are there; else one, which the
            evaluation has seen already.
    """

    neighbours: int = 10
    power: float = 3.0
    alpha: float = 0.9
    uncertainty_alpha: float = 0.9
    share_alpha: float = 0.7
    centred: bool = True
    views: str = "auto"

    def __post_init__(self) -> None:
        spelled = "--graph-arg {}".format
        config_values.check_positive(self, ("neighbours", "power"), spelled)
        config_values.check_choices(self, {"views": _VIEWS}, spelled)
        for name in ("alpha", "uncertainty_alpha", "share_alpha"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"{spelled(name)} is {getattr(self, name)}; it must be in [0, 1).")

    def resolved(self, frozen: bool) -> GraphSettings:
        """With `views` as "auto" means it, for a frozen backbone or another."""
        meant = "six" if frozen else "one"
        return dataclasses.replace(self, views=meant if self.views == "auto" else self.views)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class AdaptConfig:
    """Settings of one adaptation; None means "as the profile says".

    Attributes:
        src, tgt: domain names, aliases or unique beginnings; the target may be a folder.
        setting: "opda", "osda" or "pda".
        data: root folder; None: $GENMIX_DA_DATA, else Mini Office-Home.
        split: "S/P/T" or a YAML file; None: the data set's own.
        part: "train", "val" or "test" of both domains, where they have parts; None: all images.
        grey_range: of deep grey images: "auto", "full" or "MIN,MAX"; see `data.grey.GreyRange`.
        profile: a key of PROFILES; None: found from the data.
        augment: "genmix" or "none".
        method: a key of METHODS; None: "lead" or "lead+genmix", as augment says.
        augment_mode: "offline" (images written once) or "online" (drawn anew for every view).
        budget: "steps" gives plain and augmented source models the same number of optimiser steps,
            "epochs" the same number of epochs.
        genmix: settings of GenMix, fields of AugmentSettings.
        backbone, backbone_arguments, weights: see lead.build_backbone; with a frozen backbone also
            `transformers:NAME_OR_DIR`, which has its own weights.
        freeze_backbone: compute features once and train bottleneck and classifier alone; None: as
            the profile says.
        source_checkpoint: a source model to start from (ours, or a LEAD authors' .pth).
        bottleneck_dim: width D of the embedding.
        image_size: side of the crop in pixels; None in the end: the weights' own.
        batch_size: images a step, both stages.
        source_epochs, source_lr, source_backbone_factor, label_smoothing: source training.
        epochs, lr, lambda_psd: adaptation.
        threshold: on the normalised entropy: a number, or a rule of `lead.rejection`.
        graph: add the step over the target's neighbours; it gives a second set of scores.
        graph_threshold: on the smoothed uncertainty, like `threshold`.
        graph_options: fields of GraphSettings.
        refuse_duplicates: an image of the target that is one of the source, too, is an error.
        unknown_share: in [0, 1): leave out target images until this share of them is of unknown
            classes; a protocol to study rejection, made with target labels. None: all images.
        cluster_estimator, subsample_estimation: how C_t is estimated; see
            `lead.clusters.estimate_clusters` and `clusters.affordable_estimator`.
        confident_weight: weight of clear-cut samples, "released" or "paper".
        method_options: of a method with source data, see `methods.base.Joint`.
        seed: of everything random but the offline augmentation, which all seeds share: its own
            seed is in genmix.
        device: "auto", "cpu" or "cuda".
        mixed_precision: on CUDA.
    """

    src: str
    tgt: str
    setting: str = "opda"
    data: str | None = None
    split: str | None = None
    part: str | None = None
    refuse_duplicates: bool = False
    grey_range: str = "auto"
    profile: str | None = None
    augment: str = "genmix"
    method: str | None = None
    augment_mode: str = "offline"
    budget: str = "steps"
    genmix: dict[str, Any] = field(default_factory=dict)
    backbone: str | None = None
    backbone_arguments: dict[str, Any] = field(default_factory=dict)
    weights: str | None = None
    freeze_backbone: bool | None = None
    source_checkpoint: str | None = None
    bottleneck_dim: int | None = None
    image_size: int | None = None
    batch_size: int | None = None
    source_epochs: int | None = None
    source_lr: float | None = None
    source_backbone_factor: float | None = None
    label_smoothing: float = 0.1
    epochs: int | None = None
    lr: float | None = None
    lambda_psd: float | None = None
    threshold: float | str | None = None
    graph: bool = True
    graph_threshold: float | str = "auto"
    graph_options: dict[str, Any] = field(default_factory=dict)
    unknown_share: float | None = None
    cluster_estimator: str = "auto"
    subsample_estimation: bool | None = None
    confident_weight: str = "released"
    method_options: dict[str, Any] = field(default_factory=dict)
    seed: int = 2021
    device: str = "auto"
    mixed_precision: bool = True

    def __post_init__(self) -> None:
        config_values.check_choices(self, _CHOICES)
        config_values.check_positive(self, _POSITIVE)
        config_values.check_training(self)
        for name in ("lambda_psd", "source_backbone_factor"):
            config_values.check_not_below_zero(self, name)
        for name in ("threshold", "graph_threshold"):
            check_threshold(config_values.flag(name), getattr(self, name))
        self.graph_settings()
        if self.unknown_share is not None and not 0 <= self.unknown_share < 1:
            raise UserError(f"--unknown-share is {self.unknown_share}; it must be in [0, 1).")
        if self.profile is not None and self.profile not in PROFILES:
            raise UserError(f"no profile {self.profile!r}; choose one of {', '.join(PROFILES)}.")
        self.genmix_settings()
        self._check_freezing()
        config_values.check_grey_range(self.grey_range)
        find_method(self.method_name()).options_for("", self.method_options)
        defined = find_method(self.method_name()).settings
        if self.setting not in defined:
            raise UserError(
                f"the method {self.method} is defined for {' and '.join(defined)} alone; use "
                f"--setting {defined[0]}."
            )
        wanted = find_method(self.method).augment if self.method else self.augment
        if wanted != self.augment:
            raise UserError(
                f"the method {self.method} is trained with augment {wanted}, not {self.augment}; "
                f"leave one of the two out (NAME{GENMIX} is a method with GenMix)."
            )

    def _check_freezing(self) -> None:
        if self.freeze_backbone and self.augment == "genmix" and self.augment_mode == "online":
            raise UserError(
                "a frozen backbone sees every image once, so nothing can be drawn anew for each "
                "view; use --augment-mode offline, or --no-freeze-backbone."
            )
        if str(self.backbone).startswith("transformers:") and not self.freeze_backbone:
            raise UserError(
                f"the backbone {self.backbone} can only be used frozen; add --freeze-backbone, or "
                "train timm:NAME."
            )

    def method_name(self) -> str:
        """The method that is meant."""
        return self.method or ("lead+genmix" if self.augment == "genmix" else "lead")

    def genmix_settings(self) -> AugmentSettings:
        """The settings of GenMix.

        Raises:
            UserError: an unknown one, or one out of range.
        """
        return build_settings(self.genmix)

    def graph_settings(self) -> GraphSettings:
        """The settings of the graph step.

        Raises:
            UserError: an unknown one, or one out of range.
        """
        known = [item.name for item in dataclasses.fields(GraphSettings)]
        for name in self.graph_options:
            if name not in known:
                raise UserError(f"--graph-arg knows no {name!r}; there are: {', '.join(known)}.")
        return config_values.build(
            GraphSettings, self.graph_options, None, recorded=(), required={}
        )

    def with_profile(self, profile: str, *, packaged: bool = False) -> AdaptConfig:
        """Every value that is None taken from a profile, rules resolved; its name is recorded.

        Args:
            profile: a key of PROFILES.
            packaged: see `profile_settings`.
        """
        values = profile_settings(profile, packaged=packaged, frozen=self.freeze_backbone)
        method, frozen = find_method(self.method_name()), values["freeze_backbone"]
        own = method.settings_for(profile, self.setting)
        if frozen:  # how heads are trained there is nobody's publication
            own = {name: value for name, value in own.items() if name not in FROZEN}
        values |= own
        options = method.options_for(profile, self.method_options, frozen=frozen)
        if self.batch_size is not None and "batch_size" not in self.method_options and options:
            options["batch_size"] = None  # a batch that was asked for is all batches'
        clip = str(self.backbone or values["backbone"]).startswith("transformers:")
        if method.joint is not None and method.joint.texts and not (frozen and clip):
            raise UserError(
                f"the method {method.name} reads class names, which CLIP does; add "
                "--freeze-backbone --backbone transformers:openai/clip-vit-large-patch14-336."
            )
        missing = {key: value for key, value in values.items() if getattr(self, key) is None}
        missing |= {"method": self.method_name(), "method_options": options}
        missing["graph_options"] = self.graph_settings().resolved(frozen).as_dict()
        missing["graph_threshold"] = parse_rule(self.graph_threshold)
        if self.threshold is not None:
            missing["threshold"] = parse_rule(self.threshold)
        return dataclasses.replace(self, profile=profile, **missing)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for YAML and JSON."""
        return dataclasses.asdict(self)


def check_threshold(option: str, value: float | str | None) -> None:
    """A number in (0, 1] or a known rule, whose floor is such a number, or None.

    Raises:
        UserError: neither.
    """
    if value is None:
        return
    try:
        rule = parse_rule(value)
    except LeadError as error:
        raise UserError(str(error).replace("threshold", option, 1)) from error
    number = str(rule).rpartition(":")[2]
    if number not in RULES and not 0 < float(number) <= 1:
        raise UserError(
            f"{option} is {value}; uncertainties are between 0 and 1, a number must be in (0, 1]."
        )


def build_config(options: Mapping[str, Any], file: str | Path | None = None) -> AdaptConfig:
    """Join given options (None = not given) with a configuration file.

    Args:
        options: from the command line or Python.
        file: YAML with keys of AdaptConfig; the options win over it.

    Raises:
        UserError, LeadError: unknown key (the nearest is suggested), a value of the wrong kind,
            unreadable file, missing src or tgt, a threshold that is neither number nor rule.
    """
    named = options.get("method")
    if file is not None and named is None and options.get("augment") is None:
        given = config_values.read_config(file, RECORDED)
        named = given.get("method") if given.get("augment") is None else None
    required = {
        "src": "no source domain; give --src.",
        "tgt": "no target domain; give --tgt.",
    }
    return config_values.build(
        AdaptConfig, _with_augment(options, named), file, recorded=RECORDED, required=required
    )


def _with_augment(options: Mapping[str, Any], method: object) -> Mapping[str, Any]:
    """The options with what a method that was named has its source trained on, where not given."""
    if method is None or options.get("augment") is not None:
        return options
    return {**options, "augment": find_method(str(method)).augment}
