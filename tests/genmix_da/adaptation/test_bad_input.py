"""Bad input: exit code 2 and one line that says what is wrong, where, and how to mend it."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

OPDA = ("--split", "3/1/2")
QUICK = (*OPDA, "--source-epochs", 1, "--epochs", 1, "--cluster-estimator", "features")


@pytest.fixture
def copy(data: Path, tmp_path: Path) -> Path:
    """A copy of two domains that may be damaged."""
    root = tmp_path / "copy"
    for domain in ("Art", "Clipart"):
        shutil.copytree(data / domain, root / domain)
    return root


@pytest.fixture
def result_of(tmp_path: Path) -> Callable[[], dict[str, Any]]:
    return lambda: json.loads((tmp_path / "runs" / "run" / "result.json").read_text())


# --- data ------------------------------------------------------------------------------------


def test_missing_data_folder(refused: Callable, tmp_path: Path) -> None:
    said = refused("--data", tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in said
    assert "ROOT/<Domain>/<class>/<image>" in said
    assert "--data" in said


def test_data_folder_without_domains(refused: Callable, tmp_path: Path) -> None:
    (tmp_path / "hollow").mkdir()
    assert "no domain folder under" in refused("--data", tmp_path / "hollow")


@pytest.mark.parametrize("role", ["--src", "--tgt"])
def test_empty_domain(refused: Callable, copy: Path, role: str) -> None:
    (copy / "Empty" / "apple").mkdir(parents=True)
    said = refused("--data", copy, role, "Empty")
    assert str(copy / "Empty") in said
    assert "no image" in said


@pytest.mark.parametrize("role", ["--src", "--tgt"])
def test_unknown_domain_suggests_the_nearest(refused: Callable, role: str) -> None:
    said = refused(role, "Produkt")
    assert "no domain 'Produkt'" in said
    assert "did you mean 'Product'?" in said
    assert "Art, Clipart, Product" in said


@pytest.mark.parametrize("role", ["--src", "--tgt"])
def test_empty_name_is_no_domain(
    refused: Callable, role: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data / "Art")  # which would do as a folder of classes
    assert "no domain ''" in refused(role, "")


def test_missing_source_or_target_option(run: Callable, complaint: Callable) -> None:
    assert "--src" in complaint(run("adapt", "--tgt", "Art"))
    assert "--tgt" in complaint(run("adapt", "--src", "Art"))


@pytest.mark.parametrize("target", ["Art", "ar", "folder"])
def test_same_domain_twice(
    refused: Callable, data: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data.parent)
    # The root relative, the target absolute: one folder under two names.
    name = data / "Art" if target == "folder" else target
    said = refused("--data", data.name, "--tgt", name)
    assert "source and target are both Art" in said


def test_source_without_classes(refused: Callable, copy: Path) -> None:
    (copy / "Flat").mkdir()
    shutil.copy(copy / "Art" / "fig" / "00.jpg", copy / "Flat")
    said = refused("--data", copy, "--src", "Flat")
    assert "no class folders" in said
    assert str(copy / "Flat") in said


def test_no_shared_class(refused: Callable, make_data: Callable, tmp_path: Path) -> None:
    root = make_data(tmp_path / "own", ("Left",), ("a", "b"))
    make_data(root, ("Right",), ("c", "d"))
    said = refused("--data", root, "--src", "Left", "--tgt", "Right")
    assert "Left and Right share no class" in said
    assert "a, b" in said
    assert "c, d" in said
    assert "--split" in said


def test_malformed_image_list(refused: Callable, copy: Path) -> None:
    (copy / "Listed.txt").write_text("Art/fig/00.jpg 5\nArt/fig/01.png\n")
    said = refused("--data", copy, "--tgt", "Listed")
    assert "line 2 of" in said
    assert "Listed.txt" in said


# --- splits and settings ---------------------------------------------------------------------


def test_split_that_asks_for_too_many_classes(refused: Callable) -> None:
    said = refused("--split", "5/3/2")
    assert "5/3/2" in said
    assert "10 classes" in said
    assert "6" in said


@pytest.mark.parametrize("split", ["3-1-2", "3/1", "-3/1/2", "a/b/c", ""])
def test_malformed_split(refused: Callable, split: str) -> None:
    said = refused(f"--split={split}")
    assert "S/P/T" in said or "split" in said


@pytest.mark.parametrize(
    "content",
    [
        "shared: [apple]\nprivate: [fig]\n",
        "shared: apple\n",
        "- apple\n",
        "",
    ],
)
def test_split_file_with_other_keys(refused: Callable, tmp_path: Path, content: str) -> None:
    file = tmp_path / "split.yaml"
    file.write_text(content)
    said = refused("--split", file)
    assert str(file) in said
    assert "shared, source_private, target_private" in said


@pytest.mark.parametrize("content", [b"shared: [apple\nx: {", b"\xff\xfe\x00"])
def test_split_file_that_is_not_yaml(refused: Callable, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "split.yaml"
    file.write_bytes(content)
    assert f"cannot read the split file {file}" in refused("--split", file)


def test_split_file_that_is_a_folder(refused: Callable, tmp_path: Path) -> None:
    assert f"cannot read the split file {tmp_path}" in refused("--split", tmp_path)


def test_split_file_with_a_class_that_is_not_there(refused: Callable, tmp_path: Path) -> None:
    file = tmp_path / "split.yaml"
    file.write_text("shared: [apple, kiwi]\n")
    said = refused("--split", file)
    assert "Art has no images of" in said
    assert "kiwi" in said


def test_split_without_a_shared_class(refused: Callable) -> None:
    assert "share no class" in refused("--split", "0/3/3")


def test_class_in_two_sets(refused: Callable, tmp_path: Path) -> None:
    file = tmp_path / "split.yaml"
    file.write_text("shared: [apple]\ntarget_private: [apple]\n")
    assert "'apple'" in refused("--split", file)


def test_pda_with_target_private_classes(refused: Callable) -> None:
    said = refused("--split", "3/1/2", "--setting", "pda")
    assert "no target-private class, the split has 2" in said
    assert "S/P/0" in said


def test_osda_with_source_private_classes(refused: Callable) -> None:
    said = refused("--split", "3/1/2", "--setting", "osda")
    assert "no source-private class, the split has 1" in said
    assert "S/0/T" in said


def test_unknown_setting(refused: Callable) -> None:
    said = refused("--setting", "opd")
    assert "'opd'" in said
    assert "opda, osda, pda" in said


def test_unknown_profile(refused: Callable) -> None:
    said = refused("--profile", "office")
    assert "no profile 'office'" in said
    assert "office-home, office-31" in said


def test_profile_of_a_data_set_without_data(run: Callable, complaint: Callable) -> None:
    said = complaint(run("adapt", "--src", "a", "--tgt", "b", "--profile", "visda-c"))
    assert "--profile visda-c needs its images" in said
    assert "--data" in said


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--epochs", 0),
        ("--source-epochs", -1),
        ("--batch-size", 1),
        ("--bottleneck-dim", 0),
        ("--image-size", 0),
        ("--lr", 0),
        ("--lr", "nan"),
        ("--source-lr", -1),
        ("--label-smoothing", 1),
        ("--threshold", "nan"),
    ],
)
def test_number_out_of_range(refused: Callable, option: str, value: object) -> None:
    said = refused(*OPDA, option, value)
    assert f"{option[2:].replace('-', '_')} is " in said
    assert "must be" in said


def test_unknown_option_value(refused: Callable) -> None:
    for option, value in (("cluster_estimator", "umap"), ("confident_weight", "x")):
        assert f"{option} is" in refused(f"--{option.replace('_', '-')}", value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is there")
def test_cuda_where_there_is_none(refused: Callable) -> None:
    said = refused(*OPDA, "--device", "cuda")
    assert "--device cpu" in said


# --- configuration file ----------------------------------------------------------------------


def test_config_file_with_an_unknown_key(refused: Callable, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("ephocs: 3\n")
    assert "'ephocs'; did you mean 'epochs'?" in refused("--config", file)


@pytest.mark.parametrize("content", [b"a: [b\nc: {d\n", b"\xff\xfe\x00", b"- epochs\n", b""])
def test_config_file_that_cannot_be_read(refused: Callable, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    assert str(file) in refused("--config", file)


def test_config_file_that_is_missing(refused: Callable, tmp_path: Path) -> None:
    assert str(tmp_path / "no.yaml") in refused("--config", tmp_path / "no.yaml")


@pytest.mark.parametrize(
    "line", ["bottleneck_dim: wide", "label_smoothing: [1]", "seed: true", "mixed_precision: maybe"]
)
def test_config_file_with_a_value_of_another_kind(
    refused: Callable, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(line)
    assert f"{line.partition(':')[0]} is " in refused("--config", file)


# --- backbone and weights --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("resnet51", "did you mean 'resnet50'"),
        ("timm:mobilenetv3_smal_050", "did you mean 'mobilenetv3_small_050'"),
        ("hub:resnet50", "timm:NAME"),
    ],
)
def test_unknown_backbone(refused: Callable, name: str, hint: str) -> None:
    said = refused(*OPDA, "--backbone", name)
    assert name.removeprefix("timm:") in said
    assert hint in said


def test_backbone_argument_that_it_does_not_take(refused: Callable) -> None:
    said = refused(*OPDA, "--backbone-arg", "bogus=1")
    assert "bogus" in said


def test_missing_weights_file(refused: Callable, tmp_path: Path) -> None:
    said = refused(*OPDA, "--weights", tmp_path / "no.pth")
    assert str(tmp_path / "no.pth") in said
    assert "--weights" in said


def test_weights_that_do_not_fit(
    refused: Callable, tmp_path: Path, result_of: Callable[[], dict[str, Any]]
) -> None:
    import timm

    file = tmp_path / "other.pth"
    torch.save(timm.create_model("mobilenetv3_small_075").state_dict(), file)
    said = refused(*OPDA, "--weights", file)
    assert "do not fit backbone 'timm:mobilenetv3_small_050'" in said
    assert "--backbone" in said
    result = result_of()
    assert result["status"] == "failed"
    assert "do not fit" in result["reason"]


@pytest.mark.parametrize("name", ["garbage.pth", "garbage.safetensors"])
def test_weights_that_are_no_weights(refused: Callable, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"garbage" * 50)
    assert str(tmp_path / name) in refused(*OPDA, "--weights", tmp_path / name)


class Payload:
    """What a hostile checkpoint would hold."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os._exit, (77,))


