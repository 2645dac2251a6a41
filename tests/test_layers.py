"""The arrows go one way, decisions are pure, and the world comes in through `shared.world`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("shared", "directory_server", "peer")

# Files that decide and do nothing, with what they need beyond the standard library.
CORES: dict[str, set[str]] = {
    "shared/names.py": set(),
    "shared/messages.py": {"msgspec"},
    "shared/codec.py": {"msgspec"},
    "shared/errors.py": set(),
    "shared/words.py": set(),
    "shared/identity.py": {"cryptography"},
    "shared/sealing.py": {"cryptography", "msgspec"},
    "shared/receipt.py": {"msgspec"},
    "shared/strangers.py": set(),
    "shared/weak_keys.py": set(),
    "shared/bucket.py": set(),
    "shared/reserved.py": set(),
    "directory_server/core/alarm.py": set(),
    "directory_server/core/doorkeeper.py": set(),
    "directory_server/core/quotas.py": set(),
    "directory_server/core/registry.py": set(),
    "directory_server/core/tombstones.py": set(),
    "directory_server/core/usage.py": set(),
    "directory_server/core/authority.py": {"cryptography"},
    "directory_server/core/limits.py": set(),
    "peer/core/conversation/lamport_clock.py": set(),
    "peer/core/allowance.py": {"msgspec"},
    "peer/core/backlog.py": {"msgspec"},
    "peer/commands/table.py": {"msgspec"},
    "peer/core/invitation/machine.py": {"msgspec"},
    "peer/core/conversation/conversation.py": {"msgspec"},
    "peer/core/conversation/delivery.py": {"msgspec"},
    "peer/core/reach/dial_policy.py": {"msgspec"},
    "peer/core/conversation/gaps.py": {"msgspec"},
    "peer/core/membership.py": {"msgspec"},
    "peer/core/stay_tree.py": set(),
    "peer/core/conversation/check_budget.py": set(),
    "peer/core/letter_check.py": {"msgspec"},
    "peer/core/reach/presence.py": set(),
    "peer/core/reach/back_off.py": set(),
    "peer/core/stranger_limits.py": {"msgspec"},
    "peer/core/conversation/digests.py": set(),
    "peer/core/conversation/entrances.py": {"msgspec"},
    "peer/core/conversation/unchecked_texts.py": {"msgspec"},
    "peer/events.py": {"msgspec"},
    "peer/core/history_entry.py": {"msgspec"},
    "peer/commands/manual.py": {"msgspec"},
    "peer/core/target.py": {"msgspec"},
    "peer/core/conversation/route.py": {"msgspec"},
    "peer/core/keys/name_marks.py": set(),
    "peer/core/reach/absence.py": set(),
    "peer/core/lateness.py": set(),
    "peer/core/line_window.py": {"msgspec"},
    "peer/core/keys/key_alarms.py": set(),
    "peer/core/display_gate.py": set(),
    "peer/core/keys/key_comparison.py": {"msgspec"},
    "shared/clean.py": set(),
    "peer/screen/ui_state.py": {"msgspec"},
}

# What of the standard library neither reads nor writes anything outside of the program.
PURE = {
    "base64", "bisect", "collections", "contextlib", "dataclasses", "datetime", "difflib", "enum",
    "functools", "hashlib", "hmac", "heapq", "ipaddress", "itertools", "math", "operator", "re",
    "string", "types", "typing", "unicodedata",
}  # fmt: skip

# Network, disk, clock and chance; `shared.world` is the way to them for everybody else.
OUTSIDE = {"socket", "ssl", "os", "random", "time"}
AT_THE_BORDER = {
    "shared/tls.py",
    "shared/wire.py",
    "shared/disk.py",
    "shared/private.py",
    "shared/process.py",
    "shared/real.py",
    "shared/world.py",
    "directory_server/__main__.py",
    "peer/__main__.py",
}
EXCEPTIONS: dict[str, set[str]] = {
    "peer/program/lifecycle.py": {"os"},  # closed standard streams, and a process that ends at once
    "peer/screen/terminal/terminal.py": {"os", "time"},  # what the terminal can; a thread's clock
    "peer/screen/terminal/editor.py": {"time"},  # when a line was begun
    "peer/storage/input_history.py": {"os"},  # a file of its own
    "peer/program/passphrase.py": {"os"},  # the terminal itself, before there is a screen
    "peer/program/control.py": {"os", "socket"},  # the way to a peer on this machine
}


def sources() -> list[str]:
    return sorted(
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    )


def imports(file: str) -> set[str]:
    """The modules that a file imports, anywhere in it, with all their dots."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                found |= {name.name for name in names}
            case ast.ImportFrom(module=str(module), level=0, names=names):
                # `from peer import commands` imports peer/commands/table.py.
                inside = {f"{module}.{name.name}" for name in names}
                modules = {one for one in inside if (ROOT / _path(one)).exists()}
                found |= modules or {module}
            case ast.ImportFrom():
                raise AssertionError(f"{file} has a relative import")
    return found


def _path(module: str) -> str:
    return module.replace(".", "/") + ".py"


def top(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


@pytest.mark.parametrize("file", sources())
def test_the_arrows_between_the_packages_go_one_way(file: str) -> None:
    package = file.split("/", maxsplit=1)[0]
    ours = {top(module) for module in imports(file)} & {*PACKAGES, "tests", "examples"}
    assert ours <= {package, "shared"}


@pytest.mark.parametrize("file", CORES)
def test_a_core_imports_cores_and_nothing_that_touches_the_world(file: str) -> None:
    for module in imports(file):
        if top(module) in PACKAGES:
            assert _path(module) in CORES, f"{module} is no core"
        else:
            assert top(module) in PURE | CORES[file], f"{module} is not for a core"


def test_every_core_is_a_file() -> None:
    assert CORES.keys() <= set(sources())


@pytest.mark.parametrize("file", sources())
def test_only_the_border_touches_network_disk_clock_and_chance(file: str) -> None:
    if file in AT_THE_BORDER or file.startswith("peer/screen/"):
        return
    touched = {top(module) for module in imports(file)} & OUTSIDE
    assert touched == EXCEPTIONS.get(file, set()), "what is not needed is no exception either"


def test_every_exception_is_a_file() -> None:
    assert (AT_THE_BORDER | EXCEPTIONS.keys()) <= set(sources())
