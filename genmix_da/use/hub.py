"""Models of a hub, "hub:OWNER/NAME" or "hub:OWNER/NAME@REVISION" in place of a run folder."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from genmix_da.errors import UserError
from genmix_da.places import user_path
from genmix_da.runs.folder import CHECKPOINT
from genmix_da.stores.copies import fetch

logger = logging.getLogger(__name__)

PREFIX = "hub:"
# What `genmix-da push` sends of a run; nothing else of a repository is fetched.
FILES = (
    *("README.md", "result.json", "checkpoint.json", CHECKPOINT),
    *("graph.json", "graph.safetensors"),
)
# Suffixes of what a model is not made of, though it lies beside one.
_UNUSED = (".pt", ".jpg")
_NAME = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")


def is_on_hub(checkpoint: str | Path) -> bool:
    """Whether it is the name of a model of the hub."""
    return os.fspath(checkpoint).startswith(PREFIX)


def located(checkpoint: str | Path) -> Path:
    """Where a run folder or checkpoint is; of the hub or of a URL, it is fetched first.

    Raises:
        UserError: no path, no name of a repository, no such one, or the hub can't be reached.
    """
    if not isinstance(checkpoint, str | os.PathLike):
        raise UserError(
            f"{checkpoint!r} is no checkpoint; give the path of a run folder, or hub:OWNER/NAME."
        )
    if not is_on_hub(checkpoint):
        place = user_path(checkpoint)
        if place.name == CHECKPOINT:
            fetch(place.parent, leave=_UNUSED)
        elif place.suffix == Path(CHECKPOINT).suffix:
            fetch(place.with_suffix(".json"))
            fetch(place)
        else:
            fetch(place, leave=_UNUSED)
        return place
    name, at, revision = os.fspath(checkpoint).removeprefix(PREFIX).partition("@")
    check_repository(name)
    if at and not revision:
        raise UserError(f"no revision stands behind {checkpoint}; name one, or leave the @ out.")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    logger.info("fetching %s from the hub", name)
    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=list(FILES)))
    except RepositoryNotFoundError as error:
        raise UserError(
            f"the hub has no model {name}, or it is private: check the name, or log in with "
            "hf auth login."
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(f"{name} has no revision {revision!r} on the hub.") from error
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"the hub can't be reached, and {name} was not fetched before; try again, or give a "
            "run folder."
        ) from error
    except Exception as error:  # of the libraries that speak to it, many kinds
        said = " ".join(str(error).split())
        raise UserError(f"{name} can't be fetched from the hub: {said}") from error


def check_repository(name: str, otherwise: str = "") -> None:
    """A name may be one of a repository.

    Args:
        name: OWNER/NAME.
        otherwise: for the end of the message, what else may be wanted.

    Raises:
        UserError: it is not.
    """
    if not _NAME.fullmatch(name) or ".." in name or "--" in name or name.startswith("."):
        raise UserError(
            f"{name!r} is no name of a repository on the hub; give OWNER/NAME{otherwise}."
        )