def test_weights_cannot_run_code(refused: Callable, tmp_path: Path) -> None:
    torch.save({"weight": Payload()}, tmp_path / "evil.pth")
    assert "could run code" in refused(*OPDA, "--weights", tmp_path / "evil.pth")


def test_source_checkpoint_that_does_not_fit(
    refused: Callable, finished: Any, tmp_path: Path
) -> None:
    checkpoint = finished.folder / "checkpoint.safetensors"
    said = refused("--split", "3/2/1", "--source-checkpoint", checkpoint)
    assert "other classes" in said
    missing = tmp_path / "no.safetensors"
    assert str(missing) in refused("--source-checkpoint", missing, *OPDA, "--seed", 1)


# --- images ----------------------------------------------------------------------------------


def test_fewer_source_images_than_a_batch(refused: Callable, tmp_path: Path) -> None:
    said = refused(*OPDA, "--batch-size", 50)
    assert "Art has 48 images" in said
    assert "--batch-size 48" in said
    assert not (tmp_path / "runs").exists()  # found before anything was begun


def test_fewer_target_images_than_a_batch(refused: Callable, copy: Path, tmp_path: Path) -> None:
    for image in (copy / "Clipart").glob("*/*"):
        if not image.stem.endswith(("0", "1")):
            image.unlink()
    said = refused(*OPDA, "--data", copy, "--batch-size", 40)
    assert "Clipart has 20 images" in said
    assert "--batch-size 20" in said
    assert not (tmp_path / "runs").exists()


