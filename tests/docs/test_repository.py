"""The repository itself: one lock without hosts, packages of its own, and links that lead somewhere."""

import importlib
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("package", ["app", "agents", "tables", "schemas"])
def test_each_package_is_that_of_this_repository(package: str) -> None:
    [path] = importlib.import_module(package).__path__

    assert Path(path) == ROOT / package


def test_the_lock_names_no_url_and_no_path() -> None:
    assert not re.findall(r"\S+://\S+|^-\S.*|\s@\s.*", LOCK, re.MULTILINE)


def test_every_locked_package_has_a_hash() -> None:
    entries = [entry for entry in re.split(r"\n(?=[a-z0-9])", LOCK) if "==" in entry]

    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_lock_has_every_dependency_of_the_project() -> None:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    locked = set(re.findall(r"^([a-z0-9._-]+)==", LOCK, re.MULTILINE))

    assert {re.split(r"[\[<>=]", requirement)[0] for group in groups for requirement in group} <= locked


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []
