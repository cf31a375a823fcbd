"""A hub on loopback: as much of its HTTP interface as sending and fetching a repository take."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Hub:
    """Repositories, and what was asked.

    Attributes:
        address: of the server.
        files: "models/OWNER/NAME" or "datasets/OWNER/NAME" -> path -> content.
        private: which were made so.
        token: that writing takes.
        asked: method and path of every request.
    """

    address: str = ""
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    token: str = "secret"
    asked: list[str] = field(default_factory=list)


SHA = "0123456789abcdef0123456789abcdef01234567"


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def _answer(self, status: int, body: object = b"", **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _missing(self) -> None:
        self._answer(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        place = urlsplit(unquote(self.path)).path
        self.hub.asked.append(f"POST {place}")
        if self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._answer(401, {"error": "Invalid credentials"})
            return
        parts = place.strip("/").split("/")
        if place == "/api/repos/create":
            asked = json.loads(body)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            kind = f"{asked.get('type') or 'model'}s"
            self.hub.files.setdefault(f"{kind}/{name}", {})
            self.hub.private[f"{kind}/{name}"] = asked.get("visibility") == "private" or bool(
                asked.get("private")
            )
            shown = name if kind == "models" else f"{kind}/{name}"
            self._answer(200, {"url": f"{self.hub.address}/{shown}", "name": name})
        elif place == "/api/validate-yaml":  # the head of a card
            self._answer(200, {"errors": [], "warnings": []})
        elif "preupload" in parts:
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self._answer(200, {"files": files})
        elif "commit" in parts:
            held = self.hub.files["/".join(parts[1:4])]
            for line in body.splitlines():
                item = json.loads(line)
                if item["key"] == "file":
                    held[item["value"]["path"]] = base64.b64decode(item["value"]["content"])
            url = f"{self.hub.address}/{'/'.join(parts[2:4])}/commit/{SHA}"
            self._answer(200, {"success": True, "commitOid": SHA, "commitUrl": url})
        else:
            self._missing()

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline().strip() or b"0", 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def do_GET(self) -> None:
        place = urlsplit(unquote(self.path)).path
        self.hub.asked.append(f"{self.command} {place}")
        parts = place.strip("/").split("/")
        if parts[0] == "api":
            held = self.hub.files.get("/".join(parts[1:4]))
            if held is None:
                self._missing()
            elif "tree" in parts:
                rows = [{"type": "file", "path": p, "size": len(c)} for p, c in held.items()]
                self._answer(200, [row | {"oid": SHA} for row in rows])
            else:
                names = [{"rfilename": name} for name in held]
                name = "/".join(parts[2:4])
                self._answer(200, {"id": name, "sha": SHA, "siblings": names, "tags": []})
            return
        content = self.hub.files.get(f"models/{'/'.join(parts[:2])}", {}).get("/".join(parts[4:]))
        if content is None:
            self._missing()
            return
        tag = hashlib.sha1(content).hexdigest()
        self._answer(200, content, ETag=f'"{tag}"', X_Repo_Commit=SHA)

    do_HEAD = do_GET


@contextmanager
def running() -> Iterator[Hub]:
    """A hub that answers until the end of the block."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
