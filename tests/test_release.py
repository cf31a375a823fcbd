"""The wheel and the sdist: what the index checks, and that an installed wheel has all it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both, built from the tracked files without asking an index."""
    for package in ("build", "hatchling", "twine"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return out


def test_the_index_would_take_them(dist: Path) -> None:
    files = [str(file) for file in dist.iterdir()]
    assert len(files) == 2
    ended = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *files],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_wheel_has_data_and_no_tests(dist: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        *("genmix_da/prompts/domain_adaptation.yaml", "genmix_da/py.typed", "lead/py.typed"),
        *("genmix_da/reporting/templates/page.html.j2", "genmix_da/serving/page/page.js"),
        "genmix_da/sharing/templates/model_card.md.j2",
    ):
        assert wanted in names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        *("genmix_da", "lead", "office_home")
    }
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"pyproject.toml", "README.md", "LICENSE", "tests/test_release.py"} <= inside


def test_an_installed_wheel_works_away_from_the_source(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*command, "--target", str(site), str(wheel)], check=True)
    environment = os.environ | {"PYTHONPATH": str(site)}
    for arguments, said in ((("--version",), "version"), (("prompts", "list"), "domain")):
        ended = subprocess.run(
            [sys.executable, "-m", "genmix_da", *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
        assert said in ended.stdout
    found = subprocess.run(
        [sys.executable, "-c", "import genmix_da; print(genmix_da.__file__)"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert found.stdout.startswith(str(site))
