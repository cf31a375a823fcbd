"""Where a result comes from: versions, git commit, command."""

from __future__ import annotations

import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from genmix_da.plugins import packages

_PACKAGES = (
    *("genmix-da", "torch", "torchvision", "timm", "scikit-learn", "numpy", "pillow"),
    *("diffusers", "transformers", "lightly"),
)


def package_versions() -> dict[str, str | None]:
    """Installed versions, plug-ins' with them; None where a package is not installed."""
    return dict(_versions((*_PACKAGES, *packages())))


@cache
def _versions(packages: tuple[str, ...]) -> dict[str, str | None]:
    # Once: finding a package's metadata takes milliseconds, and a table asks for every run.
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def git_commit() -> str | None:
    """Commit of the checkout this package runs from, "+dirty" where it was changed; else None."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        # Inside an unrelated checkout (site-packages of someone's project) this file is untracked.
        git("ls-files", "--error-unmatch", Path(__file__).name)
        commit = git("rev-parse", "HEAD")
        return commit + ("+dirty" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def provenance() -> dict[str, Any]:
    """Versions, commit and command of this process."""
    return {
        "packages": package_versions(),
        "git_commit": git_commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "platform": platform.platform(),
    }
