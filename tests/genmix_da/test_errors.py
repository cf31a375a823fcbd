"""Which errors of the system a user can mend, and in which words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full (place)"),
        (errno.EDQUOT, "the disk is full (place)"),
        (errno.EACCES, "no permission to read or write (place)"),
        (errno.EROFS, "no permission to write (place)"),
        (errno.ENAMETOOLONG, "file name too long: place"),
        (errno.ELOOP, "too many levels of symbolic links: place"),
        (errno.ENOENT, "no such file or directory: place"),
        (errno.EIO, "input/output error: place"),
        (errno.ESTALE, "stale file handle: place"),
        (errno.EEXIST, "a file is in the way"),
        (errno.EISDIR, "a folder is in the way"),
    ],
)
def test_system_errors_that_a_user_can_mend(number: int, words: str) -> None:
    from genmix_da.errors import user_message

    said = user_message(OSError(number, os.strerror(number), "place"))
    assert said is not None
    assert words in said


def test_a_current_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from genmix_da.errors import user_message

    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    (tmp_path / "here").rmdir()
    with pytest.raises(FileNotFoundError) as caught:
        Path("x").absolute()
    said = user_message(caught.value)
    assert said is not None
    assert "the current folder is gone" in said


def test_a_file_that_is_cut_off() -> None:
    from genmix_da.errors import user_message

    assert user_message(EOFError()) == ("a file that was read is empty or cut off (unexpected end)")


def test_other_errors_are_bugs() -> None:
    from genmix_da.errors import user_message

    assert user_message(OSError(errno.EPIPE, "broken pipe")) is None
    assert user_message(OSError(errno.ENOENT, "no file of a path")) is None
    assert user_message(ValueError("a bug")) is None
