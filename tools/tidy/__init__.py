"""The tidy rules: what ruff and the type checker don't know about this house. `python -m tools.tidy` runs them."""

from collections.abc import Callable, Iterator

from . import calls, rooms, sizes, tests, words
from .house import House, read_house

Rule = Callable[[House], Iterator[str]]

RULES: dict[str, Rule] = {
    "files stay under 500 lines": sizes.long_files,
    "functions stay within 70 lines": sizes.long_functions,
    "functions take at most 6 parameters": sizes.many_parameters,
    "names say what a file is for": words.nameless_files,
    "nothing is left unfinished": words.unfinished,
    "no path or host of one machine": words.machine_paths,
    "time and chance come from one source": calls.hidden_sources,
    "queries are given time and chance too": rooms.hidden_sql_sources,
    "rows are picked once": rooms.chosen_again,
    "only entrypoints print": calls.prints,
    "errors are caught by name": calls.broad_excepts,
    "each module has its rooms": rooms.missing_files,
    "queries live in the stores": rooms.stray_sql,
    "a module's queries name its own schema only": rooms.foreign_schemas,
    "revisions are SQL": rooms.revisions,
    "code is not patched in tests": tests.patches,
    "a test's first line says what must hold": tests.silent_tests,
    "a test is not skipped without a reason": tests.silent_skips,
}

__all__ = ["RULES", "House", "Rule", "read_house"]
