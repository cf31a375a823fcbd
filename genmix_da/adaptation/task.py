"""From a configuration to decoded images with labels: everything an adaptation starts from."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.adaptation.clusters import with_estimator
from genmix_da.adaptation.config import AdaptConfig
from genmix_da.adaptation.packaged import by_package
from genmix_da.adaptation.unknown_share import rows_at_share
from genmix_da.data.domain import Domain
from genmix_da.data.duplicates import warn_of_shared
from genmix_da.data.images import Images, check_batch
from genmix_da.data.label_sets import joined_names, resolve_label_sets
from genmix_da.data.loaded import Loaded
from genmix_da.data.root import data_root, is_mini
from genmix_da.data.shown_views import ShownViews
from genmix_da.data.spelling import Spelling
from genmix_da.device import resolve_device
from genmix_da.errors import UserError
from genmix_da.frozen.encoder import OWN_WEIGHTS, BackboneChoice, FrozenEncoder, frozen_encoder
from genmix_da.frozen.features import features_of
from genmix_da.frozen.towers import PREFIX as TRANSFORMERS
from genmix_da.methods import find_method
from genmix_da.places import place_name, user_path
from genmix_da.runs.folder import CHECKPOINT
from genmix_da.stores.copies import fetch
from lead.backbones import Backbone, build_backbone
from lead.feature_views import FeatureViews
from lead.protocol import LabelSets
from lead.views import Preprocessing, Views
from office_home import identify
from office_home.mini import MINI_SPLITS

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One adaptation, resolved.

    Attributes:
        config: no value is None but data, split and source_checkpoint.
        dataset: name of the data set, or of its folder.
        synthetic: True for Mini Office-Home: a number from it says nothing about real images.
        label_sets: shared, source-private and target-private classes.
        source, target: images and labels.
        preprocessing: of the backbone at the configured image size.
        device: where the networks run.
        encoder: of a frozen backbone; None where the backbone is trained.
        duplicates: number of the target's images that are the source's, too.
        given: the configuration as it was given, for `with_method`.
        packaged: see `profile_settings`.
    """

    config: AdaptConfig
    dataset: str
    synthetic: bool
    label_sets: LabelSets
    source: Images
    target: Images
    preprocessing: Preprocessing
    device: torch.device
    encoder: FrozenEncoder | None = None
    duplicates: int = 0
    given: AdaptConfig | None = None
    packaged: bool = False

    @property
    def source_name(self) -> str:
        """The source domain's name."""
        return self.config.src

    @property
    def augments(self) -> bool:
        """Whether source images are made: for a source model, or a method with source data."""
        joint = find_method(self.config.method_name()).joint
        trains = self.config.source_checkpoint is None or (joint is not None and joint.source)
        return self.config.augment != "none" and trains

    def source_label(self, name: str) -> int | None:
        """Classifier output of a class of the source; None where it is not used."""
        return self.label_sets.source_label(name)

    def views(self, pixels: NDArray[np.uint8], rows: NDArray[np.int64], name: str) -> Views:
        """Training and evaluation views of decoded images; with a frozen backbone, of features.

        Args:
            pixels: [M, R, R, 3].
            rows: [N] which of them.
            name: of the images, for messages.
        """
        if self.encoder is None:
            return ShownViews(pixels, self.preprocessing, self.device, rows)
        stored, own = features_of(self.encoder, pixels, rows, name)
        return FeatureViews(stored, self.device, own)

    @property
    def target_contents(self) -> frozenset[str]:
        """See `SourceTask`; images that are the source's as well don't count."""
        own = frozenset(self.source.decoded.contents)
        return frozenset(self.target.decoded.contents) - own

    def target_views(self) -> Views:
        """Views of the target's images."""
        return self.views(self.target.decoded.pixels, self.target.rows, self.config.tgt)


def prepare(
    config: AdaptConfig, *, source_alone: bool = False, loaded: Loaded | None = None
) -> Task:
    """Find the data, settle every open setting, decode both domains.

    Args:
        config: settings.
        source_alone: there is no target; the source stands in for it in the label sets.
        loaded: domains that a plan of many tasks has looked at before.

    Raises:
        UserError, ProtocolError, WeightsError: as the parts say.
    """
    config = _with_checkpoint(config)
    root, loaded = data_root(config.data, config.profile), loaded or Loaded()
    source, target = (
        loaded.domain(root, name, config.part, config.grey_range)
        for name in (config.src, config.tgt)
    )
    if not source_alone:
        _refuse_shared_images(source, target)
    spelling = Spelling(source.classes, joined_names(config.split))
    source, target = spelling.applied(source), spelling.applied(target)
    synthetic = is_mini(root)
    union = tuple(dict.fromkeys(source.classes + target.classes))
    benchmark = None if synthetic else identify(union)
    dataset = benchmark.name if benchmark else root.resolve().name
    profile = config.profile or ("mini" if synthetic else benchmark.name if benchmark else "folder")
    device = resolve_device(config.device)
    packaged, given_config = by_package(config, profile, device), config
    config = _settle_weights(config, config.with_profile(profile, packaged=packaged))
    label_sets = resolve_label_sets(
        *(source, target, config.setting, config.split, benchmark),
        MINI_SPLITS if synthetic else None,
        spelling,
    )
    encoder = _encoder(config, device) if config.freeze_backbone else None
    backbone = encoder or _untrained(config)
    preprocessing = backbone.preprocessing
    config = dataclasses.replace(
        config, image_size=preprocessing.image_size, src=source.name, tgt=target.name
    )
    images = (
        _images(loaded, source, preprocessing, label_sets.source_label),
        _images(loaded, target, preprocessing, label_sets.target_label, label_sets.target_private),
    )
    if config.unknown_share is not None and not source_alone:
        images = (images[0], _at_share(images[1], label_sets.unknown, config.unknown_share))
    trained = backbone.module if isinstance(backbone, Backbone) else None
    config = with_estimator(config, len(images[1].rows), trained)
    for part in images[:1] if source_alone else images:
        check_batch(part, int(config.batch_size or 0))
    duplicates = 0
    if not source_alone:
        refuse = config.refuse_duplicates
        duplicates = warn_of_shared(*images, "images of the source", refuse=refuse)
    return Task(
        *(config, dataset, synthetic, label_sets, *images),
        *(preprocessing, device, encoder, duplicates, given_config, packaged),
    )


