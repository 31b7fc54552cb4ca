"""How large a file, a function and a list of parameters may be."""

from collections.abc import Iterator

from .house import House, Source

FILE_LINES = 500
FUNCTION_LINES = 70
PARAMETERS = 6
WRITTEN_BY_HAND = (".py", ".html", ".css", ".js")


def long_files(house: House) -> Iterator[str]:
    """Files of 500 lines and more."""
    for path, text in house.texts.items():
        lines = text.count("\n")
        if lines >= FILE_LINES and path.endswith(WRITTEN_BY_HAND):
            yield f"{path}: {lines} lines; make it a folder of the same name with one use case a file"


def function_lengths(source: Source) -> Iterator[tuple[str, int]]:
    """`path:line name` and length in lines of each function."""
    for function in source.functions():
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        yield f"{source.path}:{function.lineno} {function.name}", length


def long_functions(house: House) -> Iterator[str]:
    """Functions over 70 lines."""
    for source in house.sources:
        for place, length in function_lengths(source):
            if length > FUNCTION_LINES:
                yield f"{place}: {length} lines; give its steps names and make them functions"


def many_parameters(house: House) -> Iterator[str]:
    """Functions with more than 6 parameters, self and cls aside."""
    for source in house.under("src", "tools", "bench"):
        for function in source.functions():
            given = function.args
            names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            amount = len(names) - (names[:1] in (["self"], ["cls"]))
            if amount > PARAMETERS:
                yield (
                    f"{source.path}:{function.lineno} {function.name}: {amount} parameters; "
                    "bundle those that belong together into a keyword-only struct"
                )
