"""README and docs: links lead somewhere, samples of hosts.yaml are read, every verb is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import fabfile
from carbon.inventory import load
from carbon_provision import __version__

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", ".github/**/*.md", "lab/*.md", "remote/scripts/*.md")
    for path in ROOT.glob(pattern)
)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:carbon-provision|\bfab) (?:(?:-H|--hosts) \S+ )?([a-z][a-z.]*)\b(?!…)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
README = (ROOT / "README.md").read_text()


def prose(path: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", path.read_text()))


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and mkdocs make them."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", path.read_text()), re.MULTILINE)
    bare = [re.sub(r"[^\w\s-]", "", title.lower()).strip() for title in titles]
    return {re.sub(r"\s+", "-", title) for title in bare}


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Return the blocks of code of one language in all pages, with the page's name."""
    for path in PAGES:
        for indent, word, text in FENCE.findall(path.read_text()):
            if word == language:
                yield path.name, re.sub(f"^{indent}", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    """Files, folders and headings; addresses of the web are not asked."""
    for target in LINK.findall(prose(page)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name}: {target}"
        assert ROOT in path.parents, f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(path), f"{page.name}: {target}"


def test_every_page_of_docs_is_in_the_index_and_in_the_site() -> None:
    names = {path.name for path in (ROOT / "docs").glob("*.md")} - {"index.md"}
    index = set(LINK.findall((ROOT / "docs/index.md").read_text()))
    assert names <= index
    site = (ROOT / "mkdocs.yml").read_text()
    assert all(f": {name}\n" in site for name in names)


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_readme_names_every_verb() -> None:
    verbs = {name for name in fabfile.ns.task_names if not name.startswith("lab.")}
    named = set(re.findall(r"`([a-z.]+)`", README)) | {"completion"}
    assert verbs <= named, verbs - named
    assert "carbon-provision completion" in README


def test_every_command_in_the_pages_is_a_verb() -> None:
    verbs = set(fabfile.ns.task_names)
    for page in PAGES:
        words = re.findall(
            r"(?:carbon-provision|\bfab) (?:-H \S+ |--hosts \S+ )?([a-z][a-z.]*)\b(?!…)",
            page.read_text(),
        )
        assert set(words) <= verbs | {"is", "in", "on", "itself"}, page.name


@pytest.mark.parametrize(
    ("page", "text"), [pair for pair in blocks("yaml") if re.search("^cluster:", pair[1], re.M)]
)
def test_every_whole_inventory_in_the_pages_is_read(page: str, text: str, tmp_path: Path) -> None:
    """And says how to log in, which the least inventory lacked."""
    path = tmp_path / "hosts.yaml"
    path.write_text(text)
    cluster = load(path)
    assert all(worker.ssh.user for worker in cluster.workers), page


def test_the_changelog_begins_with_this_version() -> None:
    titles = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert titles[0] in (__version__, "Unreleased")
    assert __version__ in titles


def test_the_workflows_run_the_commands_that_a_developer_runs() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        steps = [
            step["run"]
            for job in yaml.safe_load(path.read_text())["jobs"].values()
            for step in job["steps"]
            if "run" in step
        ]
        used = re.findall(r"\bmake ([a-z-]+)", "\n".join(steps))
        assert used, path.name
        assert set(used) <= targets, path.name


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_of_the_code_that_a_page_names_exists(page: Path) -> None:
    """By its path, or by its name alone if the sentence says where."""
    for name in re.findall(r"`([\w/]+\.(?:py|sh))`", page.read_text()):
        assert next(ROOT.glob(f"[!.]*/**/{name}"), None) or (ROOT / name).exists(), name


NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_test_that_a_page_names_as_proof_exists(page: Path) -> None:
    for file, name in NAMED_TEST.findall(page.read_text()):
        assert (ROOT / file).is_file(), f"{page.name}: {file}"
        assert f"\ndef {name}(" in (ROOT / file).read_text(), f"{page.name}: {file}::{name}"


def test_the_page_on_security_names_a_test_for_what_it_promises() -> None:
    assert len(NAMED_TEST.findall((ROOT / "docs/security.md").read_text())) > 40
