"""Mistakes that a user can mend: one sentence, exit code 2, no traceback."""

from __future__ import annotations

import errno
import sys


class UserError(Exception):
    """What is wrong, where, and how to mend it, in one sentence."""


def user_message(error: BaseException) -> str | None:
    """The sentence to print for an error that is the user's to mend, else None.

    Covers this package's and lead's own errors, a full disk, a missing permission, and a file where
    a folder is wanted or the other way round.
    """
    if isinstance(error, UserError):
        return str(error)
    lead_errors = sys.modules.get("lead.errors")  # where it is not imported it was not raised
    if lead_errors is not None and isinstance(error, lead_errors.LeadError):
        return str(error)
    if isinstance(error, OSError):
        name = error.filename2 or error.filename
        place = f" ({name})" if name else ""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return (
                f"the disk is full{place}; what was finished is kept: free some space and go on "
                "with --resume"
            )
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return f"no permission to write{place}; choose another folder"
        if error.errno in (errno.EEXIST, errno.ENOTDIR):
            return f"a file is in the way where a folder is wanted{place}; choose another folder"
        if error.errno == errno.EISDIR:
            return f"a folder is in the way where a file is wanted{place}; choose another name"
    return None
