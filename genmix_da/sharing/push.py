"""Send a run or an augmented folder to a hub, or write what would be sent."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path

from genmix_da.errors import UserError
from genmix_da.places import local_path, user_path
from genmix_da.sharing.data_card import is_augmented
from genmix_da.sharing.package import Content, package
from genmix_da.stores.copies import fetch
from genmix_da.use.hub import check_repository
from lead.files import write_atomically

logger = logging.getLogger(__name__)

_LICENCE = re.compile(r"[a-z0-9][a-z0-9.-]{0,40}")


def push(
    folder: str | Path,
    repository: str,
    *,
    private: bool = True,
    licence: str | None = None,
    graph: bool = True,
    stage: str | Path | None = None,
) -> str:
    """Send the checkpoint of a run with its card, or the images of an augmented folder.

    A repository that is there already gets a further commit; one that is not is made.

    Args:
        folder: run folder (a model repository), or one that augment made (a data set).
        repository: OWNER/NAME.
        private: whether a repository that is made is.
        licence: identifier of the hub, e.g. "apache-2.0".
        graph: see `package`.
        stage: write what would be sent to this folder, which must be new, and send nothing.

    Returns:
        The address of the repository, or the folder.

    Raises:
        UserError: no finished run, a name or licence that can't be, `stage` is there, or what the
            hub says: not logged in, no permission, not to be reached.
    """
    check_repository(repository, ", and a folder of yours with --stage")
    check_licence(licence)
    place = fetch(user_path(folder))
    if not place.is_dir():
        raise UserError(f"no folder {place}; give the folder of a run, or an augmented folder.")
    content = package(place, repository, licence, graph=graph)
    size = sum(len(c) if isinstance(c, bytes) else c.stat().st_size for c in content.values())
    logger.info("%d files, %.1f MiB", len(content), size / 2**20)
    if stage is not None:
        return str(_staged(content, local_path(stage)))
    return _sent(content, repository, "dataset" if is_augmented(place) else "model", private)


def check_licence(licence: str | None) -> None:
    """An identifier, as hubs have them.

    Raises:
        UserError: it is none.
    """
    if licence is not None and not _LICENCE.fullmatch(licence):
        raise UserError(
            f"--license is {licence!r}; give an identifier in small letters, e.g. apache-2.0."
        )


def _staged(content: Content, folder: Path) -> Path:
    if folder.exists():
        raise UserError(f"{folder} is there already; give another --stage.")
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for name, held in content.items():
        file = unfinished / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(held, bytes):
            file.write_bytes(held)
        else:
            shutil.copyfile(held, file)
    unfinished.rename(folder)
    return folder


def _sent(content: Content, repository: str, kind: str, private: bool) -> str:
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

    api = HfApi(library_name="genmix-da")
    operations = [CommitOperationAdd(name, held) for name, held in content.items()]
    try:
        made = api.create_repo(repository, private=private, repo_type=kind, exist_ok=True)
        api.create_commit(made.repo_id, operations, commit_message="From GenMix-DA", repo_type=kind)
    except LocalTokenNotFoundError as error:
        raise UserError("you are not logged in to the hub; run: hf auth login.") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        if status in (401, 403):
            raise UserError(
                f"the hub does not let you write to {repository}: log in with hf auth login, and "
                "check whose it is."
            ) from error
        raise UserError(f"the hub refused {repository}: {_first_line(error)}") from error
    except Exception as error:  # of the libraries that speak to it, many kinds
        raise UserError(f"the hub can't be reached: {_first_line(error)}") from error
    return str(made)


def write_card(
    folder: str | Path, out: str | Path | None = None, licence: str | None = None
) -> Path:
    """Write the card of a run or of an augmented folder, without a hub.

    Args:
        folder: see `push`.
        out: file; None: README.md in the folder.
        licence: see `push`.

    Raises:
        UserError: see `push`.
    """
    from genmix_da.sharing.package import card

    check_licence(licence)
    place = fetch(user_path(folder))
    if not place.is_dir():
        raise UserError(f"no folder {place}; give the folder of a run, or an augmented folder.")
    text = card(place, None, licence)
    file = place / "README.md" if out is None else user_path(out)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(file, lambda path: path.write_text(text, encoding="utf-8"))
    return file


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0]
