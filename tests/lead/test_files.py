"""Files that are replaced as a whole, and who is told of them."""

from pathlib import Path

import pytest

from lead.files import write_atomically


def test_failing_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def half(file: Path) -> None:
        file.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, half)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_written_file_replaces_the_old_one_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def write(file: Path) -> None:
        file.write_text("new")
        assert path.read_text() == "old"

    write_atomically(path, write)
    assert path.read_text() == "new"


@pytest.mark.parametrize("name", ["", ".", "..", "/"])
def test_what_is_no_name_of_a_file_is_not_written(name: str) -> None:
    with pytest.raises(IsADirectoryError):
        write_atomically(Path(name), lambda file: file.write_text("x"))


def test_listeners_are_told_of_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Path, str]] = []
    monkeypatch.setattr("lead.files.LISTENERS", [lambda p: told.append((p, p.read_text()))])
    write_atomically(tmp_path / "a", lambda file: file.write_text("1"))
    with pytest.raises(ZeroDivisionError):
        write_atomically(tmp_path / "b", lambda file: file.write_text(str(1 // 0)))
    assert told == [(tmp_path / "a", "1")]
