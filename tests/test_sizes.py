"""Nothing grows beyond what a reader keeps in mind: files, classes, functions, constructors."""

import ast
from collections.abc import Iterator

from tests.kit.sources import ROOT, parsed, sources

FILE_LINES = 450
METHODS = 30  # of one class,
ATTRIBUTES = 14  # that its methods set
FUNCTION_LINES = 45  # but for a table in one `match`
CALLABLES = 20  # handed to constructors, in the whole product: objects are handed on instead

Function = ast.FunctionDef | ast.AsyncFunctionDef


def classes(file: str) -> list[ast.ClassDef]:
    return [node for node in ast.walk(parsed(file)) if isinstance(node, ast.ClassDef)]


def methods(of: ast.ClassDef) -> list[Function]:
    return [node for node in of.body if isinstance(node, Function)]


def attributes(of: ast.ClassDef) -> set[str]:
    """Return the attributes of self that any method sets."""
    return {name for method in methods(of) for name in _set_in(method)}


def _set_in(method: Function) -> Iterator[str]:
    for node in ast.walk(method):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            yield node.attr


def is_table(function: Function) -> bool:
    """Whether nearly all of it is one `match`."""
    return any(
        isinstance(node, ast.Match) and length(node) > 0.8 * length(function)
        for node in function.body
    )


def length(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def callables(of: ast.ClassDef) -> int:
    """Return how many parameters of its constructor are functions."""
    return sum(
        "Callable" in ast.unparse(one.annotation)
        for method in methods(of)
        if method.name == "__init__"
        for one in (*method.args.args, *method.args.kwonlyargs)
        if one.annotation is not None
    )


def too_large(file: str) -> dict[str, int]:
    """Return what is too large in a file, each with its size."""
    found = {file: len((ROOT / file).read_text().splitlines())}
    found = {name: size for name, size in found.items() if size > FILE_LINES}
    for one in classes(file):
        for what, size, most in (
            ("methods", len(methods(one)), METHODS),
            ("attributes", len(attributes(one)), ATTRIBUTES),
        ):
            if size > most:
                found[f"{file}:{one.name}, {what}"] = size
    for node in ast.walk(parsed(file)):
        if isinstance(node, Function) and length(node) > FUNCTION_LINES and not is_table(node):
            found[f"{file}:{node.name}"] = length(node)
    return found


def test_no_file_class_or_function_is_too_large() -> None:
    assert not {name: size for file in sources() for name, size in too_large(file).items()}


def test_objects_not_functions_are_handed_to_constructors() -> None:
    counts = {f"{file}:{one.name}": callables(one) for file in sources() for one in classes(file)}
    found = {name: count for name, count in counts.items() if count}
    assert sum(found.values()) <= CALLABLES, found


def test_sizes_are_measured() -> None:
    """Guard the guards: they see what is too large."""
    lines = "\n".join(f"        self.a{n} = {n}" for n in range(FUNCTION_LINES))
    one = ast.parse(f"class A:\n    def __init__(self, f: Callable[[], int]) -> None:\n{lines}")
    (found,) = (node for node in one.body if isinstance(node, ast.ClassDef))
    assert len(attributes(found)) == FUNCTION_LINES
    assert callables(found) == len(methods(found)) == 1
    (method,) = methods(found)
    assert length(method) == FUNCTION_LINES + 1
    assert not is_table(method)
