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
    "directory_server/alarm.py": set(),
    "directory_server/doorkeeper.py": set(),
    "directory_server/quotas.py": set(),
    "directory_server/registry.py": set(),
    "directory_server/tombstones.py": set(),
    "directory_server/usage.py": set(),
    "directory_server/authority.py": {"cryptography"},
    "directory_server/limits.py": set(),
    "peer/clock.py": set(),
    "peer/allowance.py": {"msgspec"},
    "peer/backlog.py": {"msgspec"},
    "peer/commands.py": {"msgspec"},
    "peer/invitation.py": {"msgspec"},
    "peer/conversation.py": {"msgspec"},
    "peer/delivery.py": {"msgspec"},
    "peer/dialling.py": {"msgspec"},
    "peer/lacks.py": {"msgspec"},
    "peer/membership.py": {"msgspec"},
    "peer/tree.py": set(),
    "peer/checking.py": set(),
    "peer/opening.py": {"msgspec"},
    "peer/presences.py": set(),
    "peer/returning.py": set(),
    "peer/unanswered.py": {"msgspec"},
    "peer/chains.py": set(),
    "peer/entrances.py": {"msgspec"},
    "peer/unproven.py": {"msgspec"},
    "peer/events.py": {"msgspec"},
    "peer/entries.py": {"msgspec"},
    "peer/manual.py": {"msgspec"},
    "peer/target.py": {"msgspec"},
    "peer/ways.py": {"msgspec"},
    "peer/marks.py": set(),
    "peer/absence.py": set(),
    "peer/lateness.py": set(),
    "peer/window.py": {"msgspec"},
    "peer/alarms.py": set(),
    "peer/curtain.py": set(),
    "peer/verifying.py": {"msgspec"},
    "shared/clean.py": set(),
    "peer/screen/outlook.py": {"msgspec"},
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
    "peer/stage.py": {"os"},  # closed standard streams, and a process that ends at once
    "peer/screen/terminal.py": {"os", "time"},  # what the terminal can; a thread's clock
    "peer/screen/editor.py": {"time"},  # when a line was begun
    "peer/screen/typed.py": {"os"},  # a file of its own
    "peer/passphrase.py": {"os"},  # the terminal itself, before there is a screen
    "peer/control.py": {"os", "socket"},  # the way to a peer on this machine
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
                # `from peer import commands` imports peer/commands.py.
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