def with_method(task: Task, **choice: Any) -> Task:
    """The task with another method, augmentation and seed, and what its profile has for these."""
    assert task.given is not None
    given, settled = dataclasses.replace(task.given, **choice), task.config
    config = given.with_profile(str(settled.profile), packaged=task.packaged)
    names = ("weights", "image_size", "src", "tgt", "cluster_estimator")
    kept = {name: getattr(settled, name) for name in names}
    config = dataclasses.replace(config, **kept)
    encoder = task.encoder
    if encoder is not None and encoder.choice.weights == "none":  # random ones are of the seed
        encoder = dataclasses.replace(
            encoder, choice=dataclasses.replace(encoder.choice, seed=config.seed)
        )
    return dataclasses.replace(task, config=config, encoder=encoder)


def _with_checkpoint(config: AdaptConfig) -> AdaptConfig:
    """The configuration with the file of a source model that was named by its folder.

    Raises:
        UserError: there is no such file.
    """
    if config.source_checkpoint is None:
        return config
    path = fetch(user_path(config.source_checkpoint))
    path = path / CHECKPOINT if path.is_dir() else path
    if not path.is_file():
        raise UserError(f"no source model {place_name(path)}; check --source-checkpoint.")
    return dataclasses.replace(config, source_checkpoint=str(path))


def _refuse_shared_images(source: Domain, target: Domain) -> None:
    """Source and target are two domains.

    Raises:
        UserError: they are one, or share files.
    """
    if source.folder.resolve() == target.folder.resolve() and source.name == target.name:
        raise UserError(f"source and target are both {source.name}; name two domains.")
    both = set(source.images) & set(target.images)
    if both:
        raise UserError(
            f"{source.name} and {target.name} share {len(both)} images, e.g. {min(both)}; name two "
            "domains that share none."
        )


def _settle_weights(given: AdaptConfig, filled: AdaptConfig) -> AdaptConfig:
    """The configuration with the weights that are meant, where the backbone is frozen.

    Raises:
        UserError: a `transformers:` backbone and other weights; random ones that nobody asked for.
    """
    if not filled.freeze_backbone:
        return filled
    if _given(filled.backbone).startswith(TRANSFORMERS):
        if given.weights not in (None, OWN_WEIGHTS):
            raise UserError(
                f"--backbone {filled.backbone} has its own weights; leave --weights out."
            )
        return dataclasses.replace(filled, weights=OWN_WEIGHTS)
    if filled.weights == "none" and given.weights is None:
        raise UserError(
            f"--freeze-backbone needs trained weights and the profile {filled.profile} has none; "
            "give --weights imagenet or FILE (or --weights none to freeze random ones)."
        )
    if filled.weights == "none":
        logger.warning("the frozen backbone is random (--weights none): its features mean little")
    return filled


def _encoder(config: AdaptConfig, device: torch.device) -> FrozenEncoder:
    """The frozen backbone; its weights are looked for now."""
    choice = BackboneChoice(
        _given(config.backbone), _given(config.weights), config.backbone_arguments, config.seed
    )
    return frozen_encoder(
        choice,
        image_size=config.image_size,
        device=device,
        mixed_precision=config.mixed_precision,
    )


def _untrained(config: AdaptConfig) -> Backbone:
    """The backbone at the image size asked for, without memory for its weights."""
    own = build_backbone(
        _given(config.backbone), weights="none", arguments=config.backbone_arguments
    )
    preprocessing = own.preprocessing.resized(config.image_size)
    return Backbone(own.module.to("meta"), own.feature_dim, preprocessing)


def _given(value: str | None) -> str:
    """A setting that every profile fills."""
    assert value is not None
    return value


def _images(
    loaded: Loaded,
    domain: Domain,
    preprocessing: Preprocessing,
    label_of: Callable[[str], int | None],
    private: tuple[str, ...] = (),
) -> Images:
    """Decode a domain and keep the images whose class the task uses."""
    decoded = loaded.decoded(domain, preprocessing.resize_size, preprocessing.interpolation)
    names = decoded.domain.labels
    if names is None:
        return Images(decoded, np.arange(len(decoded.domain.images)), None)
    by_name = {name: label_of(name) for name in set(names)}
    used = [(row, by_name[name]) for row, name in enumerate(names) if by_name[name] is not None]
    table = np.array(used, dtype=np.int64).reshape(-1, 2)
    own = [private.index(names[row]) if names[row] in private else -1 for row in table[:, 0]]
    return Images(decoded, table[:, 0], table[:, 1], np.array(own, dtype=np.int64))


def _at_share(target: Images, unknown: int, share: float) -> Images:
    """The target with a given share of unknown images."""
    if target.labels is None or target.private_labels is None:
        raise UserError("--unknown-share needs a target with labels; leave it out.")
    kept = rows_at_share(target.labels == unknown, share)
    return Images(
        target.decoded, target.rows[kept], target.labels[kept], target.private_labels[kept]
    )
