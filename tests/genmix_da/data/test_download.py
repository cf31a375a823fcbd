"""Downloads: whole files alone, gone on with after an interruption, from a local server."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genmix_da.data import download as module
from genmix_da.data.download import download
from genmix_da.errors import UserError

CONTENT = bytes(range(256)) * 4000


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT.

    Attributes:
        cuts: after how many bytes the next answers end; none: whole.
        ranges: whether it goes on in the middle.
        status: of every answer instead, where not None.
        version: of the file.
        asked: the Range headers so far.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.version = CONTENT, '"one"'
        self.cuts: list[int] = []
        self.ranges, self.status = True, None
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/data/set%20one.zip?x=1"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Any

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range")
        server.asked.append(asked)
        if server.status is not None:
            self.send_error(server.status)
            return
        begin = 0
        if asked and server.ranges and self.headers.get("If-Range") == server.version:
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            if begin >= len(server.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(server.content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        body = server.content[begin:]
        self.send_response(206 if begin else 200)
        if begin:
            last = len(server.content) - 1
            self.send_header("Content-Range", f"bytes {begin}-{last}/{last + 1}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", server.version)
        self.end_headers()
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    with Server() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def test_a_file_is_fetched_once(server: Server, tmp_path: Path) -> None:
    file = download(server.url, tmp_path / "new")
    assert (file.name, file.read_bytes()) == ("set_one.zip", CONTENT)
    assert [path.name for path in file.parent.iterdir()] == ["set_one.zip"]
    assert download(server.url, tmp_path / "new") == file
    assert server.asked == [None]


def test_an_interrupted_connection_is_taken_up(server: Server, tmp_path: Path) -> None:
    server.cuts = [300_000, 1, 200_000]
    assert download(server.url, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=300001-", "bytes=500001-"]


def test_an_interrupted_process_goes_on(server: Server, tmp_path: Path) -> None:
    server.cuts = [400_000, *[0] * 10]
    with pytest.raises(UserError, match=r"400000 of 1024000 bytes.*check the network|kept"):
        download(server.url, tmp_path)
    assert (tmp_path / "set_one.zip.part").stat().st_size == 400_000
    assert not (tmp_path / "set_one.zip").exists()
    server.cuts = []
    assert download(server.url, tmp_path).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=400000-"


def test_killed_before_the_new_name(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set_one.zip.part").write_bytes(CONTENT)
    (tmp_path / "set_one.zip.part.json").write_text(json.dumps({"version": server.version}))
    assert download(server.url, tmp_path).read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize("why", ["changed", "no ranges", "no note", "damaged note"])
def test_what_can_t_be_gone_on_with_is_fetched_anew(
    server: Server, tmp_path: Path, why: str
) -> None:
    (tmp_path / "set_one.zip.part").write_bytes(b"of another version")
    note = tmp_path / "set_one.zip.part.json"
    note.write_text(json.dumps({"version": server.version}))
    if why == "changed":
        server.version = '"two"'
    elif why == "no ranges":
        server.ranges = False
    elif why == "no note":
        note.unlink()
    else:
        note.write_text("{")
    assert download(server.url, tmp_path).read_bytes() == CONTENT


def test_a_page_that_is_not_there(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(UserError, match=r"answers HTTP 404 .*browser\.$"):
        download(server.url, tmp_path)
    assert len(server.asked) == 1


def test_a_server_in_trouble_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.status = 503
    with pytest.raises(UserError, match="HTTP 503"):
        download(server.url, tmp_path)
    assert len(server.asked) == 5


def test_without_a_network_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unreachable)
    with pytest.raises(UserError, match=r"name or service not known\); check the network"):
        download("http://example.org/a.zip", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("url", ["http://", "http://h/", "http://[/a.zip", "http://h:x/a.zip"])
def test_urls_that_are_none(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    with pytest.raises(UserError):
        download(url, tmp_path)
