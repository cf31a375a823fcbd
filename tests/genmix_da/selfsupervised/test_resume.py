"""A pre-training that was interrupted ends, resumed, exactly as one that never was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from genmix_da.runs.folder import RunFolder
from genmix_da.selfsupervised import train
from lead.checkpoint import load_state


@pytest.mark.parametrize(("epoch", "saved"), [(1, True), (2, False), (3, True)])
@pytest.mark.parametrize("method", ["moco-v2", "simsiam"])
def test_interrupted(
    data: Path,
    tmp_path: Path,
    tiny: dict[str, Any],
    genmix: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    epoch: int,
    saved: bool,
) -> None:
    own = {"norm_group": None} if method == "simsiam" else {}
    given = tiny | genmix | {"data": str(data / "Art"), "method": method, **own}
    given |= {"augmented": tmp_path / "augmented"}
    whole = train(out=tmp_path / "whole", **given)
    save = RunFolder.save_state

    def stopping(self: RunFolder, state: Any, metrics: list[dict[str, Any]]) -> None:
        here = metrics[-1]["epoch"] == epoch
        if saved or not here:
            save(self, state, metrics)
        if here:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_state", stopping)
        with pytest.raises(KeyboardInterrupt):
            train(out=tmp_path / "run", **given)
    state = load_state(tmp_path / "run" / "state.pt")
    assert state["memory"].keys() == ({"keys", "place"} if method == "moco-v2" else set())
    assert any(name.startswith("keys.") for name in state["network"]) == (method == "moco-v2")
    resumed = train(out=tmp_path / "run", resume=True, **given)
    assert resumed["last_epoch"] == whole["last_epoch"]
    found = [(folder / "checkpoint.safetensors").read_bytes() for folder in _both(tmp_path)]
    assert found[0] == found[1]
    losses = [
        [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in _both(tmp_path)
    ]
    assert losses[0] == losses[1]


def _both(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "whole", tmp_path / "run"
