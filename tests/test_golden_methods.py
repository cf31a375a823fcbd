"""Other methods agree with arrays of their released code; any further file of the kind is compared.

The arrays are in the folder that $GENMIX_DA_GOLDEN_METHODS names.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from genmix_da.methods.dcc_losses import entropy_weight
from golden_methods import cmu, dance, dcc, glc, ovanet, shot, uniot, uniot_train
from golden_methods.files import VARIABLE, Golden, described, folder, goldens

# Method -> kind of file -> how it is computed and compared, what is input.
METHODS: dict[str, dict[str, Any]] = {
    "glc": glc.FILES,
    "glcpp": glc.FILES,
    "shot": shot.FILES,
    "ovanet": ovanet.FILES,
    "dance": dance.FILES,
    "uniot": uniot.FILES | uniot_train.FILES,
    "dcc": dcc.FILES,
    "cmu": cmu.FILES,
}
KINDS = [(method, kind) for method, kinds in METHODS.items() for kind in kinds]
CASES = [
    pytest.param(method, golden, id=golden.name)
    for method, kind in KINDS
    for golden in goldens(method, kind)
]


def test_the_folder_is_there() -> None:
    if folder() is None:
        pytest.skip(f"{VARIABLE} is not set; it names the folder of golden arrays")
    assert CASES


@pytest.mark.parametrize(("method", "golden"), CASES)
def test_arrays_agree(method: str, golden: Golden) -> None:
    compute, compare, _ = METHODS[method][golden.kind]
    arrays, case = golden.arrays(), golden.case()
    compare(compute(arrays, case), arrays, case)


def test_weight_of_dcc_cluster_loss() -> None:
    home = folder()
    if home is None:
        pytest.skip(f"{VARIABLE} is not set")
    for case in described(home, "dcc")["entropy_weight"]:
        found = entropy_weight(case["step"], case["max_iter"], case["gamma"])
        assert found == pytest.approx(case["weight"], rel=1e-12)


def shifted(array: np.ndarray) -> np.ndarray:
    """Other values of the same type."""
    if array.dtype == bool:
        return ~array
    if array.dtype.kind == "i":
        return array + 1
    return np.asarray(array + 1e-3 * (1 + np.abs(array)))


@pytest.mark.parametrize(("method", "kind"), KINDS)
def test_a_shifted_array_is_caught(method: str, kind: str) -> None:
    found = goldens(method, kind)
    if not found:
        pytest.skip(f"{VARIABLE} has no {method}_{kind}")
    compute, compare, inputs = METHODS[method][kind]
    arrays, case = found[0].arrays(), found[0].case()
    values = compute(arrays, case)
    compare(values, arrays, case)
    held = sorted(set(arrays) - set(inputs))
    assert held
    for name in held:
        with pytest.raises(AssertionError, match=name):
            compare(values, arrays | {name: shifted(arrays[name])}, case)
