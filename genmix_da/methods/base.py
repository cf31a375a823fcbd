"""What a method is: what its source is trained on, and how it adapts to the target.

A source-free method goes on from the source model. A method with source data (`Joint`) has heads of
its own and starts from the backbone's pretrained weights; the source model is its epoch 0 all the
same, so that every run says what it is compared with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from genmix_da.errors import UserError, check_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from lead.epochs import TargetConfig, TargetEpoch
    from lead.network import HeadedNetwork, Network
    from lead.views import Views

SETTINGS = ("opda", "osda", "pda")
# Settings that play no part where nothing is trained, and those of LEAD and its kin.
_OF_TRAINING = ("lr", "epochs")
_OF_LEAD = ("lambda_psd", "cluster_estimator", "subsample_estimation", "confident_weight")
BENCHMARKS = ("office-31", "office-home", "visda-c", "domainnet")  # profiles of published data sets
# Among a method's options: whole numbers, numbers up to 1, and those that all have.
COUNTS = (
    *("batch_size", "steps", "clusters", "queue", "warmup"),
    *("rounds", "interval", "drop", "classes", "per_class"),
)
SHARES = ("momentum", "mu", "confident", "older")
# What no run survives is refused before it begins.
_LARGEST = {"steps": 1_000_000, "clusters": 10_000, "classes": 10_000, "max_search": 1000}
BUDGET = ("batch_size", "steps")


class Adapt(Protocol):
    """Adapts a source-trained network in place; see `lead.adapt_target`."""

    def __call__(
        self,
        network: Network,
        views: Views,
        config: TargetConfig,
        *,
        state: Mapping[str, Any] | None = None,
    ) -> Iterator[TargetEpoch]:
        """Yield epoch 0 (the source model as it is), then one record an epoch.

        Args:
            network: source-trained, on the device of `views`.
            views: target images without labels.
            config: settings; methods read what they know.
            state: of a yielded epoch, to go on after it with the same results.
        """
        ...


def from_lead(module: str, name: str) -> Adapt:
    """A function of `lead` that is imported when it first adapts: tables are read without torch."""

    def adapt(
        network: Network,
        views: Views,
        config: TargetConfig,
        *,
        state: Mapping[str, Any] | None = None,
    ) -> Iterator[TargetEpoch]:
        found: Adapt = getattr(import_module(f"lead.{module}"), name)
        return found(network, views, config, state=state)

    return adapt


@dataclass(frozen=True)
class JointData:
    """What a method is given that sees source images while it adapts.

    Attributes:
        network: with its own heads, the backbone as pretrained; trained in place.
        views: source images, with augmented ones where there are such; none of them where the
            method opens none.
        labels: [N] their classes.
        steps: of the optimiser, in all epochs together.
        options: of the method, see `Joint`.
        names: of the C classes.
        texts: gives unit embeddings [C, F] of the class names and the scale of their cosines, where
            the method reads them.
    """

    network: HeadedNetwork
    views: Views
    labels: NDArray[np.int64]
    steps: int
    options: Mapping[str, Any]
    names: Sequence[str] = ()
    texts: Callable[[], tuple[Tensor, float]] | None = None


class JointAdapt(Protocol):
    """Trains a network on source and target together."""

    def __call__(
        self,
        data: JointData,
        network: HeadedNetwork,
        views: Views,
        config: TargetConfig,
        *,
        state: Mapping[str, Any] | None = None,
    ) -> Iterator[TargetEpoch]:
        """Yield epoch 0 (the source model), then one record of `data.network` an epoch.

        Args:
            data: the network to train and the source.
            network: the source model.
            views, config, state: see `Adapt`.
        """
        ...


Build = Callable[["nn.Module", int, int, Mapping[str, Any]], "HeadedNetwork"]


def from_methods(module: str, name: str) -> Build:
    """A network of these methods, imported when it is built; one that no option shapes."""

    def build(
        backbone: nn.Module, feature_dim: int, class_count: int, options: Mapping[str, Any]
    ) -> HeadedNetwork:
        found = getattr(import_module(f"genmix_da.methods.{module}"), name)
        network: HeadedNetwork = found(backbone, feature_dim, class_count)
        return network

    return build


@dataclass(frozen=True)
class Joint:
    """A method with source data.

    Attributes:
        build: (backbone, F, C, options) -> the network with the method's own heads.
        adapt: how it is trained.
        options: profile -> what the method publishes for it, by name; those of "" hold for others
            and for those that a profile leaves out. All have those of BUDGET: `batch_size` (of each
            of source and target; None: as the source model's) and `steps` (None: as many as source
            training and adaptation of a source-free method take).
        source: False where it opens no source image after all: it has heads of its own alone.
        texts: whether it reads class names, which a frozen CLIP backbone can.
        uncertainty: whether its uncertainty is another than the normalised entropy.
        check: raises UserError where options do not fit together.
    """

    build: Build
    adapt: JointAdapt
    options: Mapping[str, Mapping[str, Any]]
    source: bool = True
    texts: bool = False
    uncertainty: bool = True
    check: Callable[[Mapping[str, Any]], None] = lambda _: None

    def usual(self, profile: str, *, frozen: bool = False) -> dict[str, Any]:
        """The options of a profile; with a frozen backbone nothing is published of BUDGET."""
        published = self.options.get(profile, {})
        if frozen:
            published = {name: v for name, v in published.items() if name not in BUDGET}
        return {**self.options[""], **published}


def _number(name: str, value: Any) -> int | float:
    """The value of an option as a number in its range."""
    if isinstance(value, str):  # YAML reads 1e-3 as text
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise UserError(f"--method-arg {name} is {value!r}; it must be a number, at least 0.")
    if value > _LARGEST.get(name, 1e9):
        raise UserError(f"--method-arg {name} is too large; at most {_LARGEST.get(name, 1e9):g}.")
    if name == "temperature" and value == 0:
        raise UserError("--method-arg temperature is 0; it must be above 0.")
    least = {"warmup": 0, "batch_size": 2}.get(name, 1)  # batch norm needs two
    if name in COUNTS and (not isinstance(value, int) or value < least):
        raise UserError(
            f"--method-arg {name} is {value}; it must be a whole number, at least {least}."
        )
    if name in SHARES and value > 1:
        raise UserError(f"--method-arg {name} is {value}; it must be a number from 0 to 1.")
    if name == "older" and value not in (0, 1):
        raise UserError(f"--method-arg older is {value}; it must be 0 or 1.")
    return value


@dataclass(frozen=True)
class Method:
    """A row of a table.

    Attributes:
        name: as users type it and tables print it.
        augment: "none" or "genmix": what the source model is trained on.
        settings: that the method defines; in the others its cells are n/a.
        adapt: how it adapts, source-free.
        published: profile, or "profile/setting" -> settings that the method publishes for it where
            they are not those of the profile, which are LEAD's. Of a profile that is not named
            those of "" hold.
        epochs: how many there are whatever the settings say (0: epoch 0 is the result); None: as
            they say.
        joint: how it adapts with source data; None: source-free. One of it and `adapt` is there.
        clustering_free: whether it learns from no clusters of the target (the tables' CF; LEAD,
            which counts its clusters alone, calls itself so).
    """

    name: str
    augment: str = "none"
    adapt: Adapt | None = None
    settings: tuple[str, ...] = SETTINGS
    published: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    epochs: int | None = None
    joint: Joint | None = None
    clustering_free: bool = True

    def uses(self, setting: str) -> bool:
        """Whether a setting of adaptations plays a part in it."""
        if self.epochs is not None and setting in _OF_TRAINING:
            return False
        if setting == "joint_budget":
            return not self.source_free
        return setting not in _OF_LEAD or (self.joint is None and self.epochs is None)

    @property
    def source_free(self) -> bool:
        """Whether no source image is opened once the source model is there."""
        return self.joint is None or not self.joint.source

    @property
    def takes_genmix(self) -> bool:
        """Whether there is a source stage, or source data, that made images could go into."""
        return self.joint is None or self.joint.source

    def settings_for(self, profile: str, setting: str) -> dict[str, Any]:
        """What of `published` holds for a profile and a setting."""
        own = self.published.get(profile, self.published.get("", {}))
        return {**own, **self.published.get(f"{profile}/{setting}", {})}

    def options_for(
        self, profile: str, given: Mapping[str, Any], *, frozen: bool = False
    ) -> dict[str, Any]:
        """The options of a profile with what is given over them; a source-free method has none.

        Args:
            profile: see `Joint`.
            given: by name.
            frozen: see `Joint.usual`.

        Raises:
            UserError: an unknown name, or a value of another kind.
        """
        if self.joint is None:
            if given:
                raise UserError(f"the method {self.name} takes no --method-arg; leave it out.")
            return {}
        common = self.joint.options[""]
        for name in given:
            check_name(f"option of {self.name}", name, common)
        read = {
            name: value if value is None and common[name] is None else _number(name, value)
            for name, value in given.items()
        }
        options = {**self.joint.usual(profile, frozen=frozen), **read}
        self.joint.check(options)
        return options

    def run(
        self,
        network: Network,
        views: Views,
        config: TargetConfig,
        *,
        state: Mapping[str, Any] | None = None,
        data: JointData | None = None,
    ) -> Iterator[TargetEpoch]:
        """Adapt in so many epochs as the method has, else as the settings say; see `Adapt`.

        Args:
            network, views, config, state: see `Adapt`.
            data: for a method with source data.
        """
        if self.epochs is not None:
            config = replace(config, epochs=self.epochs)
        if self.joint is not None:
            assert data is not None
            return self.joint.adapt(data, network, views, config, state=state)
        assert self.adapt is not None
        return self.adapt(network, views, config, state=state)
