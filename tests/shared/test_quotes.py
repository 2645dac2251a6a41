"""Every sentence for a user quotes with "..." alike."""

import ast
import re
from collections.abc import Iterator

import pytest

from shared.arguments import quoted
from tests.kit.sources import parsed, sources

OTHER_LANGUAGES = {"shared/completion.py", "shared/man_page.py"}  # of shells, and of man
SQL = re.compile(r"\b(SELECT|INSERT|REPLACE|UPDATE|CREATE|TABLE|FROM|WHERE|VIRTUAL|rewritten)\b")
QUOTED = re.compile(r"(?<![\w'])'[^'\s]+'(?![\w'])")


def sentences(tree: ast.AST) -> Iterator[str]:
    """All texts but docstrings; values are shown as {}, with what is done to them."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    left_out = docstrings | {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(map(_part, node.values))
        elif isinstance(node, ast.Constant) and id(node) not in left_out:
            yield node.value if isinstance(node.value, str) else ""


def _part(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.FormattedValue)
    return "'{}'" if node.conversion == ord("r") else "{}"


def test_no_sentence_quotes_otherwise() -> None:
    for file in sources():
        if file not in OTHER_LANGUAGES:
            found = [
                text
                for text in sentences(parsed(file))
                if QUOTED.search(text) and not SQL.search(text)
            ]
            assert not found, f"{file}: {found}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("x", '"x"'), ("", '""'), ("\x1b[2J", '"␛[2J"'), ("a\nb", '"a b"'), ("\udcff", '"\ufffd"')],
)
def test_what_was_typed_is_quoted_and_harmless(text: str, shown: str) -> None:
    assert quoted(text) == shown
