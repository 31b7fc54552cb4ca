"""What a test owes its reader: it says what must hold, changes no code, and is not quietly left out."""

import ast
from collections.abc import Iterator

from .house import House

PATCHING_METHODS = frozenset({"setattr", "setitem", "delattr"})
PATCHING_MODULES = ("mock", "unittest.mock", "pytest_mock")
SKIPS = frozenset({"skip", "skipif", "xfail", "importorskip"})


def patched_calls(house: House) -> Iterator[tuple[str, int, str]]:
    """Path, line and name of each place where code is replaced under test."""
    for source in house.under("tests"):
        for node in source.nodes:
            match node:
                case ast.Attribute(ast.Name("monkeypatch"), method) if method in PATCHING_METHODS:
                    yield source.path, node.lineno, f"monkeypatch.{method}"
                case ast.ImportFrom(module=str(module)) if module in PATCHING_MODULES:
                    yield source.path, node.lineno, module
                case ast.ImportFrom(module="unittest", names=names) if any(name.name == "mock" for name in names):
                    yield source.path, node.lineno, "unittest.mock"
                case ast.Import(names=names) if any(name.name in PATCHING_MODULES for name in names):
                    yield source.path, node.lineno, "mock"
                case ast.arg("mocker"):
                    yield source.path, node.lineno, "mocker"
                case _:
                    pass


def patches(house: House) -> Iterator[str]:
    """Code replaced in tests."""
    for path, line, name in patched_calls(house):
        yield f"{path}:{line}: {name}; pass in a real twin that holds the port's contract tests"


def test_functions(house: House) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every test function and method, with its path."""
    for source in house.under("tests"):
        if source.path.rsplit("/", 1)[-1].startswith("test_"):
            for function in source.functions():
                if function.name.startswith("test_"):
                    yield source.path, function


def silent_tests(house: House) -> Iterator[str]:
    """Tests whose first line does not say what must hold."""
    for path, function in test_functions(house):
        if not (ast.get_docstring(function) or "").strip():
            yield f"{path}:{function.lineno} {function.name}: begin with a docstring that says what must hold, and why"


def silent_skips(house: House) -> Iterator[str]:
    """Tests left out or expected to fail without a word."""
    for source in house.under("tests"):
        for node in source.nodes:
            match node:
                case ast.Call(func=ast.Attribute(attr=name), args=args, keywords=keywords) if name in SKIPS:
                    of = ast.unparse(node.func)
                    said = any(keyword.arg == "reason" for keyword in keywords) or (of == "pytest.skip" and args)
                    if of.startswith("pytest.") and not said:
                        yield f"{source.path}:{node.lineno}: {of} without a reason; say what is missing"
                case _:
                    pass
