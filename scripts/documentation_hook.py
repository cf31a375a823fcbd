"""What the documentation site takes from outside of docs/; a hook of mkdocs.

A code host and the site show the same pages. A page may link to any file of the repository, as on
a code host (`../examples/train_with_genmix.py`): the site takes that file along under
`repository/`. CHANGELOG.md and CONTRIBUTING.md are pages of the site, README.md is its start.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
# Files of the repository and the pages that they are.
PAGES = {"CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
_START = {"README.md": "index.md"}
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """The pages of the repository's root, and the files that pages link to."""
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text()))
    linked = {
        target
        for page in list(files.documentation_pages())
        for target in _targets(page.content_string, page.src_uri)
        if _site_place(target).startswith("repository/")
    }
    for target in sorted(linked):
        file = File.generated(config, _site_place(target), abs_src_path=str(ROOT / target))
        files.append(file)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with links as they are on the site."""
    place = page.file.src_uri

    def moved(link: re.Match[str]) -> str:
        target = _site_place(_target(link[1], place))
        return posixpath.relpath(target, posixpath.dirname(place) or ".")

    parts = _FENCED.split(markdown)
    parts[::2] = [_LINK.sub(moved, text) for text in parts[::2]]
    return "".join(parts)


def _targets(markdown: str, place: str) -> Iterator[str]:
    """What a page of the site links to, as paths in the repository."""
    for text in _FENCED.split(markdown)[::2]:
        for link in _LINK.findall(text):
            yield _target(link, place)


def _target(link: str, place: str) -> str:
    """A link on the page at a place of the site -> path in the repository."""
    origin = {page: name for name, page in PAGES.items()}.get(place, f"docs/{place}")
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))


def _site_place(target: str) -> str:
    """Path in the repository -> path on the site; where there is no such file, one that fails."""
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    if target in PAGES or target in _START:
        return (PAGES | _START)[target]
    return f"repository/{target}" if (ROOT / target).is_file() else f"missing/{target}"
