"""Whatever a text is, it goes out as a cell or as HTML and comes back as it was, and no cell is a formula."""

from hypothesis import assume, given
from hypothesis import strategies as st

from nightmarket.catalog.model import checks
from nightmarket.catalog.model.cells import defused, restored
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.html_text import to_html, to_text
from nightmarket.catalog.model.proposing import headings, propose_columns

FORMULAS = st.text(st.sampled_from("'=+-@\t\r\n＝＋－＠09.,ab "), max_size=8)
MARKUP = st.text(st.sampled_from("ab \n\t<>&;'\"#p/é中\u00a0"), max_size=40)
CELLS = st.text(max_size=12)


def kept(text: str) -> str:
    """The text as the catalogue keeps it; what it refuses is no case."""
    try:
        return checks.text(text, field="here", limit=200, lines=True)
    except RowRefused:
        assume(False)
        raise


@given(st.one_of(FORMULAS, st.text(max_size=20)))
def test_cells_come_back(text: str) -> None:
    """A cell is taken back to the text that it was made of."""
    assert restored(defused(text)) == text


@given(FORMULAS)
def test_no_cell_is_calculated(text: str) -> None:
    """A cell that begins as a formula does is a plain number and nothing else."""
    cell = defused(text)
    if cell[:1] in tuple("=+-@\t\r\n＝＋－＠") and cell:
        assert cell[0] in "+-"
        float(cell.replace(",", "."))


@given(st.one_of(MARKUP, st.text(max_size=60)))
def test_html_comes_back(text: str) -> None:
    """A description that went out as HTML is the same text again."""
    text = kept(text)
    assert kept(to_text(to_html(text))) == text


@given(st.text(max_size=200))
def test_any_html_becomes_text(html: str) -> None:
    """No HTML, however broken, stops the reading."""
    assert isinstance(to_text(html), str)


@given(st.lists(CELLS, max_size=8), st.lists(st.lists(CELLS, max_size=8), max_size=6))
def test_any_table_has_a_proposal(header: list[str], rows: list[list[str]]) -> None:
    """For any table there is one proposal a column, no meaning twice, and a confidence between nothing and certain."""
    found = propose_columns(headings(header) or header, rows)
    assert len(found) == len(header)
    targets = [column.target for column in found if column.target]
    assert len(targets) == len(set(targets))
    assert all(0 < column.confidence <= 1 if column.target else column.confidence == 0 for column in found)
