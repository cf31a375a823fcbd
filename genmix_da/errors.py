"""Mistakes that a user can mend: one sentence, exit code 2, no traceback."""

from __future__ import annotations

import difflib
import errno
import sys
from collections.abc import Collection, Iterable
from pathlib import Path


class UserError(Exception):
    """What is wrong, where, and how to mend it, in one sentence."""


def nearest_name(name: object, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that is most like this one; None where none is as like it as `cutoff`.

    Case is looked past where nothing is near otherwise.
    """
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=cutoff)
    if close:
        return close[0]
    lower = {each.lower(): each for each in names}
    close = difflib.get_close_matches(str(name).lower(), lower, n=1, cutoff=cutoff)
    return lower[close[0]] if close else None


def did_you_mean(name: object, known: Iterable[str], cutoff: float = 0.6) -> str:
    """For the middle of a sentence: "did you mean 'NAME'? ", or "" where no name is near."""
    near = nearest_name(name, known, cutoff)
    return f"did you mean {near!r}? " if near else ""


def or_did_you_mean(name: object, known: Iterable[str], otherwise: str = "") -> str:
    """For the end of a sentence: "; did you mean 'NAME'?", or `otherwise` where none is near."""
    near = nearest_name(name, known)
    return f"; did you mean {near!r}?" if near else otherwise


def there_are(name: object, known: Collection[str]) -> str:
    """For the end of a sentence: the nearest name, and all: "there are: A, B"."""
    hint = did_you_mean(name, known)
    return f"{hint}{'There' if hint else 'there'} are: {', '.join(known)}"


def said_by(error: BaseException) -> str:
    """What an error of others' code says, in one line; its kind where it says nothing."""
    said = " ".join(str(error).split())
    return said if said and not isinstance(error, SystemExit) else repr(error)


def check_name(what: str, name: str, known: Collection[str]) -> None:
    """A name is one of those that there are.

    Raises:
        UserError: it is not (the nearest is suggested).
    """
    if name not in known:
        raise UserError(f"no {what} {name!r}; {there_are(name, known)}.")


def user_message(error: BaseException) -> str | None:
    """The sentence to print for an error that is the user's to mend, else None.

    Covers this package's and lead's own errors, files that are cut off, and what the file system
    says of a path: a full disk, a missing permission, a file where a folder is wanted or the other
    way round, a name too long, a loop of links, a disk that fails.
    """
    if isinstance(error, UserError):
        return str(error)
    lead_errors = sys.modules.get("lead.errors")  # where it is not imported it was not raised
    if lead_errors is not None and isinstance(error, lead_errors.LeadError):
        return str(error)
    if isinstance(error, EOFError):
        return f"a file that was read is empty or cut off ({str(error) or 'unexpected end'})"
    if isinstance(error, OSError):
        return _of_the_file_system(error)
    return None


def _of_the_file_system(error: OSError) -> str | None:
    name = error.filename2 or error.filename
    place = f" ({name})" if name else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"the disk is full{place}; what was finished is kept: free some space and go on with "
            "--resume"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"no permission to read or write{place}; mend its permissions or choose another one"
    if error.errno == errno.EROFS:
        return f"no permission to write{place}, its disk is read-only; choose another folder"
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return f"a file is in the way where a folder is wanted{place}; choose another folder"
    if error.errno == errno.EISDIR:
        return f"a folder is in the way where a file is wanted{place}; choose another name"
    if error.errno == errno.ENOENT and not name and not _current_folder_is_there():
        return "the current folder is gone; change to one that is there, and start again"
    if error.errno in _OF_A_PATH and name:
        what = error.strerror or errno.errorcode[error.errno]
        return f"{what[:1].lower()}{what[1:]}: {name}; check the path, and the disk that it is on"
    return None


def _current_folder_is_there() -> bool:
    try:
        return Path.cwd().is_dir()
    except FileNotFoundError:  # removed, or moved over, since the shell went there
        return False


_OF_A_PATH = (errno.ENOENT, errno.ENAMETOOLONG, errno.ELOOP, errno.EIO, errno.ESTALE, errno.EBUSY)
