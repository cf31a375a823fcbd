"""Methods that read class names, on a tiny CLIP of the real class with random weights."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from genmix_da.errors import UserError
from genmix_da.frozen.class_texts import TEMPLATES, class_texts, spoken
from genmix_da.methods.clip_head import calibrated_temperature, calibration_error

pytest.importorskip("transformers")
SIDE, WIDTH = 32, 12


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole CLIP: both towers, image processor, a tokenizer of single letters."""
    import transformers as t

    folder = tmp_path_factory.mktemp("clip") / "model"
    letters = [*string.ascii_lowercase, *".,"]
    words = [*letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary = {word: n for n, word in enumerate([*words, "<|startoftext|>", "<|endoftext|>"])}
    shape = {"num_hidden_layers": 1, "num_attention_heads": 2, "hidden_size": 16}
    shape |= {"intermediate_size": 24}
    ends = {"bos_token_id": len(words), "eos_token_id": len(words) + 1}
    config = t.CLIPConfig(
        text_config=shape
        | ends
        | {"vocab_size": len(vocabulary), "max_position_embeddings": 60, "projection_dim": WIDTH},
        vision_config=shape | {"patch_size": 8, "image_size": SIDE, "projection_dim": WIDTH},
        projection_dim=WIDTH,
    )
    torch.manual_seed(5)
    t.CLIPModel(config).eval().save_pretrained(folder)
    crop = {"size": {"shortest_edge": 36}, "crop_size": {"height": SIDE, "width": SIDE}}
    t.CLIPImageProcessor(**crop).save_pretrained(folder)
    t.CLIPTokenizer(vocab=vocabulary, merges=[]).save_pretrained(folder)
    return folder


@pytest.fixture
def options(clip: Path, data: Path) -> tuple[object, ...]:
    return (
        *("adapt", "--data", data, "--src", "Art", "--tgt", "Clipart", "--split", "3/1/2"),
        *("--freeze-backbone", "--backbone", f"transformers:{clip}", "--batch-size", "8"),
        *("--source-epochs", "2", "--epochs", "2", "--device", "cpu", "--seed", "1"),
    )


def test_folders_as_words() -> None:
    assert spoken("Alarm_Clock") == "alarm clock"
    assert spoken("T-Shirt") == "t shirt"


def test_embeddings_are_those_of_the_text_tower(clip: Path) -> None:
    import transformers as t

    found, scale = class_texts(clip, ["Mug", "Alarm_Clock"])
    model = t.CLIPModel.from_pretrained(clip)
    tower = t.CLIPTextModelWithProjection.from_pretrained(clip)
    tokenizer = t.AutoTokenizer.from_pretrained(clip)
    texts = [template.format("alarm clock") for template in TEMPLATES]
    with torch.no_grad():
        tokens = tokenizer(texts, padding=True, return_tensors="pt")
        embedding = torch.nn.functional.normalize(tower(**tokens).text_embeds, dim=1).mean(dim=0)
    expected = embedding / embedding.norm()
    torch.testing.assert_close(found[1], expected, atol=1e-6, rtol=1e-5)
    assert scale == pytest.approx(float(model.logit_scale.exp()))


@pytest.mark.parametrize("method", ["clip-zero-shot", "clip-distill"])
def test_a_run(
    method: str, run: Callable, options: tuple[object, ...], tmp_path: Path, data: Path
) -> None:
    out = tmp_path / "run"
    result = run(*options, "--method", method, "--out", out, "--json").json()
    assert result["method"] == f"{method} (frozen)"
    assert result["scores"]["last"]["epoch"] == (1 if method == "clip-zero-shot" else 2)
    again = run("evaluate", out, "--data", data, "--tgt", "Clipart", "--json").json()
    assert again["scores"]["accuracy"] == pytest.approx(result["scores"]["last"]["accuracy"])
    assert again["graph"]["scores"]["auroc"] == pytest.approx(result["graph"]["last"]["auroc"])
    predicted = run("predict", out, data / "Clipart", "--out", tmp_path / "predicted.csv")
    assert predicted.code == 0, predicted.err
    resumed = run(*options, "--method", method, "--out", out, "--resume", "--json").json()
    assert resumed["scores"] == result["scores"]


def test_a_backbone_without_a_text_tower_is_refused(
    run: Callable,
    complaint: Callable,
    tower: Callable[[str], Path],
    options: tuple[object, ...],
    tmp_path: Path,
) -> None:
    out = ("--method", "clip-zero-shot", "--out", tmp_path / "run")
    said = complaint(run(*options, "--backbone", f"transformers:{tower('dinov2')}", *out))
    assert "'dinov2' model, which reads no class names" in said
    said = complaint(run(*options[:7], "--method", "clip-zero-shot", "--out", tmp_path / "run"))
    assert "add --freeze-backbone --backbone transformers:" in said


def test_a_model_without_a_tokenizer_is_refused(tower: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match="no tokenizer"):
        class_texts(tower("clip"), ["Mug"])


def test_the_temperature_makes_overconfident_predictions_honest() -> None:
    """Of eight classes four are the known half: these are right in 7 of 10 cases."""
    draw = np.random.default_rng(0)
    labels = torch.from_numpy(draw.integers(0, 8, 4000))
    told = torch.where(torch.from_numpy(draw.random(4000) < 0.7), labels, (labels + 1) % 8)
    logits = 30.0 * torch.nn.functional.one_hot(told, 8).float()
    found = calibrated_temperature(logits, labels)
    assert found > 5
    inside = labels < 4
    before, after = (
        float(calibration_error(torch.softmax(logits[inside, :4] / t, dim=1), labels[inside]))
        for t in (1.0, found)
    )
    assert after < before / 2


def test_the_calibration_error_of_a_known_case() -> None:
    probability = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.35, 0.65]])
    found = calibration_error(probability, torch.tensor([0, 1, 1, 1]))
    # Bin of 0.9: right in half, 2 x |0.9 - 0.5|; bin of 0.6: both right, |0.6 + 0.65 - 2|.
    assert float(found) == pytest.approx((0.8 + 0.75) / 4, abs=1e-6)


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_too_few_classes_leave_the_temperature_at_one(classes: int) -> None:
    logits = torch.randn(6, classes)
    assert calibrated_temperature(logits, torch.arange(6) % classes) == 1.0
