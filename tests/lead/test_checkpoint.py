"""Checkpoints: round trips, damaged files and files of the authors."""

import hashlib
import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save, save_file
from torch import nn

from lead.checkpoint import (
    load_checkpoint,
    load_state,
    read_released_checkpoint,
    read_tensors,
    save_checkpoint,
    save_state,
)
from lead.errors import WeightsError
from lead.network import Network


class Payload:
    """Unpickling this makes a folder: stands for any code that a file could run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def make_network(seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return Network(nn.Linear(6, 5), 5, 3, 4)


def test_round_trip(tmp_path: Path) -> None:
    network = make_network()
    path = tmp_path / "source.safetensors"
    save_checkpoint(path, network.state_dict(), {"epoch": 3, "classes": ["é", "b"]})
    state, metadata = load_checkpoint(path)
    assert metadata == {"epoch": 3, "classes": ["é", "b"]}
    assert state.keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(state[name], tensor), name
        assert state[name].dtype == tensor.dtype
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "source.json",
        "source.safetensors",
    ]


def test_the_file_is_the_library_s_own_byte_for_byte(tmp_path: Path) -> None:
    tensors = {
        **make_network().state_dict(),
        "b é": torch.arange(3, dtype=torch.int64),
        "a": torch.tensor(True),
        "half": torch.ones(2, 5, dtype=torch.bfloat16),
        "double": torch.rand(7, 3, dtype=torch.float64),
        "none": torch.empty(0, 4),
    }
    save_checkpoint(tmp_path / "a.safetensors", tensors, {})
    assert (tmp_path / "a.safetensors").read_bytes() == save(tensors)


def test_channels_last_tensors_are_saved(tmp_path: Path) -> None:
    weight = torch.rand(4, 3, 5, 5).to(memory_format=torch.channels_last)
    save_checkpoint(tmp_path / "a.safetensors", {"weight": weight}, {})
    assert torch.equal(load_checkpoint(tmp_path / "a.safetensors")[0]["weight"], weight)


def test_overwriting_replaces_both_files(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for value in (1, 2):
        save_checkpoint(path, {"x": torch.full((2,), float(value))}, {"value": value})
    state, metadata = load_checkpoint(path)
    assert state["x"].tolist() == [2, 2]
    assert metadata == {"value": 2}


def test_nan_in_the_metadata_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_checkpoint(tmp_path / "a.safetensors", {"x": torch.ones(1)}, {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin"])
@pytest.mark.parametrize("key", [None, "model_state_dict", "state_dict", "model"])
def test_torch_files_are_read(tmp_path: Path, suffix: str, key: str | None) -> None:
    state = make_network().state_dict()
    path = tmp_path / f"weights{suffix}"
    torch.save(state if key is None else {key: state, "epoch": 3}, path)
    found = read_tensors(path)
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)


@pytest.mark.parametrize("reader", [read_tensors, read_released_checkpoint, load_state])
def test_pickled_code_is_refused_and_does_not_run(tmp_path: Path, reader) -> None:
    harm = tmp_path / "harm"
    path = tmp_path / "weights.pth"
    torch.save({"weight": torch.ones(2), "payload": Payload(harm)}, path)
    with pytest.raises(WeightsError):
        reader(path)
    assert not harm.exists()
    # The file is as dangerous as it is meant to be.
    torch.load(path, weights_only=False)
    assert harm.exists()


def test_refused_pickle_says_why(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"payload": Payload(tmp_path / "harm")}, path)
    with pytest.raises(WeightsError, match="could run code; convert it to safetensors"):
        read_tensors(path)


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_truncated_weights(tmp_path: Path, name: str, kept: float) -> None:
    path = tmp_path / name
    state = {"weight": torch.rand(50, 50)}
    save_file(state, path) if path.suffix == ".safetensors" else torch.save(state, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(WeightsError, match=name):
        read_tensors(path)


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
def test_truncated_state(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "state.pt"
    save_state(path, {"epoch": 1, "network": make_network().state_dict()})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(WeightsError, match="cannot read training state"):
        load_state(path)


@pytest.mark.parametrize("content", [b"hello world", "early end", "middle"])
@pytest.mark.parametrize("reader", [read_tensors, load_state])
def test_damaged_pickle(tmp_path: Path, content: bytes | str, reader) -> None:
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
        with pytest.raises(WeightsError):
            reader(path)
        return
    torch.save({"weight": torch.rand(9, 9)}, path, _use_new_zipfile_serialization=False)
    whole = path.read_bytes()
    cuts = range(len(whole) // 2) if content == "early end" else range(len(whole) // 2, len(whole))
    for cut in cuts:
        path.write_bytes(whole[:cut])
        with pytest.raises(WeightsError):
            reader(path)


@pytest.mark.parametrize(
    "content", [[1, 2], {"a": 1}, {"state_dict": {"a": "b"}}, torch.ones(2)], ids=str
)
def test_file_without_tensors_by_name(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match="not a state dict of tensors"):
        read_tensors(tmp_path / "x.pth")


def test_missing_files_are_named(tmp_path: Path) -> None:
    for reader in (read_tensors, load_checkpoint, load_state):
        with pytest.raises(WeightsError, match=r"gone\.safetensors"):
            reader(tmp_path / "gone.safetensors")


@pytest.mark.parametrize("place", [0.3, 0.5, 0.9])
def test_a_state_of_which_one_bit_is_another_is_refused(tmp_path: Path, place: float) -> None:
    path = tmp_path / "state.pt"
    save_state(path, {"x": torch.arange(10_000), "epoch": 3})
    assert load_state(path)["epoch"] == 3
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"state\.pt: .*; remove it to train from the beginning"):
        load_state(path)


@pytest.mark.parametrize(
    "text", [None, "{", "[1]", "[" * 100_000], ids=["missing", "broken", "a list", "nested"]
)
def test_metadata_that_cannot_be_used(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, {"x": torch.ones(1)}, {})
    path.with_suffix(".json").unlink()
    if text is not None:
        path.with_suffix(".json").write_text(text)
    with pytest.raises(WeightsError, match=r"a\.json"):
        load_checkpoint(path)


@pytest.mark.parametrize("damage", ["another", "a bit"])
def test_tensors_that_are_not_those_described(tmp_path: Path, damage: str) -> None:
    path, other = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    save_checkpoint(path, {"x": torch.ones(4)}, {})
    save_checkpoint(other, {"x": torch.zeros(4)}, {})
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(other.read_bytes() if damage == "another" else content)
    with pytest.raises(WeightsError, match=r"a\.safetensors is damaged, or not the"):
        load_checkpoint(path)


def test_checkpoints_of_earlier_versions_have_no_digest(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, {"x": torch.ones(4)}, {"epoch": 1})
    path.with_suffix(".json").write_text('{"epoch": 1}')
    assert load_checkpoint(path)[1] == {"epoch": 1}


def test_metadata_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, {"x": torch.ones(1)}, {})
    path.with_suffix(".json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WeightsError, match=r"a\.json"):
        load_checkpoint(path)


def test_state_round_trip(tmp_path: Path) -> None:
    network = make_network()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.rand(4, 6))[1].sum().backward()
    optimizer.step()
    path = tmp_path / "state.pt"
    save_state(path, {"epoch": 3, "coefficient": 1.5, "optimizer": optimizer.state_dict()})
    state = load_state(path)
    assert (state["epoch"], state["coefficient"]) == (3, 1.5)
    for index, values in optimizer.state_dict()["state"].items():
        saved = state["optimizer"]["state"][index]["momentum_buffer"]
        assert torch.equal(saved, values["momentum_buffer"])


def test_state_of_another_kind(tmp_path: Path) -> None:
    torch.save([1], tmp_path / "state.pt")
    with pytest.raises(WeightsError, match="not a training state"):
        load_state(tmp_path / "state.pt")


def test_metadata_is_readable_text(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.safetensors", {"x": torch.ones(1)}, {"b": 1, "a": [1, 2]})
    text = (tmp_path / "a.json").read_text()
    digest = hashlib.sha256((tmp_path / "a.safetensors").read_bytes()).hexdigest()
    held = json.loads(text)
    assert len(held.pop("description_sha256")) == 64
    assert held == {"a": [1, 2], "b": 1, "sha256": digest}
    assert text.endswith("}\n")
    assert text.index('"a"') < text.index('"b"')


def test_a_changed_description_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    about = {"threshold": 0.55, "classes": ("a", "b"), "rule": None, "by": {2: 1.0e-7}}
    save_checkpoint(path, {"x": torch.ones(1)}, about)
    assert load_checkpoint(path)[1] == json.loads(json.dumps(about))
    text = path.with_suffix(".json").read_text()
    path.with_suffix(".json").write_text(text.replace("0.55", "0.15"))
    with pytest.raises(WeightsError, match=r"a\.json is not as it was written"):
        load_checkpoint(path)
    # Earlier versions wrote no digest of it.
    held = json.loads(text)
    held.pop("description_sha256")
    path.with_suffix(".json").write_text(json.dumps(held))
    assert load_checkpoint(path)[1]["threshold"] == 0.55


def test_plain_pickle_with_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(pickle.dumps({"payload": Payload(tmp_path / "harm")}))
    with pytest.raises(WeightsError):
        read_tensors(path)
    assert not (tmp_path / "harm").exists()