def test_one_corrupt_image_is_skipped_counted_and_named(
    adapt: Callable, copy: Path, tmp_path: Path, result_of: Callable[[], dict[str, Any]]
) -> None:
    damaged = copy / "Clipart" / "fig" / "03.png"
    damaged.write_bytes(damaged.read_bytes()[:100])
    outcome = adapt("--data", copy, *QUICK)
    assert outcome.code == 0
    assert "1 unreadable images were skipped" in outcome.out
    result = result_of()
    assert [item["path"] for item in result["skipped_files"]] == [str(damaged)]
    assert result["skipped_files"][0]["reason"]
    assert result["images"]["target"] == 59
    log = (tmp_path / "runs" / "run" / "log.txt").read_text()
    assert f"skipped {damaged}: " in log
    assert str(damaged) not in (tmp_path / "runs" / "run" / "predictions.csv").read_text()


@pytest.mark.parametrize(("damaged", "code"), [(3, 0), (4, 2)])  # of 72; 5 % are 3.6
def test_five_percent_corrupt_images_are_the_limit(
    adapt: Callable, complaint: Callable, copy: Path, damaged: int, code: int
) -> None:
    for number in range(damaged):
        (copy / "Art" / "apple" / f"{2 * number:02}.jpg").write_bytes(b"not an image")
    outcome = adapt("--data", copy, *QUICK)
    assert outcome.code == code
    if code == 2:
        said = complaint(outcome)
        assert "4 of 72 images of Art cannot be read" in said
        assert "apple" in said
        assert "genmix-da data check" in said


def test_labelled_target_without_unknown_samples(
    adapt: Callable, copy: Path, result_of: Callable[[], dict[str, Any]]
) -> None:
    for name in ("elder", "fig"):
        shutil.rmtree(copy / "Clipart" / name)
    outcome = adapt("--data", copy, *QUICK)
    assert outcome.code == 0
    assert "Clipart has no image of a target-private class" in outcome.err
    result = result_of()
    for block in (result["source_only"], result["scores"]["last"]):
        assert block["h_score"] is None
        assert block["unknown_accuracy"] is None
        assert block["accuracy"] is not None
    assert result["scores"]["oracle"] is None


