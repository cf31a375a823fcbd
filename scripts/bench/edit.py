"""Speed of the InstructPix2Pix editor against diffusers' own pipeline, in one run.

    python scripts/bench/edit.py [--parts operations stock switches batches] [--json FILE] [--quick]

Models are built from their configuration with random weights, on which speed does not depend; what
a switch changes in the pixels does depend on them. Parts:

operations  floating-point operations of the full architecture, counted; needs no device
throughput  images/s and share of the matrix rate over batch sizes (default on a GPU; the full model
            in half precision, published sizes; under nine minutes, see --minutes)
stock       ours against the stock pipeline called once an image (default without a GPU; tiny model)
switches    each switch against the exact loop: speed, and difference of the pixels
batches     the same image alone and in a batch of four: difference of the pixels
full        --full-cpu: the full model on the CPU, 256 px, two steps
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from edit_operations import (
    BRANCHES_1,
    BRANCHES_2,
    EXACT,
    FAST,
    STEPS_20,
    Variant,
    markdown,
    operations_tables,
)
from edit_runs import (
    STYLE,
    Edit,
    Subject,
    interleave,
    levels_apart,
    pictures,
    release,
    say,
    with_editor,
    with_stock,
)
from edit_throughput import throughput

from genmix_da.augment.diffusion.deep_reuse import DeepReuse
from genmix_da.augment.diffusion.denoise import Batch, denoise
from genmix_da.augment.diffusion.latents import LatentCoder
from genmix_da.augment.diffusion.random_model import random_components, save_random_model
from genmix_da.augment.diffusion.schedulers import make_scheduler
from genmix_da.augment.editors.base import Pixels, to_uint8
from genmix_da.device import resolve_device

PARTS = ("operations", "throughput", "stock", "switches", "batches", "full")
SIZES = {"full": (512, 256), "tiny": (96, 64)}  # of throughput
SIDES = {"full": 512, "tiny": 64}  # of the other parts
RANDOM = "random weights: not what a trained model's edits change by"

Tables = tuple[list[str], dict[str, Any]]


def against_stock(
    subject: Subject, variants: Sequence[Variant], batch: int, images: int, repeats: int
) -> Tables:
    """Ours at batch 1 and at a larger one against the stock pipeline, at the same settings.

    The stock pipeline has no deep reuse, so that of --fast counts as ours.
    """
    pipeline, rows, raw = subject.stock(), [], {}
    for variant in variants:
        say(f"{variant.name}:")
        jobs = {
            "stock": (with_stock(pipeline, variant), images),
            "batch 1": (with_editor(subject.editor(variant, 1)), images),
            f"batch {batch}": (with_editor(subject.editor(variant, batch)), batch),
        }
        found = interleave(jobs, repeats, subject.size, subject.device)
        stock, *ours = found.values()
        speeds = [runs.speed(stock) for runs in ours]
        apart = [runs.difference(stock) for runs in ours]
        cells = [f"{processor:.2f} ({wall:.2f})" for processor, wall in speeds]
        rows.append([variant.name, *cells, *(f"{most} / {mean:.4f}" for most, mean in apart)])
        raw[variant.name] = {name: runs.raw() for name, runs in found.items()} | {"apart": apart}
    titles = [f"batch {n}: speed, processor time (wall)" for n in (1, batch)]
    titles += [f"batch {n}: levels apart, max / mean" for n in (1, batch)]
    return [markdown(["steps x branches", *titles], rows)], raw


def switches(subject: Subject, model: str, steps: int, images: int, repeats: int) -> Tables:
    """Each switch against the exact loop with the same steps."""
    widths, blocks = {"tiny": ((8, 8), (1, 1)), "full": ((64,) * 4, (1, 3, 3, 3))}[model]
    tiny = subject.folder / "tiny_vae"
    diffusers.AutoencoderTiny(
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        num_encoder_blocks=blocks,
        num_decoder_blocks=blocks[::-1],
    ).save_pretrained(tiny)
    options: dict[str, dict[str, Any]] = {
        "exact": {},
        "channels_last": {"channels_last": True},
        "plain attention": {"attention": "plain"},
        "bf16": {"precision": "bf16"},
        "reuse 3": {"reuse": 3},
        "tiny VAE": {"tiny_vae": str(tiny)},
        "image guidance 1": {"image_guidance": 1.0},
        "guidance 1": {"guidance": 1.0},
        "compile": {"compile": True},
    }
    jobs: dict[str, tuple[Edit, int]] = {}
    rows = []
    for name, own in options.items():
        edit = with_editor(subject.editor(Variant(name, {"steps": steps, **own}), 1))
        try:
            edit(pictures(1, subject.size, 0), [0])
        except Exception as error:  # of a compiler that is not there, or a type the device lacks
            say(f"  {name}: {error}")
            rows.append([name, f"not measured: {type(error).__name__}", ""])
        else:
            jobs[name] = (edit, images)
    found = interleave(jobs, repeats, subject.size, subject.device)
    exact = found["exact"]
    raw = {}
    for name, runs in found.items():
        (processor, wall), (most, mean) = runs.speed(exact), runs.difference(exact)
        rows.append([name, f"{processor:.2f} ({wall:.2f})", f"{most} / {mean:.3f}"])
        raw[name] = runs.raw() | {"apart": (most, mean)}
    titles = ["speed, processor time (wall)", f"levels apart, max / mean ({RANDOM})"]
    return [markdown([f"{steps} x 3, euler-a, batch 1", *titles], rows)], raw


def batches(subject: Subject, steps: int, repeats: int, count: int = 4) -> Tables:
    """The same images alone and together: rounding is all that may differ."""
    rows, raw = [], {}
    for precision in ("fp32", "bf16", *(["fp16"] if subject.device.type == "cuda" else [])):
        variant = Variant(precision, {"steps": steps, "precision": precision})
        edit = with_editor(subject.editor(variant, count))
        alone: list[Pixels] = []
        together: list[Pixels] = []
        for repeat in range(repeats):
            images = pictures(count, subject.size, 1 + repeat)
            together += edit(images, range(count))
            for number, image in enumerate(images):
                alone += edit([image], [number])
        most, mean = raw[precision] = levels_apart(alone, together)
        say(f"  {precision}: {most} / {mean:.4f}")
        rows.append([precision, str(len(alone)), str(most), f"{mean:.4f}"])
        del edit
        release(subject.device)
    titles = ["images", "levels apart, max", "mean"]
    return [
        markdown([f"{steps} x 3, euler-a; alone and in a batch of {count}", *titles], rows)
    ], raw


def full_on_cpu(steps: int, repeats: int, size: int = 256) -> Tables:
    """The full model, whose networks stock and ours share: only one copy has to fit."""
    device, parts = torch.device("cpu"), random_components("full")
    pipeline = diffusers.StableDiffusionInstructPix2PixPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    half = [copy.deepcopy(parts[name]).to(torch.bfloat16) for name in ("unet", "vae")]
    tokens = parts["tokenizer"](
        [STYLE.text, STYLE.negative], padding="max_length", max_length=77, return_tensors="pt"
    )
    with torch.no_grad():
        text = parts["text_encoder"](tokens.input_ids)[0]

    def ours(networks: Sequence[Any], branches: int = 3, reuse: int = 1) -> Edit:
        unet, vae = networks
        coder = LatentCoder(vae, vae.config.scaling_factor, size, device, vae.dtype)
        condition, loop = text.to(unet.dtype), DeepReuse(unet, reuse)

        def edit(images: Sequence[Pixels], seeds: Sequence[int]) -> list[Pixels]:
            scheduler = make_scheduler("euler-a", parts["scheduler"].config, steps)
            latents = coder.encode(images)
            scales = [4.0], [1.5]
            batch = Batch(latents, condition[:1], condition[1:], *scales, seeds, branches)
            return [to_uint8(each) for each in coder.decode(denoise(loop, scheduler, steps, batch))]

        return edit

    whole = (parts["unet"], parts["vae"])
    edits = {
        "stock": with_stock(pipeline, Variant("stock", {"steps": steps})),
        "ours": ours(whole),
        "image guidance 1": ours(whole, branches=2),
        "guidance 1": ours(whole, branches=1),
        "reuse 2": ours(whole, reuse=2),
        "bf16": ours(half),
    }
    found = interleave({name: (edit, 1) for name, edit in edits.items()}, repeats, size, device)
    rows, raw = [], {}
    for name, runs in found.items():
        (processor, wall), (most, mean) = (
            runs.speed(found["stock"]),
            runs.difference(found["stock"]),
        )
        rows.append([name, f"{processor:.2f} ({wall:.2f})", f"{most} / {mean:.4f}"])
        raw[name] = runs.raw() | {"apart": (most, mean)}
    titles = ["speed, processor time (wall)", f"levels apart, max / mean ({RANDOM})"]
    return [markdown([f"full model, {size} px, {steps} steps, batch 1", *titles], rows)], raw


def main() -> None:
    """Measure and print Markdown tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="default: see above")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--model", choices=SIZES, help="default: full on a GPU, else tiny")
    parser.add_argument("--steps", type=int, default=20, help="of switches and batches")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--images", type=int, default=2, help="of a repeat, edited one by one")
    parser.add_argument("--batch", type=int, default=8, help="the larger one of stock")
    parser.add_argument("--minutes", type=float, default=6.5, help="of throughput, at most")
    parser.add_argument("--full-cpu", action="store_true", help="add the part full")
    parser.add_argument("--quick", action="store_true", help="less of all: does it run?")
    parser.add_argument("--json", type=Path, help="file for the raw numbers")
    arguments = parser.parse_args()

    device = resolve_device(arguments.device)
    gpu = device.type == "cuda"
    model = arguments.model or ("full" if gpu else "tiny")
    parts = arguments.parts or (
        ["operations", "throughput", "batches"]
        if gpu
        else ["operations", "stock", "switches", "batches"]
    )
    parts += ["full"] if arguments.full_cpu and "full" not in parts else []
    steps, repeats, images, many = (
        (4, 1, 1, 2)
        if arguments.quick
        else (arguments.steps, arguments.repeats, arguments.images, arguments.batch)
    )
    variants: tuple[Variant, ...] = (EXACT, STEPS_20, BRANCHES_2, BRANCHES_1, FAST)
    if arguments.quick:
        variants = tuple(
            Variant(f"{variant.name}, but {steps} steps", {**variant.options, "steps": steps})
            for variant in variants
        )
    for library in (diffusers, transformers):
        library.utils.logging.disable_progress_bar()
    raw: dict[str, Any] = {"device": str(device), "model": model, "torch": torch.__version__}
    raw |= {"threads": torch.get_num_threads()}
    if gpu:
        raw["gpu"] = torch.cuda.get_device_name(device)
    print(", ".join(f"{key} {value}" for key, value in raw.items()))
    with tempfile.TemporaryDirectory() as name:
        subject = Subject(Path(name), device, SIDES[model])
        if {"throughput", "stock", "switches", "batches"} & {*parts}:
            say(f"making the {model} model")
            save_random_model(subject.folder, model)
        for part in parts:
            say(f"{part}:")
            if part == "operations":
                tables, raw[part] = operations_tables()
            elif part == "throughput":
                tables, raw[part] = throughput(subject, model, SIZES[model], arguments.minutes)
            elif part == "stock":
                tables, raw[part] = against_stock(subject, variants, many, images, repeats)
            elif part == "switches":
                tables, raw[part] = switches(subject, model, steps, images, repeats)
            elif part == "batches":
                tables, raw[part] = batches(subject, steps, 1 if gpu else repeats)
            else:
                tables, raw[part] = full_on_cpu(2, repeats)
            for table in tables:
                print(f"\n{table}", flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(raw, indent=1) + "\n")


if __name__ == "__main__":
    main()
