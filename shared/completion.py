"""Make completion scripts for shells from the parser of a command line.

The scripts hold no logic of the programs: options with their values, and words of commands.
"""

import argparse
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple


class _Option(NamedTuple):
    flags: Sequence[str]
    help: str
    value: str  #: its metavar; "" for a switch
    choices: Sequence[str]

    @property
    def kind(self) -> str:
        """Return what a shell completes after this option."""
        if self.value in ("DIR", "FILE"):
            return self.value
        return "WORDS" if self.choices else ("ANY" if self.value else "")


def script(shell: str, parser: argparse.ArgumentParser, commands: Iterable[str] = ()) -> str:
    """Return the script for one of SHELLS; `commands` may follow the parser's own words."""
    words = [one.metavar or one.dest for one in parser._actions if not one.option_strings]
    return SHELLS[shell](parser.prog, _options(parser), [str(one) for one in words], [*commands])


def _options(parser: argparse.ArgumentParser) -> list[_Option]:
    return [
        _Option(
            one.option_strings,
            (one.help or "").replace("%(default)s", str(one.default)),
            "" if one.nargs == 0 else str(one.metavar or one.dest),
            [str(choice) for choice in one.choices or ()],
        )
        for one in parser._actions
        if one.option_strings and one.help != argparse.SUPPRESS
    ]


# --- bash ---

_BASH: Final = """\
# Completion of {program} for bash: source it, or put it into the folder for completions.
_{program}() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} count=0 at=1
    case ${{COMP_WORDS[COMP_CWORD-1]}} in
{values}
    esac
    if [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W "{flags}" -- "$word"))
        return
    fi
    while ((at < COMP_CWORD)); do
        case ${{COMP_WORDS[at]}} in
            {with_value}) ((at++)) ;;
            -*) ;;
            *) ((count++)) ;;
        esac
        ((at++))
    done
    ((count == {words})) || return
    case $word in
        [a-z]*) COMPREPLY=($(compgen -W "{lower}" -- "$word")) ;;
        *) COMPREPLY=($(compgen -W "{upper}" -- "$word")) ;;
    esac
}}
complete -F _{program} {program}
"""


def _bash(program: str, options: list[_Option], words: list[str], commands: list[str]) -> str:
    answers = {"DIR": "compgen -d", "FILE": "compgen -f", "ANY": ""}
    values = []
    for one in options:
        if not one.value:
            continue
        listed = f'compgen -W "{" ".join(one.choices)}"' if one.choices else answers[one.kind]
        reply = f'COMPREPLY=($({listed} -- "$word")); ' if listed else ""
        values.append(f"        {'|'.join(one.flags)}) {reply}return ;;")
    return _BASH.format(
        program=program,
        values="\n".join(values),
        flags=" ".join(flag for one in options for flag in one.flags),
        with_value="|".join(flag for one in options if one.value for flag in one.flags),
        words=len(words),
        upper=" ".join(commands),
        lower=" ".join(commands).lower(),
    )


# --- zsh ---


def _zsh(program: str, options: list[_Option], words: list[str], commands: list[str]) -> str:
    actions = {"DIR": "_files -/", "FILE": "_files", "ANY": " "}
    lines = []
    for one in options:
        action = f"({' '.join(one.choices)})" if one.choices else actions.get(one.kind, "")
        value = f":{_plain(one.value)}:{action}" if one.value else ""
        lines += [_quoted(f"{flag}[{_plain(one.help)}]{value}") for flag in one.flags]
    lines += [_quoted(f"{at}:{_plain(word)}: ") for at, word in enumerate(words, start=1)]
    if commands:
        lines.append(_quoted(f"{len(words) + 1}:command:({' '.join(commands)})"))
        lines.append(_quoted("*:text: "))
    arguments = " \\\n    ".join(["_arguments", *lines])
    where = f"# Completion of {program} for zsh: put it into a folder of $fpath, as _{program}."
    return f"#compdef {program}\n{where}\n{arguments}\n"


def _plain(text: str) -> str:
    """Return the text without characters that are special to zsh."""
    return text.replace("[", "(").replace("]", ")").replace(":", ",")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# --- fish ---


def _fish(program: str, options: list[_Option], words: list[str], commands: list[str]) -> str:
    lines = [
        f"# Completion of {program} for fish: put it into ~/.config/fish/completions.",
        f"complete -c {program} -f",
    ]
    for one in options:
        flags = " ".join(
            f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in one.flags
        )
        values = {
            "DIR": " -r -a '(__fish_complete_directories)'",
            "FILE": " -r -F",
            "WORDS": f" -x -a {_escaped(' '.join(one.choices))}",
            "ANY": " -x",
        }.get(one.kind, "")
        lines.append(f"complete -c {program} {flags}{values} -d {_escaped(one.help)}")
    if commands:
        is_after = f"test (count (commandline -opc | string match -v -- '-*')) -gt {len(words)}"
        condition = _escaped(is_after)
        lines.append(f"complete -c {program} -n {condition} -a {_escaped(' '.join(commands))}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS: Final[dict[str, Callable[[str, list[_Option], list[str], list[str]], str]]] = {
    "bash": _bash,
    "zsh": _zsh,
    "fish": _fish,
}
