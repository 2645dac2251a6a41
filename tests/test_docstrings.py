"""A docstring says who does what: it begins with no headless clause ("What was left ...")."""

import ast
import re

import pytest

from tests.kit.sources import PACKAGES, parsed, sources

HEADLESS = re.compile(r"(Who|Whom|Whose|What|Where|Which|When|How)\b[^?]*?(\.|:)(\s|\Z)", re.DOTALL)


def docstrings(package: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in (one for one in sources() if one.startswith(f"{package}/")):
        for node in ast.walk(parsed(file)):
            if isinstance(
                node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            ) and (text := ast.get_docstring(node)):
                name = getattr(node, "name", "the module")
                found[f"{file}: {name}"] = text
    return found


def is_headless(text: str) -> bool:
    """Whether the text begins with a clause that is no sentence; a question is one."""
    return HEADLESS.match(text) is not None


@pytest.mark.parametrize("package", PACKAGES)
def test_no_docstring_begins_with_a_headless_clause(package: str) -> None:
    found = docstrings(package)
    assert found
    assert not {where: text for where, text in found.items() if is_headless(text)}


def test_a_question_is_a_sentence() -> None:
    assert is_headless("What was left of it: a few bytes.")
    assert is_headless("Who is asked.")
    assert not is_headless("Where is this user?  Answered by CONTACT, or ERR NOBODY.")
    assert not is_headless("Whether it is empty.")
