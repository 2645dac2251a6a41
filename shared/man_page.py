"""A page for `man`, made from the parser of a command line."""

import argparse
from collections.abc import Iterable
from typing import Final

from shared.version import VERSION

SECTION: Final = 1  # of the manual: programs that users run


def man_page(parser: argparse.ArgumentParser, commands: Iterable[tuple[str, str]] = ()) -> str:
    """Return the page as roff; `commands` are those that a user may type, with their meanings."""
    name, text = parser.prog, parser.description or ""
    synopsis = parser.format_usage().removeprefix("usage: ").removeprefix(name)
    lines = [
        f'.TH {name.upper()} {SECTION} "" "parley {VERSION}"',
        ".SH NAME",
        rf"{name} \- {_roff(text.partition('.')[0].replace(chr(10), ' '))}",
        ".SH SYNOPSIS",
        rf"\fB{name}\fR{_roff(' '.join(['', *synopsis.split()]))}",
        ".SH DESCRIPTION",
        _roff(text),
        ".SH OPTIONS",
    ]
    for one in parser._actions:
        if one.help != argparse.SUPPRESS:
            help_text = (one.help or "").replace("%(default)s", str(one.default))
            lines += [".TP", _tag(one), _roff(help_text)]
    if rows := list(commands):
        lines.append(".SH COMMANDS")
        for usage, meaning in rows:
            lines += [".TP", rf"\fB{_roff(usage)}\fR", _roff(meaning)]
    title, _, examples = (parser.epilog or "").partition("\n")
    lines += [f".SH {_roff(title.rstrip(':').upper())}", ".nf", _roff(examples.rstrip()), ".fi"]
    return "\n".join(lines) + "\n"


def _tag(one: argparse.Action) -> str:
    metavar = str(one.metavar or one.dest)
    if not one.option_strings:
        return rf"\fI{_roff(metavar)}\fR"
    flags = ", ".join(rf"\fB{_roff(flag)}\fR" for flag in one.option_strings)
    return flags if one.nargs == 0 else rf"{flags} \fI{_roff(metavar)}\fR"


def _roff(text: str) -> str:
    """Escape text for roff: no requests, no escapes, and no hyphens that could become dashes."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(
        rf"\&{line}" if line.startswith((".", "'")) else line for line in escaped.split("\n")
    )