def test_diverging_training(refused: Callable, result_of: Callable[[], dict[str, Any]]) -> None:
    said = refused(*QUICK, "--source-lr", 1e30)
    assert "diverged" in said
    assert "lower the" in said
    assert result_of()["status"] == "failed"


# --- run folder ------------------------------------------------------------------------------


def test_folder_of_another_run(refused: Callable, adapt: Callable) -> None:
    assert adapt(*QUICK).code == 0
    said = refused(*QUICK, "--seed", 5)
    assert "holds another run (seed 2021 instead of 5" in said
    assert "--out" in said


def test_folder_of_a_run_on_other_images(adapt: Callable, complaint: Callable, copy: Path) -> None:
    assert adapt("--data", copy, *QUICK).code == 0
    shutil.copy(copy / "Clipart" / "fig" / "01.png", copy / "Clipart" / "fig" / "03.png")
    assert "holds another run" in complaint(adapt("--data", copy, *QUICK, "--resume"))


def test_finished_run_is_not_overwritten(adapt: Callable, complaint: Callable) -> None:
    assert adapt(*QUICK).code == 0
    said = complaint(adapt(*QUICK))
    assert "already holds a finished run" in said
    assert "--resume" in said


def test_unfinished_run_is_not_overwritten(
    adapt: Callable, complaint: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("genmix_da.adaptation.run.obtain_source", interrupted)
        assert adapt(*QUICK).code == 130
    said = complaint(adapt(*QUICK))
    assert "already holds an unfinished run" in said
    assert "--resume" in said


@pytest.mark.parametrize("content", [b'{"status": ', b"\xff\xfe\x00", b""])
def test_damaged_result(
    adapt: Callable, complaint: Callable, tmp_path: Path, content: bytes
) -> None:
    assert adapt(*QUICK).code == 0
    file = tmp_path / "runs" / "run" / "result.json"
    file.write_bytes(content)
    said = complaint(adapt(*QUICK, "--resume"))
    assert str(file) in said
    assert "remove it" in said
    file.unlink()
    assert adapt(*QUICK, "--resume").code == 0  # the way to mend it works


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\x00"])
def test_damaged_config(refused: Callable, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "runs" / "run" / "config.yaml"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    assert str(file) in refused(*QUICK)


def test_damaged_training_state(
    adapt: Callable, complaint: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("genmix_da.adaptation.added_graph.write_predictions", interrupted)
        assert adapt(*QUICK).code == 130
    file = tmp_path / "runs" / "run" / "state.pt"
    file.write_bytes(file.read_bytes()[:1000])
    assert str(file) in complaint(adapt(*QUICK, "--resume"))


def test_out_is_a_file(refused: Callable, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert str(file) in refused(*QUICK, "--out", file)
    assert str(file) in refused(*QUICK, "--out", file / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_out_cannot_be_written(refused: Callable, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    said = refused(*QUICK, "--out", locked / "run")
    assert "no permission" in said
    assert str(locked) in said


@pytest.mark.parametrize("place", ["cache", "result"])
def test_full_disk(
    adapt: Callable, complaint: Callable, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        if place == "cache":
            patch.setattr("genmix_da.data.decode.os.posix_fallocate", full)
        else:
            patch.setattr("genmix_da.adaptation.added_graph.write_predictions", full)
        assert "the disk is full" in complaint(adapt(*QUICK))
    assert adapt(*QUICK, "--resume").code == 0


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full (place)"),
        (errno.EDQUOT, "the disk is full (place)"),
        (errno.EACCES, "no permission to write (place)"),
        (errno.EROFS, "no permission to write (place)"),
        (errno.EEXIST, "a file is in the way"),
        (errno.EISDIR, "a folder is in the way"),
    ],
)
def test_system_errors_that_a_user_can_mend(number: int, words: str) -> None:
    from genmix_da.errors import user_message

    said = user_message(OSError(number, os.strerror(number), "place"))
    assert said is not None
    assert words in said


def test_other_errors_are_bugs() -> None:
    from genmix_da.errors import user_message

    assert user_message(OSError(errno.EPIPE, "broken pipe")) is None
    assert user_message(ValueError("a bug")) is None


def test_split_file_keeps_yaml_names_as_text(
    adapt: Callable, make_data: Callable, tmp_path: Path
) -> None:
    # YAML reads unquoted digits as numbers; the folders are still called that.
    root = make_data(tmp_path / "digits", classes=("1", "2", "3"))
    file = tmp_path / "split.yaml"
    file.write_text(yaml.safe_dump({"shared": [1, 2], "target_private": [3]}))
    outcome = adapt("--data", root, *QUICK, "--split", file, "--setting", "osda")
    assert outcome.code == 0, outcome.err
