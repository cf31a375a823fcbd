"""Which errors of the system a user can mend, and in which words."""

from __future__ import annotations

import errno
import os

import pytest


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full (place)"),
        (errno.EDQUOT, "the disk is full (place)"),
        (errno.EACCES, "no permission to write (place)"),
        (errno.EROFS, "no permission to write (place)"),
        (errno.EEXIST, "a file is in the way"),
        (errno.EISDIR, "a folder is in the way"),
    ],
)
def test_system_errors_that_a_user_can_mend(number: int, words: str) -> None:
    from genmix_da.errors import user_message

    said = user_message(OSError(number, os.strerror(number), "place"))
    assert said is not None
    assert words in said


def test_other_errors_are_bugs() -> None:
    from genmix_da.errors import user_message

    assert user_message(OSError(errno.EPIPE, "broken pipe")) is None
    assert user_message(ValueError("a bug")) is None
