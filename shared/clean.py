"""Make remote text harmless: no character in it acts on the terminal.

| what                                            | becomes                          |
|-------------------------------------------------|----------------------------------|
| any kind of line break                          | \\n                               |
| tab                                             | four spaces                      |
| other C0 controls and DEL                       | its picture: ESC is ␛            |
| C1 controls, lone surrogates                    | �                                |
| overrides and isolates of the text's direction  | �                                |
| other format characters, which have no shape    | nothing; the joiners stay        |
| noncharacters, unassigned outside planes 1 to 3 | �                                |
| the ninth mark in a row on one letter           | nothing, and so the ones after   |
| a ZWJ at the end of a line                      | nothing: some terminals would    |
|                                                 | join it with the line after next |

The joiners, ZWJ and ZWNJ, stay for emoji and for Persian and Indian scripts, and
what is unassigned in planes 1 to 3 for emoji that are younger than this Python.
"""

import re
import unicodedata

TAB = "    "
INDENT = "    "  # of a continuation line; a real line never begins with a space
MARKS = 8  # in a row; no living script needs more, and thousands cover the lines above

_LINE_BREAK = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_DANGLING = re.compile("\u200d+(?=\n|\\Z)")
_JOINERS = "\u200c\u200d"
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_PICTURES = 0x2400  # of the C0 controls, in their order
_DELETE = "\x7f"


def clean(text: str) -> str:
    """Return the text without anything that acts on a terminal; only `\\n` breaks its lines.

    Cleaning twice changes nothing.
    """
    if text.isascii() and text.isprintable():
        return text
    shown = "".join(map(_harmless, _LINE_BREAK.sub("\n", text)))
    return shown if shown.isascii() else _DANGLING.sub("", _without_towers(shown))


def on_one_line(text: str) -> str:
    """Return the clean text with spaces for line breaks, for names and other short texts."""
    return clean(text).replace("\n", " ")


def lines_of(prefix: str, text: str) -> list[str]:
    """Return the lines of prefix and clean text; all lines but the first are indented.

    So no line break in a text can forge the line of another user.
    """
    first, *more = clean(prefix + text).split("\n")
    return [first, *(INDENT + line for line in more)]


def _harmless(character: str) -> str:
    match unicodedata.category(character):
        case "Cc":
            return _control(character)
        case "Cf" if character in _JOINERS:
            return character
        case "Cf":
            return _REPLACEMENT if _DIRECTION.match(character) else ""
        case "Cs":
            return _REPLACEMENT
        case "Cn" if not _may_be_young(character):
            return _REPLACEMENT
    return character


def _control(character: str) -> str:
    if character == "\n":
        return character
    if character == "\t":
        return TAB
    if character == _DELETE:
        return "\N{SYMBOL FOR DELETE}"
    return chr(_PICTURES + ord(character)) if character < " " else _REPLACEMENT


def _may_be_young(unassigned: str) -> bool:
    code = ord(unassigned)
    return 0x10000 <= code < 0x40000 and code & 0xFFFF < 0xFFFE


def _without_towers(text: str) -> str:
    kept, height = [], 0
    for character in text:
        is_mark = character in _JOINERS or unicodedata.category(character).startswith("M")
        height = height + 1 if is_mark else 0
        if height <= MARKS:
            kept.append(character)
    return "".join(kept)
