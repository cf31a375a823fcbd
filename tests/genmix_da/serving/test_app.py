"""What requests get: the answers of predict, or one clear sentence and a 4xx."""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genmix_da import load_model
from genmix_da.errors import UserError
from genmix_da.serving.answers import Answerer
from genmix_da.serving.app import make_app
from genmix_da.serving.uploads import Limits

_FORM = {"content-type": "multipart/form-data"}


def send(client: Any, *contents: bytes, cam: bool = False, name: str = "photo.png") -> Any:
    files = [("files", (name, content)) for content in contents]
    return client.post("/predict", params={"cam": cam}, files=files)


def png(width: int = 40, height: int = 30) -> bytes:
    held = io.BytesIO()
    shades = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(shades).save(held, "PNG")
    return held.getvalue()


def test_answers_are_those_of_predict(client: Any, finished: Any, photos: list[Path]) -> None:
    answer = send(client, *(photo.read_bytes() for photo in photos))
    assert answer.status_code == 200
    expected = load_model(finished.folder, "cpu").predict(photos, graph=False)
    found = answer.json()["images"]
    assert [row["predicted"] for row in found] == expected.predicted.tolist()
    assert [row["rejected"] for row in found] == expected.rejected.tolist()
    assert [row["best_class"] for row in found] == expected.best_class.tolist()
    assert [row["uncertainty"] for row in found] == pytest.approx(expected.uncertainty, abs=1e-5)
    best = np.sort(expected.probability, axis=1)[:, ::-1][:, :3]
    told = [[item["probability"] for item in row["top"]] for row in found]
    assert np.allclose(told, best, atol=1e-5)


def test_graph_decides_where_it_is_asked_for(finished: Any, photos: list[Path]) -> None:
    model = load_model(finished.folder, "cpu")
    pictures = [Image.open(photo).convert("RGB") for photo in photos]
    found = Answerer(model, "demo", graph=True).answer(pictures)
    expected = model.predict(photos, graph=True).graph
    assert expected is not None
    assert [row["predicted"] for row in found] == expected.predicted.tolist()
    assert [row["uncertainty"] for row in found] == pytest.approx(expected.uncertainty, abs=1e-5)
    shown = Answerer(model, "demo", graph=True).about()["threshold"]
    assert shown == expected.threshold == finished.result["graph"]["threshold"] != model.threshold


@pytest.mark.parametrize("which", ["open", "closed"])
def test_threshold_of_the_user(finished: Any, closed: Path, photos: list[Path], which: str) -> None:
    model = load_model(finished.folder if which == "open" else closed, "cpu")
    pictures = [Image.open(photo).convert("RGB") for photo in photos]
    strict = Answerer(model, "demo", threshold=1e-6)
    assert all(row["predicted"] == "unknown" for row in strict.answer(pictures))
    assert strict.about()["threshold"] == 1e-6


def test_about(client: Any, finished: Any) -> None:
    told = client.get("/about").json()
    assert told["classes"] == list(load_model(finished.folder, "cpu").classes)
    assert told["threshold"] == pytest.approx(0.85)
    assert told["limits"] == {"images": 16, "megabytes": 25.0, "megapixels": 100.0}


def test_grad_cam_is_a_picture_of_the_networks_size(client: Any, photos: list[Path]) -> None:
    (row,) = send(client, photos[0].read_bytes(), cam=True).json()["images"]
    import base64

    kind, _, content = row["cam"].partition(",")
    assert kind == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (32, 32)


def test_a_backbone_that_cannot_be_looked_into_still_answers(
    client: Any, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from genmix_da.serving import answers

    def closed(*_: Any) -> Any:
        raise RuntimeError("no hooks\nsecond line")

    monkeypatch.setattr(answers, "overlays", closed)
    (row,) = send(client, photos[0].read_bytes(), cam=True).json()["images"]
    assert row["cam"] is None
    assert row["no_cam"] == "the backbone can't be looked into (no hooks)"
    assert row["predicted"]


def test_a_classifier_rejects_nothing_by_itself(classifier: Path, photos: list[Path]) -> None:
    from fastapi.testclient import TestClient

    served = Answerer(load_model(classifier, "cpu"), "flowers")
    client = TestClient(make_app(served), base_url="http://127.0.0.1")
    assert client.get("/about").json()["threshold"] is None
    found = send(client, *(p.read_bytes() for p in photos), cam=True).json()["images"]
    assert not any(row["rejected"] for row in found)
    assert all(row["cam"] for row in found)


def test_one_bad_picture_costs_the_others_nothing(client: Any) -> None:
    answer = send(client, b"no picture", png(), b"")
    assert answer.status_code == 200
    bad, good, empty = answer.json()["images"]
    assert "not an image" in bad["error"]
    assert good["predicted"]
    assert empty["error"] == "the file is empty"


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + check

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    body = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _jpeg() -> bytes:
    held = io.BytesIO()
    Image.open(io.BytesIO(png(90, 70))).save(held, "JPEG")
    return held.getvalue()


def bad_uploads() -> Iterator[tuple[str, bytes, set[int]]]:
    """Two hundred: name, bytes, statuses that fit."""
    draw = random.Random(5)
    whole, photo = png(90, 70), _jpeg()
    for number in range(40):
        yield f"text-{number}.png", draw.randbytes(draw.randrange(1, 4000)), {415, 422}
        yield f"empty-{number}.jpg", b"", {422}
        yield f"cut-{number}.png", whole[: draw.randrange(40, len(whole) - 100)], {415, 422}
        side = draw.randrange(11_000, 2**31 - 1)
        yield f"bomb-{number}.png", bomb(side, draw.randrange(11_000, 60_000)), {413, 422}
    for number in range(20):
        yield f"cut-{number}.jpg", photo[: draw.randrange(20, len(photo) // 2)], {415, 422}
    for number in range(5):
        yield f"page-{number}.html", b"<!doctype html><p>hello</p>" * (number + 1), {415}
        yield f"archive-{number}.zip", b"PK\x03\x04" + draw.randbytes(200), {415}
        yield f"../../etc/passwd-{number}", b"root:x:0:0", {415}
        yield f"large-{number}.png", bytes(2_100_000 + number), {413}


def test_two_hundred_bad_uploads(answerer: Any) -> None:
    from fastapi.testclient import TestClient

    app = make_app(answerer, Limits(megabytes=2))
    client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    tried = 0
    for name, content, statuses in bad_uploads():
        answer = send(client, content, name=name)
        assert answer.status_code in statuses, (name, answer.status_code, answer.text)
        told = answer.json()
        assert told["detail"] and "\n" not in told["detail"]
        assert "Traceback" not in answer.text and "/" not in told["detail"]
        assert told["images"][0]["name"] == name  # as it was sent, and never opened as a place
        tried += 1
    assert tried == 200
    assert send(client, png()).status_code == 200


@pytest.mark.parametrize(
    ("post", "status", "reason"),
    [
        (lambda c: c.post("/predict", content=png()), 415, "multipart form"),
        (lambda c: c.post("/predict", json={"files": "x"}), 415, "multipart form"),
        (lambda c: c.post("/predict", data={"a": "b"}, files={}), 415, "multipart form"),
        (lambda c: send(c, *([png()] * 17)), 413, "16 pictures"),
        (lambda c: send(c, *([b""] * 40)), 413, "16 pictures"),
        (lambda c: c.post("/predict", content=b"x", headers=_FORM), 400, "boundary"),
        (lambda c: c.post("/predict?cam=perhaps", files={"f": png()}), 422, ""),
        (lambda c: c.get("/predict"), 405, "Method Not Allowed"),
        (lambda c: c.get("/../../etc/passwd"), 404, "Not Found"),
        (lambda c: c.get("/%2e%2e/%2e%2e/etc/passwd"), 404, "Not Found"),
        (lambda c: c.get("/page/../app.py"), 404, "Not Found"),
        (lambda c: c.get("/about", headers={"host": "evil.example"}), 400, "Invalid host"),
    ],
)
def test_requests_of_another_kind(
    client: Any, post: Callable[[Any], Any], status: int, reason: str
) -> None:
    answer = post(client)
    assert answer.status_code == status
    assert reason in answer.text


def test_a_form_without_files(client: Any) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/predict", content=body, headers=kind)
    assert (answer.status_code, answer.json()["detail"]) == (422, "there is no file in the form")


@pytest.mark.parametrize("announced", [True, False])
def test_a_request_of_too_many_bytes_ends_early(answerer: Any, announced: bool) -> None:
    from fastapi.testclient import TestClient

    client = TestClient(
        make_app(answerer, Limits(images=1, megabytes=0.1)), base_url="http://127.0.0.1"
    )
    given = 0

    def body() -> Iterator[bytes]:
        nonlocal given
        yield b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
        for _ in range(400):
            given += 10_000
            yield bytes(10_000)

    content = b"".join(body()) if announced else body()
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/predict", content=content, headers=kind)
    assert answer.status_code == 413
    assert "this has more" in answer.json()["detail"]


def test_page_loads_nothing_from_elsewhere(client: Any) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for text in (page.text, client.get("/page.css").text, client.get("/page.js").text):
        assert "http://" not in text and "https://" not in text


def test_a_threshold_that_is_a_rule_is_refused(adapt_once: Any, tmp_path: Path) -> None:
    run = adapt_once("--split", "3/1/2", "--threshold", "otsu", "--seed", "9")
    source = Path(run.result["source_model"]["folder"])
    with pytest.raises(UserError, match=r"rule"):
        Answerer(load_model(source, "cpu"), "source")
