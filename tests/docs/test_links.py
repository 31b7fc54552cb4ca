"""Documentation that can be walked: links lead somewhere and no page is lost."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Every Markdown page that is or may be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return sorted(ROOT / path for path in listed.split("\0") if path and (ROOT / path).is_file())


PAGES = pages()


def anchors(page: Path) -> set[str]:
    """The anchors that its headings get, as GitHub makes them."""
    headings = re.findall(r"^#{1,6} (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def targets(page: Path) -> list[str]:
    """What the page links to."""
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text()))
    return [first or second for first, second in LINK.findall(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    """A link to a file or heading that is not there sends a reader away."""
    for target in targets(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target}: no such file"
        assert there.is_relative_to(ROOT), f"{target}: leads out of the repository"
        if anchor:
            assert anchor in anchors(there), f"{target}: no such heading"


def test_every_page_of_the_docs_can_be_found_from_the_index() -> None:
    """docs/README.md leads, over one or more links, to each page below docs/."""
    docs = ROOT / "docs"
    seen: set[Path] = set()
    ahead = [docs / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        for target in targets(page):
            path = target.partition("#")[0]
            if path and not re.match(r"[a-z]+:", target):
                ahead.append((page.parent / path).resolve())
    lost = sorted(page.relative_to(ROOT).as_posix() for page in PAGES if docs in page.parents and page not in seen)
    assert not lost, f"link these from docs/README.md: {lost}"


def test_every_module_readme_fits_on_a_page() -> None:
    """A module's first page is one page: what a newcomer reads before the code."""
    for page in PAGES:
        if page.name == "README.md" and page.is_relative_to(ROOT / "src"):
            lines = page.read_text().count("\n")
            assert lines <= 80, f"{page.relative_to(ROOT)} has {lines} lines; the rest belongs into docs/explanation"


def test_the_map_of_the_house_names_every_room() -> None:
    """docs/explanation/architecture.md says what each room is for that has something in it."""
    text = (ROOT / "docs/explanation/architecture.md").read_text()
    package = ROOT / "src" / "nightmarket"
    rooms = sorted(path.name for path in package.iterdir() if path.is_dir() and any(path.glob("[!_]*")))
    assert [room for room in rooms if f"`{room}`" not in text] == []
