"""What decides a classification run: the content of config.yaml, and its hash.

A planner calls this to know whether a run was done without running it:

    task = prepare(build_classify_config(options))    # genmix_da.classify.task
    method = resolve_method(task)                     # genmix_da.classify.method
    name = run_identity(run_settings(task, method))

Methods and seeds share the images: `task.with_config(augment=..., seed=...)` decodes nothing again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from genmix_da.config_values import identity

if TYPE_CHECKING:
    from genmix_da.classify.method import Method
    from genmix_da.classify.task import ClassifyTask

# Names of files and folders, and what is recorded in resolved form beside them.
_BY_CONTENT = (
    *("data", "test_data", "root", "download", "weights", "refuse_duplicates"),
    "grey_range",
    *("augment", "augment_options", "genmix"),
)


def run_settings(task: ClassifyTask, method: Method) -> dict[str, Any]:
    """The content of config.yaml, as JSON gives it back: resolved settings, and what is RECORDED.

    Args:
        task: from `prepare`.
        method: from `resolve_method`.
    """
    settings = {
        **task.config.as_dict(),
        "method": method.name,
        "augmentation": method.as_dict(),
        "classes": list(task.classes),
        "contents": task.contents(),
        "device": task.device.type,
    }
    content: dict[str, Any] = json.loads(json.dumps(settings))
    return content


def run_identity(settings: dict[str, Any]) -> str:
    """Hash of what decides the result. Names of files do not: their contents are recorded."""
    left_out = set(_BY_CONTENT)
    if settings["augmentation"] is None or "editor" not in settings["augmentation"]:
        left_out |= {"augment_mode", "budget"}  # both say how images that were made are used
    return identity({key: value for key, value in settings.items() if key not in left_out})
