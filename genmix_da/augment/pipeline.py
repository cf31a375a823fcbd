"""GenMix over a class folder: edit, filter, join, blend, with every image's history on record.

Resumable after a kill at any moment with the same final bytes: edits live in a content-addressed
cache, every draw depends on seed and file name alone, and each output is written under a temporary
name and renamed. manifest.jsonl is written last, in the order of the source.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any

from genmix_da.augment.cache import EditCache, edit_cache, encode_jpeg, is_whole
from genmix_da.augment.compose import compose, fractal_source
from genmix_da.augment.editors import Editor, make_editor
from genmix_da.augment.edits import Pixels, ask_first, load_working_image
from genmix_da.augment.encoders import encoder_of
from genmix_da.augment.features import Encoder
from genmix_da.augment.judged import KEPT
from genmix_da.augment.manifest import (
    MANIFEST,
    digest_of,
    draws_of,
    note_written,
    output_path,
    recorded_digests,
    write_manifest,
)
from genmix_da.augment.prompts import load_prompts
from genmix_da.augment.selection import Selection, cached_edit, select_edits
from genmix_da.augment.settings import AugmentSettings, settings_of
from genmix_da.augment.sharding import edit_on_devices
from genmix_da.augment.spread import chosen_engine, edit_on_engine
from genmix_da.config_values import AUTO
from genmix_da.data.domain import Domain
from genmix_da.data.sources import training_images
from genmix_da.engines.base import Engine
from genmix_da.errors import UserError
from genmix_da.places import place_name, user_path
from genmix_da.progress import track
from genmix_da.runs.provenance import provenance
from genmix_da.stores.copies import fetch, push, sent_together
from lead.files import remove_abandoned, write_atomically

logger = logging.getLogger(__name__)

RECORD = "augment.json"


@dataclass(frozen=True)
class Augmented:
    """What an augmentation left on disk.

    Attributes:
        folder: an ImageFolder tree of augmented images, beside manifest and report.
        selection: the judged edits.
        written: images written now (a resumed run finds the others there).
        seconds: wall time of "edit" (with selection) and "compose".
    """

    folder: Path
    selection: Selection
    written: int
    seconds: dict[str, float]


def augment_folder(
    src: str | Path,
    out: str | Path,
    settings: AugmentSettings | None = None,
    *,
    encoder: Encoder | str | None = None,
    resume: bool = False,
    devices: str | Sequence[str] = ("auto",),
    engine: str | Engine = "local",
    part: str | None = None,
    grey_range: str = AUTO,
) -> Augmented:
    """Augment a folder of class folders, or a list of images.

    Args:
        src: <class>/<image>, or a list; see `genmix_da.data.sources.data_set`.
        out: gets <class>/<image name>.<n>.<style>.jpg, manifest.jsonl and augment.json.
        settings: of GenMix.
        encoder: for faithful selection, or its name; see `encoder_of`. None keeps every edit that
            did not fail.
        resume: go on in a folder that a run with the same settings has begun.
        devices: that the editor runs on: one, or several GPUs that share the edits.
        engine: where edits are made: "local", "workers:N" or "ray", or one that `parse_engine`
            gave; the cache is a folder that its workers share. All else is done here.
        part, grey_range: see `training_images`.

    Raises:
        UserError: bad input, in one sentence.
    """
    settings = settings_of(settings)
    devices = [devices] if isinstance(devices, str) else devices
    if not devices:
        raise UserError("devices is empty; give 'auto', or name one or several.")
    encoder = encoder_of(encoder, devices[0])
    domain = training_images(src, part=part, grey_range=grey_range)
    return augment_domain(
        domain,
        user_path(out),
        settings,
        encoder=encoder,
        resume=resume,
        devices=devices,
        engine=engine,
    )


def augment_domain(
    domain: Domain,
    out: Path,
    settings: AugmentSettings,
    *,
    encoder: Encoder | None = None,
    resume: bool = False,
    devices: Sequence[str] = ("auto",),
    engine: str | Engine = "local",
) -> Augmented:
    """Augment an indexed domain; see `augment_folder`."""
    runner = chosen_engine(engine, devices)
    editor = make_editor(settings.editor, settings.options(), device=devices[0])
    _refuse_like_names(domain)
    ask_first(domain, load_prompts(settings.prompts), editor, edit_cache(), settings)
    _claim(domain, fetch(out), record_of(settings, editor, encoder), resume=resume)
    push(out)  # what an interrupted run of this machine left unsent
    started = time.perf_counter()
    made = 0
    if runner is not None:
        place = devices[0]
        made = edit_on_engine(domain, editor, settings, runner, device=place, quiet=True).made
    elif len(devices) > 1:
        made = edit_on_devices(domain, settings, devices).made
    selection = select_edits(
        domain, load_prompts(settings.prompts), editor, encoder, edit_cache(), settings
    )
    selection = dataclasses.replace(selection, made=selection.made + made)
    _claim_data(out, domain.folder, selection.fingerprint)
    edited = time.perf_counter()
    with sent_together(out):
        written = write_images(selection, out, settings, edit_cache())
        seconds = {"edit": edited - started, "compose": time.perf_counter() - edited}
        write_manifest(selection, out, settings)
    return Augmented(out, selection, written, seconds)


def record_of(s: AugmentSettings, editor: Editor, encoder: Encoder | None) -> dict[str, Any]:
    """Resolved settings: what an output folder must have been made with to be gone on with."""
    prompts = load_prompts(s.prompts)
    fractals = fractal_source(s)
    settings = s.as_dict()
    settings.pop("editor_options")  # what they decide is in the editor's settings
    return settings | {
        "prompts": [style.key() | {"name": style.name} for style in prompts.styles],
        "editor": editor.name,
        "editor_settings": dict(editor.settings),
        "stand_in": editor.stand_in,
        "features": encoder.identity if encoder else "off",
        "fractals": fractals.fingerprint() if fractals else None,
    }


def _refuse_like_names(domain: Domain) -> None:
    """Outputs are named by class and file name: two of one name would overwrite each other."""
    labels = domain.labels or ("",) * len(domain.images)
    # By class, so that no more names are held than a class has.
    rows = range(len(labels))
    rows_of_class = groupby(sorted(rows, key=labels.__getitem__), labels.__getitem__)
    for label, own in rows_of_class:
        seen: set[str] = set()
        for path in (domain.images[row] for row in own):
            if path.name in seen:
                raise UserError(
                    f"two images of class {label!r} are named {path.name}, the second is {path}; "
                    "rename one of them."
                )
            seen.add(path.name)


def _claim_data(out: Path, folder: Path, fingerprint: str) -> None:
    """Note the images that an output folder is made of; refuse to go on with others.

    Images alone decide it and not where they lie, so a source that was moved can be gone on with;
    the place is noted for those who look the originals up.
    """
    file = out / RECORD
    held = json.loads(file.read_text())
    if held.get("data", fingerprint) != fingerprint:
        raise UserError(f"{out} was made from other images than these; choose another folder.")
    found = held | {"data": fingerprint, "source_folder": place_name(folder.resolve())}
    if found != held:
        write_atomically(file, lambda f: f.write_text(json.dumps(found, indent=2) + "\n"))


def refuse_nested(out: Path, source: Path) -> None:
    """Raise UserError where two folders are one, or one lies in the other."""
    inside, home = out.resolve(), source.resolve()
    if inside == home or home in inside.parents or inside in home.parents:
        raise UserError(
            f"the output {out} and the source {home} lie in each other; choose another folder."
        )


def _claim(domain: Domain, out: Path, record: dict[str, Any], *, resume: bool) -> None:
    """Make sure the output folder is empty, or was begun with the same settings."""
    refuse_nested(out, domain.folder)
    file = out / RECORD
    if not file.is_file():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(f"{out} is not empty and not an augmentation; choose another folder.")
        out.mkdir(parents=True, exist_ok=True)
        content = record | {"provenance": provenance()}
        write_atomically(file, lambda f: f.write_text(json.dumps(content, indent=2) + "\n"))
        return
    try:
        held = json.loads(file.read_text())
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not JSON ({error}); choose another folder.") from error
    if not isinstance(held, dict):
        raise UserError(f"{file} is not the record of an augmentation; choose another folder.")
    plain = json.loads(json.dumps(record))
    differing = [key for key in plain if held.get(key) != plain[key]]
    if differing:
        key = differing[0]
        raise UserError(
            f"{out} was made with other settings ({key}: {held.get(key)!r} there, {plain[key]!r} "
            "now); choose another folder."
        )
    if not resume:
        raise UserError(f"{out} already holds this augmentation; add --resume to complete it.")
    remove_abandoned(out)


def write_images(selection: Selection, out: Path, s: AugmentSettings, cache: EditCache) -> int:
    """Compose and write what is not there yet.

    Args:
        selection: judged edits.
        out: folder of class folders.
        s: settings.
        cache: that holds the edits.

    Returns:
        The number written.

    Raises:
        UserError: an edit is not in the cache any more.
    """
    fractals = fractal_source(s)
    vouched = recorded_digests(out)
    if vouched.damaged:
        logger.warning("%s is damaged; what it does not vouch for is made again", out / MANIFEST)
    grey = selection.domain.grey
    load = lru_cache(maxsize=1)(lambda path: load_working_image(path, s.size, grey))
    kept = (edit for edit in selection.edits if edit.status == KEPT)
    written = 0
    at_hand = cache.ahead(kept, lambda edit: edit.job.key)
    for edit in track(at_hand, "blending", selection.count(KEPT)):
        name = output_path(selection, edit)
        path, known = out / name, vouched.digests.holds(str(name))
        whole = is_whole(path)
        if whole and (
            vouched.digests.same(str(name), digest_of(path)) if known else vouched.earlier
        ):
            continue
        if path.exists():
            unknown = "not vouched for" if not known else "not the image of its manifest"
            logger.warning("%s is %s and is made again", path, unknown if whole else "damaged")
        pixels = cached_edit(cache, edit.job.key)
        original = load(selection.domain.images[edit.job.index])
        done = compose(original, pixels, fractals, s, draws_of(selection, edit, s.seed))
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, partial(_write_jpeg, done.final))
        note_written(out, name)
        written += 1
    return written


def _write_jpeg(pixels: Pixels, file: Path) -> None:
    file.write_bytes(encode_jpeg(pixels))
