"""Backbones of torchvision and timm; nothing here may reach for the network."""

import re
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file

from lead.backbones import build_backbone, load_backbone_weights
from lead.errors import WeightsError


@pytest.fixture(scope="module")
def resnet_state() -> dict[str, torch.Tensor]:
    """A state dict of torchvision's resnet18, its classifier included."""
    import torchvision

    torch.manual_seed(0)
    return torchvision.models.resnet18(weights=None).state_dict()


def output_width(backbone) -> int:
    with torch.no_grad():
        features = backbone.module.eval()(torch.zeros(2, 3, 64, 64))
    assert features.ndim == 2
    return features.shape[1]


def test_torchvision_resnet() -> None:
    backbone = build_backbone("resnet18", weights="none")
    assert backbone.feature_dim == output_width(backbone) == 512
    preprocessing = backbone.preprocessing
    assert (preprocessing.image_size, preprocessing.resize_size) == (224, 256)
    assert preprocessing.mean == (0.485, 0.456, 0.406)
    assert preprocessing.std == (0.229, 0.224, 0.225)
    assert preprocessing.interpolation == "bilinear"


def test_head_of_several_layers_keeps_all_but_the_last() -> None:
    backbone = build_backbone("torchvision:mobilenet_v3_small", weights="none")
    assert backbone.feature_dim == output_width(backbone) == 1024


def test_timm_model_whose_features_have_another_width_than_num_features() -> None:
    backbone = build_backbone("timm:mobilenetv3_small_050", weights="none")
    assert backbone.module.num_features == 288
    assert backbone.feature_dim == output_width(backbone) == 1024
    preprocessing = backbone.preprocessing
    assert (preprocessing.image_size, preprocessing.resize_size) == (224, 256)
    assert preprocessing.interpolation == "bicubic"


def test_preprocessing_comes_from_the_model() -> None:
    backbone = build_backbone("timm:test_vit", weights="none")
    preprocessing = backbone.preprocessing
    assert preprocessing.mean == preprocessing.std == (0.5, 0.5, 0.5)
    assert (preprocessing.image_size, preprocessing.resize_size) == (160, 168)  # crop 0.95


def test_arguments_reach_the_constructor() -> None:
    plain = build_backbone("timm:test_vit", weights="none")
    small = build_backbone("timm:test_vit", weights="none", arguments={"img_size": 96})
    assert small.module.patch_embed.img_size == (96, 96)
    assert plain.module.patch_embed.img_size == (160, 160)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet19", "torchvision has no model 'resnet19'; did you mean 'resnet1"),
        ("timm:resnet5", "timm has no model 'resnet5'; did you mean 'resnet5"),
        ("qqqqqqqq", "torchvision has no model 'qqqqqqqq'$"),
        ("keras:resnet50", "unknown backbone library 'keras' in 'keras:resnet50'; use timm:NAME"),
        ("fcn_resnet50", "torchvision has no model 'fcn_resnet50'"),
        ("squeezenet1_0", "cannot find the classifier of torchvision's 'squeezenet1_0'"),
    ],
)
def test_unusable_name(name: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        build_backbone(name, weights="none")


@pytest.mark.parametrize("name", ["resnet18", "timm:resnet18"])
def test_wrong_argument(name: str) -> None:
    with pytest.raises(WeightsError, match=f"{name!r} does not take these arguments: .*'wings'"):
        build_backbone(name, weights="none", arguments={"wings": 2})


def test_argument_of_a_wrong_value() -> None:
    with pytest.raises(WeightsError, match="resnet18"):
        build_backbone("resnet18", weights="none", arguments={"width_per_group": 128})


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_weights_file_is_loaded_without_its_classifier(
    tmp_path: Path, resnet_state: dict[str, torch.Tensor], suffix: str
) -> None:
    path = tmp_path / f"weights{suffix}"
    save_file(resnet_state, path) if suffix == ".safetensors" else torch.save(resnet_state, path)
    backbone = build_backbone("resnet18", weights=str(path))
    state = backbone.module.state_dict()
    assert len(state) == len(resnet_state) - 2
    assert all(torch.equal(tensor, resnet_state[name]) for name, tensor in state.items())


def test_weights_that_do_not_fit_name_the_first_tensors(
    tmp_path: Path, resnet_state: dict[str, torch.Tensor]
) -> None:
    changed = dict(resnet_state)
    del changed["bn1.weight"], changed["layer1.0.bn1.bias"]
    changed["extra.weight"] = torch.ones(1)
    changed["conv1.weight"] = torch.ones(64, 1, 7, 7)
    save_file(changed, tmp_path / "weights.safetensors")
    with pytest.raises(WeightsError) as caught:
        build_backbone("resnet18", weights=str(tmp_path / "weights.safetensors"))
    message = str(caught.value)
    for part in (
        "do not fit backbone 'resnet18'",
        "2 missing (bn1.weight)",
        "1 unexpected (extra.weight)",
        "1 of another shape (conv1.weight is [64, 1, 7, 7], the network has [64, 3, 7, 7])",
    ):
        assert part in message


def test_misfit_leaves_the_module_unchanged(
    tmp_path: Path, resnet_state: dict[str, torch.Tensor]
) -> None:
    module = build_backbone("resnet18", weights="none").module
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    changed = {name: tensor for name, tensor in resnet_state.items() if name != "bn1.weight"}
    save_file(changed, tmp_path / "weights.safetensors")
    with pytest.raises(WeightsError):
        load_backbone_weights(module, tmp_path / "weights.safetensors", "resnet18")
    after = module.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


def test_missing_weights_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=re.escape(str(tmp_path / "gone.pth"))):
        build_backbone("resnet18", weights=str(tmp_path / "gone.pth"))


def test_torchvision_weights_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def offline(request, *args, **kwargs):
        asked.append(request.full_url)
        raise URLError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # nothing is cached there
    monkeypatch.setattr("torch.hub.urlopen", offline)
    with pytest.raises(WeightsError) as caught:
        build_backbone("resnet50")
    message = str(caught.value)
    assert "ImageNet weights of 'resnet50' are not on this machine" in message
    assert "no route to host" in message
    assert "--weights FILE" in message
    assert "--weights none" in message
    # The first ImageNet weights, which the published results use.
    assert [url.rpartition("/")[2] for url in asked] == ["resnet50-0676ba61.pth"]


def test_timm_weights_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="'timm:mobilenetv3_small_050' are not on this machine"):
        build_backbone("timm:mobilenetv3_small_050")


def test_timm_model_without_published_weights() -> None:
    with pytest.raises(WeightsError, match="timm cannot make 'resnetblur18'"):
        build_backbone("timm:resnetblur18")


def test_torchvision_model_without_published_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchvision.models.get_model_weights", lambda name: object())
    with pytest.raises(WeightsError, match="no ImageNet weights of 'resnet18'"):
        build_backbone("resnet18")
    assert build_backbone("resnet18", weights="none").preprocessing.image_size == 224


def test_timm_model_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="not on this machine"):
        build_backbone("timm:hf-hub:timm/test_vit.r160_in1k")


def test_weights_without_batch_norm_counters_fit(tmp_path: Path) -> None:
    # Files of torch versions before 0.4.1 lack num_batches_tracked.
    state = build_backbone("resnet18", weights="none").module.state_dict()
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    assert len(old) < len(state)
    torch.save(old, tmp_path / "old.pth")
    loaded = build_backbone("resnet18", weights=str(tmp_path / "old.pth")).module.state_dict()
    assert torch.equal(loaded["conv1.weight"], state["conv1.weight"])
