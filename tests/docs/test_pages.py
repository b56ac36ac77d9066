"""Pages can be read in an editor, their links lead to headings that are there, and the index of decisions names each of them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
ALL = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

LONG = {ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", DOCS / "contract.md"}
"""Pages with longer lines: an entry of the changelog is one line, and other programs compare the contract line by line."""

PAGES = [page for page in ALL if page not in LONG]
LONGEST = 160
"""Characters of a line."""

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")


def prose(page: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, without those of tables and code blocks."""
    fenced = False
    for number, line in enumerate(page.splitlines(), 1):
        fenced ^= line.startswith("```")
        if not fenced and not line.startswith("|"):
            yield number, line


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as a forge derives them."""
    headings = [line.lstrip("#").strip().lower() for _, line in prose(page) if line.startswith("#")]
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-") for heading in headings}


def too_long(page: str) -> list[str]:
    """The lines that are longer than LONGEST, by number."""
    return [f"{number}: {len(line)} characters" for number, line in prose(page) if len(line) > LONGEST]


def ids(pages: list[Path]) -> list[str]:
    """Names of tests."""
    return [str(page.relative_to(ROOT)) for page in pages]


@pytest.mark.parametrize("page", PAGES, ids=ids(PAGES))
def test_lines_of_a_page_fit_into_an_editor(page: Path) -> None:
    assert too_long(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("x" * 160, []),
        ("One\n" + "x" * 161, ["2: 161 characters"]),
        ("| " + "x" * 161, []),
        ("```sh\n" + "x" * 161 + "\n```\n" + "y" * 162, ["4: 162 characters"]),
    ],
)
def test_a_line_that_is_too_long_is_found_outside_of_tables_and_code(page: str, found: list[str]) -> None:
    assert too_long(page) == found


@pytest.mark.parametrize("page", ALL, ids=ids(ALL))
def test_the_heading_that_a_link_names_is_there(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    targets = [(page.parent / path if path else page, anchor) for path, anchor in links]

    assert [str(target) for target, anchor in targets if anchor not in anchors(target.read_text(encoding="utf-8"))] == []


def test_the_index_of_decisions_has_each_with_its_title() -> None:
    index = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")
    titles = [page.read_text(encoding="utf-8").splitlines()[0] for page in DECISIONS]

    rows = re.findall(r"^\| \[(\d{4})\]\((.+?)\) \| (.+?) \| (?:Accepted|Replaced)", index, re.MULTILINE)

    assert [(f"# {number}: {title}", name) for number, name, title in rows] == [(title, page.name) for title, page in zip(titles, DECISIONS, strict=True)]


@pytest.mark.parametrize("page", DECISIONS, ids=[page.name[:4] for page in DECISIONS])
def test_a_decision_begins_with_its_status(page: Path) -> None:
    assert re.match(r"# \d{4}: .+\n\n\*\*Status\.\*\* (?:Accepted|Replaced)\b", page.read_text(encoding="utf-8"))
