"""A store over HTTP: moto answers as S3 does, so that processes and machines share it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

pytest.importorskip("s3fs", reason="needs s3fs: pip install 'genmix-da[s3]'")
server = pytest.importorskip("moto.server", reason="needs moto: pip install 'moto[s3,server]'")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The file system of a server with the bucket "bucket"."""
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    files = fsspec.filesystem("s3")
    files.mkdir("bucket")
    yield files
    files.rm("bucket", recursive=True)
    running.stop()
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_a_run_on_two_devices_goes_on_elsewhere_on_one(
    s3: Any, adapt: Callable, run: Callable, data: Path, elsewhere: Callable, tmp_path: Path
) -> None:
    small = ("--split", "3/1/2", "--device", "auto")
    outcome = adapt(*small, "--devices", "cpu,cpu", "--out", "s3://bucket/runs/run")
    assert outcome.code == 0, outcome.err
    record = json.loads(s3.cat("bucket/runs/run/result.json"))
    assert record["source_model"]["folder"].startswith("s3://bucket/runs/sources/Art-")
    elsewhere("other")
    assert run("predict", "s3://bucket/runs/run", data / "Art", "--out", tmp_path / "p").code == 0
    s3.rm("bucket/runs/run/result.json")
    s3.rm("bucket/runs/run/checkpoint.safetensors")
    outcome = adapt(*small, "--out", "s3://bucket/runs/run", "--resume")
    assert outcome.code == 0, outcome.err
    again = json.loads(s3.cat("bucket/runs/run/result.json"))
    assert again["source_only"] == record["source_only"]


def test_workers_share_a_table(s3: Any, run: Callable, data: Path, tiny_table: tuple) -> None:
    outcome = run(*tiny_table, "--engine", "workers:2", "--out", "s3://bucket/table")
    assert outcome.code == 0, outcome.err
    table = json.loads(s3.cat("bucket/table/table.json"))
    assert [row["state"] for row in table["runs"]] == ["done"] * 2
    assert s3.glob("bucket/table/sources/*/checkpoint.safetensors")


def test_no_bucket_is_made(s3: Any, adapt: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    outcome = adapt("--split", "3/1/2", "--out", "s3://buckte/run")
    assert outcome.code == 2
    assert "genmix-da: cannot write s3://buckte/run/" in outcome.err
    assert s3.ls("") == ["bucket"]
