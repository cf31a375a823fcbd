"""Image lists as people write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from genmix_da.data.domains import find_domains, load_domain
from genmix_da.data.lists import is_list, read_list
from genmix_da.errors import UserError


def written(file: Path, text: str | bytes) -> Path:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def pairs(file: Path) -> list[tuple[str, str]]:
    return [(line.path, line.label) for line in read_list(file)]


WANTED = [("a/my photo.jpg", "3"), ("b/2.PNG", "11")]


@pytest.mark.parametrize(
    "text",
    [
        "a/my photo.jpg 3\nb/2.PNG 11\n",
        "a/my photo.jpg\t3\nb/2.PNG\t11",
        "a/my photo.jpg,3\nb/2.PNG,11\n",
        "a/my photo.jpg; 3\nb/2.PNG; 11\n",
        '"a/my photo.jpg",3\n"b/2.PNG",11\n',
        '"a/my photo.jpg" 3\n"b/2.PNG" 11\n',
        "a/my photo.jpg 3 0.5 more\nb/2.PNG 11 0.1 words\n",
        "a/my photo.jpg,3,cup\nb/2.PNG,11,mug\n",
        "path,label\na/my photo.jpg,3\nb/2.PNG,11\n",
        "Label;Image Path\n3;a/my photo.jpg\n11;b/2.PNG\n",
        "path label\na/my photo.jpg 3\nb/2.PNG 11\n",
        "3,a/my photo.jpg\n11,b/2.PNG\n",
        "# a comment\n\na/my photo.jpg 3\r\n# another\r\nb/2.PNG 11\r\n",
        "a/my photo.jpg 3\rb/2.PNG 11\r",
    ],
)
def test_separators_headers_quotes_and_comments(text: str, tmp_path: Path) -> None:
    assert pairs(written(tmp_path / "d.txt", text)) == WANTED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    text = "café/1.jpg 0\nthé/2.jpg 1\n"
    content = text.encode(encoding)
    if encoding == "utf-16-le":
        content = b"\xff\xfe" + content
    file = written(tmp_path / "d.txt", content)
    assert pairs(file) == [("café/1.jpg", "0"), ("thé/2.jpg", "1")]
    assert is_list(file)


def test_class_names_with_blanks(tmp_path: Path) -> None:
    file = written(tmp_path / "d.txt", "x/1.jpg alarm clock\nx/2.jpg 'hot dog'\n")
    assert pairs(file) == [("x/1.jpg", "alarm clock"), ("x/2.jpg", "hot dog")]


def test_paths_with_separators_in_them(tmp_path: Path) -> None:
    assert pairs(written(tmp_path / "a.txt", "f,comma/1;2.jpg 3\n")) == [("f,comma/1;2.jpg", "3")]
    file = written(tmp_path / "b.csv", '"f,comma/1.jpg",3\n')
    assert pairs(file) == [("f,comma/1.jpg", "3")]


def test_windows_paths_lead_to_the_files(tmp_path: Path) -> None:
    (tmp_path / "cup").mkdir()
    (tmp_path / "cup/1.jpg").touch()
    written(tmp_path / "d.txt", "cup\\1.jpg 0\n")
    assert load_domain(tmp_path, "d").images == (tmp_path / "cup/1.jpg",)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("x/1.jpg 0\nx/2.jpg ²\n", "²"),
        ("x/1.jpg 0\nx/2.jpg cup\n", "cup"),
        ("1.jpg 0\n2.jpg -1", "-1"),
    ],
)
def test_labels_are_numbers_or_names_and_not_both(text: str, label: str, tmp_path: Path) -> None:
    written(tmp_path / "d.txt", text)
    with pytest.raises(UserError, match=rf"line 2 of .* has the label '{label}'"):
        load_domain(tmp_path, "d")


def test_a_number_of_thousands_of_digits_is_no_label(tmp_path: Path) -> None:
    file = written(tmp_path / "d.txt", "a.jpg 1\nb.jpg " + "9" * 5000 + "\n")
    with pytest.raises(UserError, match=r"line 2 of .* has a label of 5000 digits; mend it"):
        load_domain(tmp_path, "d")
    file.write_text("a.jpg 1\nb.jpg 2\n")
    assert load_domain(tmp_path, "d").labels == ("1", "2")


def test_a_line_that_is_endless_is_refused_and_not_quoted(tmp_path: Path) -> None:
    file = written(tmp_path / "d.csv", "path,label\na.jpg,1\nb.jpg," + "x" * 200_000)
    with pytest.raises(UserError, match="line 3 of") as caught:
        read_list(file)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "path,label\n"])
def test_nothing_in_it(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"d\.csv"):
        read_list(written(tmp_path / "d.csv", text))


@pytest.mark.parametrize("text", ["notes on 3 things\n", "", "{}", "a.jpg\n", "\x00\x01"])
def test_other_texts_are_no_lists(text: str, tmp_path: Path) -> None:
    assert not is_list(written(tmp_path / "d.txt", text))


def test_gaps_and_widths_of_numbers(tmp_path: Path) -> None:
    written(tmp_path / "A.txt", "x/1.jpg 1\nx/2.jpg 3\n")
    written(tmp_path / "B.txt", "x/1.jpg 001\nx/2.jpg 12\n")
    assert load_domain(tmp_path, "A").classes == ("1", "3")
    assert load_domain(tmp_path, "B").classes == ("01", "12")


def test_a_table_names_domains_and_parts(tmp_path: Path) -> None:
    rows = ["path,label,domain,part", "1.jpg,cup,Art,train", "2.jpg,mug,Art,test"]
    rows += ["3.jpg,cup,Photo,Training", "4.jpg,mug,Photo,val"]
    written(tmp_path / "labels.csv", "\n".join(rows))
    for root in (tmp_path, tmp_path / "labels.csv"):
        assert set(find_domains(root)) == {"Art", "Photo"}
        assert load_domain(root, "art").labels == ("cup", "mug")
        assert load_domain(root, "Photo", part="train").labels == ("cup",)
    with pytest.raises(UserError, match="no image of Art in the part val"):
        load_domain(tmp_path, "Art", part="val")


def test_a_list_beside_a_folder_asks_which(tmp_path: Path) -> None:
    (tmp_path / "Art" / "cup").mkdir(parents=True)
    (tmp_path / "Art" / "cup" / "1.jpg").touch()
    (tmp_path / "Art" / "cup" / "2.jpg").touch()
    written(tmp_path / "art.txt", "Art/cup/1.jpg 0\n")
    with pytest.raises(UserError, match=r"name the one that is meant: Art/ or art\.txt"):
        load_domain(tmp_path, "Art")
    assert len(load_domain(tmp_path, "Art/").images) == 2
    assert len(load_domain(tmp_path, "art.txt").images) == 1


def test_parts_in_the_names_of_lists(tmp_path: Path) -> None:
    for name, count in (("real_train", 3), ("real_test", 2), ("sketch_train", 1)):
        written(tmp_path / f"{name}.txt", "".join(f"{name}/{n}.jpg 0\n" for n in range(count)))
    assert set(find_domains(tmp_path)) == {"real", "sketch"}
    assert len(load_domain(tmp_path, "real").images) == 5
    assert len(load_domain(tmp_path, "real", part="testing").images) == 2
    with pytest.raises(UserError, match="sketch has the parts train; there is no test"):
        load_domain(tmp_path, "sketch", part="test")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("set.zip", "is an archive; unpack it and give the folder."),
        ("set.tar.gz", "is an archive; unpack it"),
        ("shard-00.tar", "(shards of webdataset: 'datasets:"),
        ("notes.txt", "is neither a folder nor a list of 'path label' lines"),
    ],
)
def test_a_file_that_is_no_list_is_refused(
    name: str, expected: str, refused: Callable, tmp_path: Path
) -> None:
    assert expected in refused("--data", written(tmp_path / name, "no list"))


def test_tables_of_other_things_are_no_domains(tmp_path: Path) -> None:
    written(tmp_path / "Art.csv", "path,label\n1.jpg,cup\n")
    written(tmp_path / "predictions.csv", "path,predicted\n1.jpg,cup\n")
    written(tmp_path / "sizes.csv", "1.jpg,300\n")
    assert set(find_domains(tmp_path)) == {"Art"}
    assert len(load_domain(tmp_path, "sizes.csv").images) == 1  # where it is named


def test_a_list_without_parts_has_none(tmp_path: Path) -> None:
    written(tmp_path / "Art.txt", "1.jpg 0\n2.jpg 1\n")
    with pytest.raises(UserError, match=r"Art\.txt says of no image which part it is of"):
        load_domain(tmp_path, "Art", part="train")
