"""A docstring says who does what: it begins with no headless clause ("What was left ...")."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEADLESS = re.compile(r"(Who|Whom|Whose|What|Where|Which|When|How)\b[^?]*?(\.|:)(\s|\Z)", re.DOTALL)


def docstrings(package: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(
                node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            ) and (text := ast.get_docstring(node)):
                name = getattr(node, "name", "the module")
                found[f"{path.relative_to(ROOT)}: {name}"] = text
    return found


def is_headless(text: str) -> bool:
    """Whether the text begins with a clause that is no sentence; a question is one."""
    return HEADLESS.match(text) is not None


@pytest.mark.parametrize("package", ["shared", "directory_server", "peer"])
def test_no_docstring_begins_with_a_headless_clause(package: str) -> None:
    found = docstrings(package)
    assert found
    assert not {where: text for where, text in found.items() if is_headless(text)}


def test_a_question_is_a_sentence() -> None:
    assert is_headless("What was left of it: a few bytes.")
    assert is_headless("Who is asked.")
    assert not is_headless("Where is this user?  Answered by CONTACT, or ERR NOBODY.")
    assert not is_headless("Whether it is empty.")
