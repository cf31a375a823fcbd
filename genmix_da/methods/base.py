"""What a method is: what its source is trained on, and how it adapts to the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lead.epochs import TargetConfig, TargetEpoch
    from lead.network import Network
    from lead.views import Views

SETTINGS = ("opda", "osda", "pda")


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
class Method:
    """A row of a table.

    Attributes:
        name: as users type it and tables print it.
        augment: "none" or "genmix": what the source model is trained on.
        settings: that the method defines; in the others its cells are n/a.
        adapt: how it adapts.
        published: profile, or "profile/setting" -> settings that the method publishes for it where
            they are not those of the profile, which are LEAD's. Of a profile that is not named
            those of "" hold.
        epochs: how many there are whatever the settings say (0: epoch 0 is the result); None: as
            they say.
    """

    name: str
    augment: str
    adapt: Adapt
    settings: tuple[str, ...] = SETTINGS
    published: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    epochs: int | None = None

    def settings_for(self, profile: str, setting: str) -> dict[str, Any]:
        """What of `published` holds for a profile and a setting."""
        own = self.published.get(profile, self.published.get("", {}))
        return {**own, **self.published.get(f"{profile}/{setting}", {})}

    def run(
        self,
        network: Network,
        views: Views,
        config: TargetConfig,
        *,
        state: Mapping[str, Any] | None = None,
    ) -> Iterator[TargetEpoch]:
        """Adapt in so many epochs as the method has, else as the settings say; see `Adapt`."""
        if self.epochs is not None:
            config = replace(config, epochs=self.epochs)
        return self.adapt(network, views, config, state=state)
