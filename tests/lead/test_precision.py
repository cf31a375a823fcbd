"""Precision on the CPU, and the choice of type on CUDA."""

import pytest
import torch

import lead.precision
from lead.precision import Precision


def test_cpu_is_plain_float32() -> None:
    precision = Precision(torch.device("cpu"))
    assert not precision.enabled
    with precision.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == torch.float32
    assert precision.state() == {}


def test_step_is_an_optimiser_step() -> None:
    weight = torch.tensor([1.0, 2.0], requires_grad=True)
    weight.grad = torch.tensor([100.0, 100.0])  # of an earlier step: must not count
    optimizer = torch.optim.SGD([weight], lr=0.1)
    Precision(torch.device("cpu")).step((weight**2).sum(), optimizer)
    assert weight.tolist() == pytest.approx([0.8, 1.6])


@pytest.mark.parametrize(
    ("has_bfloat16", "dtype"), [(True, torch.bfloat16), (False, torch.float16)]
)
def test_type_on_cuda(
    monkeypatch: pytest.MonkeyPatch, has_bfloat16: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bfloat16)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    precision = Precision(torch.device("cuda"))
    assert precision.enabled
    assert precision.dtype == dtype
    # Only float16 has so small a range that the loss must be scaled.
    assert precision._scaler.is_enabled() == (not has_bfloat16)


def test_a_mixed_pass_on_the_cpu_is_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lead.precision, "MIXED_ON", {"cpu"})
    precision = Precision(torch.device("cpu"))
    weight = torch.ones(2, 2, requires_grad=True)
    with precision.autocast():
        product = torch.ones(2, 2) @ weight
    assert product.dtype == precision.dtype == torch.bfloat16
    precision.step(product.float().sum(), torch.optim.SGD([weight], lr=0.5))
    assert weight.tolist() == [[0.0, 0.0]] * 2
    assert precision.state() == {}


def test_mixed_precision_can_be_switched_off() -> None:
    precision = Precision(torch.device("cuda"), mixed=False)
    assert not precision.enabled
    assert precision.dtype == torch.float32


def test_loss_scale_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    saved = Precision(torch.device("cuda")).state() | {"scale": 128.0, "_growth_tracker": 7}
    precision = Precision(torch.device("cuda"))
    assert precision.state() != saved
    precision.load(saved)
    assert precision.state() == saved
    precision.load({})  # of a run without scaling: nothing to take over
    assert precision.state() == saved
