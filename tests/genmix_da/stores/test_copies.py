"""What moves between a store and its copies, by fsspec's own file system in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from genmix_da.errors import UserError
from genmix_da.places import address_of, store_copies, user_path, with_addresses
from genmix_da.stores.copies import fetch, is_there, push, pushed, remove, sent_together
from genmix_da.stores.listing import Listing
from genmix_da.stores.notes import Notes
from genmix_da.stores.reach import store_of
from lead.files import write_atomically

URL = "memory://bucket/runs/one"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda file: file.write_text(text))


def broken(patch: pytest.MonkeyPatch, files: Any, name: str, times: int, kind: type[Exception]):
    """A function of a file system fails so many times."""
    left = [times]
    whole = getattr(type(files), name)

    def fails(self: object, *arguments: object, **options: object) -> object:
        left[0] -= 1
        if left[0] >= 0:
            raise kind("no route to host")
        return whole(self, *arguments, **options)

    patch.setattr(type(files), name, fails)
    patch.setattr("time.sleep", lambda seconds: None)


def test_a_file_is_sent_when_it_is_replaced(bucket: Any, elsewhere: Any) -> None:
    folder = user_path(URL)
    write(folder / "a" / "config.yaml", "seed: 1")
    assert bucket.cat("/bucket/runs/one/a/config.yaml") == b"seed: 1"
    elsewhere("elsewhere")
    assert fetch(user_path(URL)) == user_path(URL) != folder
    assert (user_path(URL) / "a" / "config.yaml").read_text() == "seed: 1"


def test_paths_and_urls_are_each_others_names() -> None:
    for url in (URL, "s3://b/a b/ü/x.txt", "file:///tmp/runs", "s3://b/%/../up/."):
        assert address_of(user_path(url)) == url
    assert user_path("s3://b//double") == user_path("s3:/b/double") == user_path("s3://b/double")
    assert user_path("s3://bucket/runs/") == user_path(Path("s3://bucket/runs"))
    assert user_path("s3://bucket/../../../etc").is_relative_to(user_path("s3://bucket"))
    assert address_of(Path("runs/one")) is None
    assert user_path(Path("no-protocol:/runs/one")) == Path("no-protocol:/runs/one")


def test_what_changed_in_the_store_is_fetched(bucket: Any, elsewhere: Any) -> None:
    write(user_path(URL) / "state", "epoch 1")
    elsewhere("elsewhere")
    write(fetch(user_path(URL)) / "state", "epoch 2, longer")
    write(user_path(URL) / "more", "x")
    elsewhere("cache")
    assert (user_path(URL) / "state").read_text() == "epoch 1"
    fetch(user_path(URL))
    assert (user_path(URL) / "state").read_text() == "epoch 2, longer"
    assert (user_path(URL) / "more").read_text() == "x"
    elsewhere("elsewhere")
    remove(user_path(URL) / "more")
    elsewhere("cache")
    fetch(user_path(URL))
    assert not (user_path(URL) / "more").exists()


def test_what_was_not_sent_stays_and_is_sent(bucket: Any) -> None:
    folder = user_path(URL)
    write(folder / "state", "epoch 1")
    (folder / "state").write_text("epoch 2")  # whole here, and its writer was killed then
    (folder / "new").write_text("x")
    fetch(folder)
    assert (folder / "state").read_text() == "epoch 2"
    assert (folder / "new").read_text() == "x"
    push(folder)
    assert bucket.cat("/bucket/runs/one/state") == b"epoch 2"
    assert bucket.cat("/bucket/runs/one/new") == b"x"


def test_nothing_is_sent_twice(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = user_path(URL)
    write(folder / "a", "1")
    write(folder / "b", "2")
    sent: list[str] = []
    put = type(bucket).put_file
    monkeypatch.setattr(
        type(bucket), "put_file", lambda self, path, to: (sent.append(path), put(self, path, to))
    )
    push(folder)
    fetch(folder)
    assert sent == []
    (folder / "b").write_text("22")
    push(folder)
    assert sent == [str(folder / "b")]


def test_many_files_are_sent_at_the_end(bucket: Any) -> None:
    folder = user_path(URL)
    with sent_together(folder):
        for number in range(20):
            write(folder / "images" / f"{number}.jpg", str(number))
        write(user_path("memory://bucket/other"), "x")
        assert not bucket.exists("/bucket/runs/one/images")
        assert bucket.exists("/bucket/other")
    assert len(bucket.ls("/bucket/runs/one/images")) == 20


def test_unwanted_suffixes_are_left(bucket: Any, elsewhere: Any) -> None:
    write(user_path(URL) / "state.pt", "big")
    write(user_path(URL) / "result.json", "{}")
    elsewhere("elsewhere")
    folder = fetch(user_path(URL), leave=(".pt",))
    assert [file.name for file in folder.iterdir()] == ["result.json"]
    assert is_there(folder / "state.pt") and not is_there(folder / "nothing.pt")
    fetch(folder)
    assert (folder / "state.pt").read_text() == "big"


def test_sending_is_tried_again(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, bucket, "put_file", 2, OSError)
    write(user_path(URL) / "state", "epoch 1")
    assert bucket.cat("/bucket/runs/one/state") == b"epoch 1"


@pytest.mark.parametrize(("kind", "times"), [(OSError, 3), (PermissionError, 1)])
def test_what_cannot_be_sent_is_kept_and_said(
    bucket: Any, monkeypatch: pytest.MonkeyPatch, kind: type[Exception], times: int
) -> None:
    folder = user_path(URL)
    with monkeypatch.context() as patch:
        broken(patch, bucket, "put_file", times, kind)
        with pytest.raises(UserError) as raised:
            write(folder / "state", "epoch 1")
    assert f"cannot write {URL}/state: no route to host; it is kept below {store_copies()}" in str(
        raised.value
    )
    assert (folder / "state").read_text() == "epoch 1"
    push(folder)
    assert bucket.cat("/bucket/runs/one/state") == b"epoch 1"


def test_a_store_that_cannot_be_read_is_said(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, bucket, "find", 9, ConnectionError)
    with pytest.raises(UserError, match=f"cannot read {URL}: no route to host; check the address"):
        fetch(user_path(URL))


def test_a_listing_knows_what_was_there(bucket: Any) -> None:
    for name in ("a.jpg", "b.jpg"):
        write(user_path(f"{URL}/ab/{name}"), "x")
    listing = Listing()
    assert listing.holds(user_path(f"{URL}/ab/a.jpg"))
    assert not listing.holds(user_path(f"{URL}/ab/c.jpg"))
    assert not listing.holds(user_path(f"{URL}/cd/a.jpg"))
    assert not listing.holds(Path("ab/a.jpg"))


def test_a_cut_off_note_is_none(bucket: Any, elsewhere: Any) -> None:
    folder = user_path(URL)
    write(folder / "a", "1")
    (notes,) = store_copies().rglob("files.jsonl")
    notes.write_text(notes.read_text()[:-10])
    assert not Notes().has(folder / "a")
    write(folder / "b", "2")
    assert Notes().is_sent(folder / "b") and not Notes().has(folder / "a")
    (folder / "a").write_text("22")
    push(folder)
    assert bucket.cat("/bucket/runs/one/a") == b"22"


def test_folders_that_a_console_made_are_no_files(bucket: Any) -> None:
    write(user_path(URL) / "a", "1")
    find = {"/bucket/runs/one/": {"size": 0, "type": "file"}, "/bucket/runs/one/a": {"size": 1}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(bucket), "find", lambda self, root, detail: find)
        store = store_of(user_path(URL))
        assert store is not None
        assert list(store.found(user_path(URL))) == [user_path(URL) / "a"]


def test_a_store_without_marks_is_read_again(
    bucket: Any, elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genmix_da.stores.reach._TAGS", ())
    write(user_path(URL) / "state", "epoch 1")
    elsewhere("other")
    write(fetch(user_path(URL)) / "state", "epoch 7")
    elsewhere("cache")
    assert (fetch(user_path(URL)) / "state").read_text() == "epoch 7"


def test_a_file_that_is_half_sent_is_not_there(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(user_path(URL) / "state", "epoch 1")
    put = type(bucket).put_file

    def killed(self: Any, path: str, to: str) -> None:
        put(self, path, to)
        self.pipe(to, self.cat(to)[:3])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(bucket), "put_file", killed)
        with pytest.raises(KeyboardInterrupt):
            write(user_path(URL) / "state", "epoch 2")
    assert bucket.cat("/bucket/runs/one/state") == b"epoch 1"
    assert (fetch(user_path(URL)) / "state").read_text() == "epoch 2"


@pytest.mark.parametrize("exact", [False, True])
def test_what_was_never_sent_is_not_removed(bucket: Any, exact: bool) -> None:
    folder = user_path(URL)
    write(folder / "a", "1")
    (folder / "unsent").write_text("x")
    bucket.rm("/bucket/runs/one/a")
    fetch(folder, exact=exact)
    assert [file.name for file in folder.iterdir()] == ["unsent"]
    fetch(user_path("memory://bucket/runs/typo"), exact=exact)
    assert (folder / "unsent").exists()


def test_what_is_written_anew_outlives_a_note_of_what_is_gone(bucket: Any) -> None:
    folder = user_path(URL)
    write(folder / "state", "epoch 1")
    bucket.rm("/bucket/runs/one/state")
    (folder / "state").write_text("epoch 1 again")  # could not be sent
    fetch(folder)
    assert (folder / "state").read_text() == "epoch 1 again"


def test_what_another_process_sends_meanwhile_is_not_gone(
    bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = user_path(URL)
    write(folder / "a", "1")
    find = type(bucket).find

    def slow(self: Any, *arguments: Any, **options: Any) -> Any:
        found = find(self, *arguments, **options)
        write(folder / "new", "2")
        return found

    monkeypatch.setattr(type(bucket), "find", slow)
    fetch(folder)
    assert (folder / "new").read_text() == "2"


def test_an_error_is_not_hidden_by_a_store_that_fails(
    bucket: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = user_path(URL)
    folder.mkdir(parents=True)
    broken(monkeypatch, bucket, "put_file", 99, OSError)
    with pytest.raises(KeyboardInterrupt), pushed(folder):
        (folder / "log.txt").write_text("x")
        raise KeyboardInterrupt
    assert f"cannot write {URL}/log.txt: no route to host" in caplog.messages[-1]
    with pytest.raises(UserError, match=r"cannot write .*log.txt"), pushed(folder):
        pass


def test_chains_are_refused() -> None:
    with pytest.raises(UserError, match="is a chain of protocols"):
        user_path("simplecache::s3://bucket/runs")


def test_sentences_name_urls(bucket: Any) -> None:
    for url in (URL, "file:///tmp/runs"):
        assert with_addresses(f"no run in {user_path(url)}/a, b") == f"no run in {url}/a, b"
    assert with_addresses(f"kept below {store_copies()};") == f"kept below {store_copies()};"
