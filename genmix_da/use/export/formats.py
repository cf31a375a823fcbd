"""The formats of an exported model: how each is written, read and run."""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genmix_da.errors import UserError
from genmix_da.use.export.deployed import Deployed

NAMES = ("probability", "uncertainty", "rejected")
Outputs = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
Run = Callable[[NDArray[np.uint8]], Outputs]


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        suffix: of its files.
        needs: packages of the extra `export` that it cannot do without.
        write: (model, file, metadata) writes the file.
        load: reads a file; pictures [N, H, W, 3] -> outputs, as NAMES.
    """

    suffix: str
    needs: tuple[str, ...]
    write: Callable[[Deployed, Path, dict[str, str]], None]
    load: Callable[[Path], Run]

    def check(self) -> None:
        """Make sure that the packages are there.

        Raises:
            UserError: one is missing.
        """
        missing = [name for name in self.needs if find_spec(name) is None]
        if missing:
            raise UserError(
                f"this export needs {' and '.join(missing)}: pip install 'genmix-da[export]'."
            )


# Every format would note where the code lies that a step of the model comes from, on this machine.


def _program(model: Deployed) -> torch.export.ExportedProgram:
    # Number and size of the pictures stay open; none of the three is 1 or equal to another here,
    # for such a size is taken for a constant.
    example = torch.zeros(2, 60, 70, 3, dtype=torch.uint8)
    open_size = torch.export.Dim.DYNAMIC
    shapes = {"pixels": {0: open_size, 1: open_size, 2: open_size}}
    program = torch.export.export(model, (example,), dynamic_shapes=shapes)
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)
    return program


def _write_onnx(model: Deployed, file: Path, about: dict[str, str]) -> None:
    import onnx

    with contextlib.redirect_stdout(io.StringIO()):  # the exporter prints its steps
        program = torch.onnx.export(
            _program(model), dynamo=True, input_names=["pixels"], output_names=list(NAMES)
        )
    assert program is not None
    proto = program.model_proto
    for part in (proto.graph, *proto.functions):
        for node in part.node:
            del node.metadata_props[:]
    onnx.helper.set_model_props(proto, about)
    file.write_bytes(proto.SerializeToString())


def _load_onnx(file: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])

    def run(pictures: NDArray[np.uint8]) -> Outputs:
        probability, uncertainty, rejected = session.run(list(NAMES), {"pixels": pictures})
        return probability, uncertainty, rejected

    return run


def _write_exported(model: Deployed, file: Path, about: dict[str, str]) -> None:
    with file.open("wb") as handle:
        torch.export.save(_program(model), handle, extra_files=about)


def _load_exported(file: Path) -> Run:
    with file.open("rb") as handle:
        return _torch_run(torch.export.load(handle).module())


def _write_script(model: Deployed, file: Path, about: dict[str, str]) -> None:
    example = torch.zeros(2, 60, 70, 3, dtype=torch.uint8)
    traced = torch.jit.trace(  # type: ignore[no-untyped-call]
        model, (example,), check_trace=False
    )
    buffer = io.BytesIO()  # of a file the archive would hold the name
    torch.jit.save(traced, buffer, _extra_files={k: v.encode() for k, v in about.items()})
    with zipfile.ZipFile(buffer) as held, zipfile.ZipFile(file, "w") as kept:
        for entry in held.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                kept.writestr(entry, held.read(entry))


def _load_script(file: Path) -> Run:
    loaded = torch.jit.load(str(file), map_location="cpu")  # type: ignore[no-untyped-call]
    return _torch_run(loaded)


def _torch_run(module: Callable[..., Any]) -> Run:
    def run(pictures: NDArray[np.uint8]) -> Outputs:
        with torch.no_grad():
            found = module(torch.from_numpy(pictures.copy()))
        probability, uncertainty, rejected = (part.numpy() for part in found)
        return probability, uncertainty, rejected

    return run


FORMATS = {
    "onnx": Format(".onnx", ("onnx", "onnxscript", "onnxruntime"), _write_onnx, _load_onnx),
    "torch-export": Format(".pt2", (), _write_exported, _load_exported),
    "torchscript": Format(".pt", (), _write_script, _load_script),
}
