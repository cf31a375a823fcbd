"""Classify photographs with an exported model: no torch, no genmix_da, three small libraries.

genmix-da export runs/demo
pip install numpy onnxruntime pillow
python examples/run_without_torch.py runs/demo/model.onnx photo1.jpg photo2.jpg
"""

from __future__ import annotations

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main(model: str, photos: list[str]) -> None:
    """Print the class of each photograph, or that it is none of the model's."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    about = session.get_modelmeta().custom_metadata_map
    classes = json.loads(about["classes"])
    print(f"{len(classes)} classes; rejected above an uncertainty of {about['threshold']}")
    for photo in photos:
        with Image.open(photo) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        # The size is the picture's own: resizing and cropping are inside the model.
        pixels = np.asarray(picture)[np.newaxis]
        probability, uncertainty, rejected = session.run(None, {"pixels": pixels})
        best = int(probability[0].argmax())
        name = "unknown" if rejected[0] else classes[best]
        print(f"{photo}: {name} ({classes[best]} {probability[0, best]:.3f}, {uncertainty[0]:.3f})")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
