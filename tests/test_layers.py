"""The arrows go one way, decisions are pure, and the world comes in through `shared.world`."""

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.kit.sources import PACKAGES, ROOT, parsed, sources

# What decides and does nothing: folders, and files elsewhere.
CORES = (
    "directory_server/core/", "peer/commands/", "peer/core/", "peer/event.py", "peer/events.py",
    "peer/letter_events.py",
    "peer/screen/ui_state.py", "shared/announced_name.py", "shared/announcement.py",
    "shared/bucket.py", "shared/clean.py",
    "shared/codec.py",
    "shared/errors.py", "shared/identity.py", "shared/messages/", "shared/names.py",
    "shared/notes.py", "shared/receipt.py", "shared/reserved.py", "shared/sealing.py",
    "shared/spots.py", "shared/strangers.py", "shared/texts.py", "shared/weak_keys.py",
    "shared/wording.py",
    "shared/words.py",
)  # fmt: skip
LIBRARIES = {"msgspec"}  # which a core may use,
LIBRARIES_OF: dict[str, set[str]] = {  # and these as well
    "directory_server/core/authority.py": {"cryptography"},
    "shared/identity.py": {"cryptography"},
    "shared/sealing.py": {"cryptography"},
}

# What each part of a peer may import of the others: what stands before it, or what is named.
LAYERS = (
    "peer/commands/", "peer/core/", "peer/event.py", "peer/letter_events.py", "peer/events.py",
    "peer/storage/", "peer/results.py", "peer/place_results.py", "peer/options.py",
    "peer/runtime/", "peer/assembly.py",
    "peer/directory_news.py", "peer/local_peer.py", "peer/lifespan.py", "peer/console/",
    "peer/screen/", "peer/program/", "peer/api.py", "peer/__main__.py",
)  # fmt: skip
SHOWS = {
    "peer/commands/", "peer/core/", "peer/events.py", "peer/storage/", "peer/results.py",
    "peer/place_results.py",
}  # fmt: skip
MAY_IMPORT: dict[str, set[str]] = {
    "peer/core/": {"peer/commands/", "peer/events.py"},  # events are what a core tells
    "peer/event.py": set(),
    "peer/letter_events.py": {"peer/core/", "peer/event.py"},
    "peer/events.py": {"peer/core/", "peer/event.py", "peer/letter_events.py"},
    "peer/storage/": {"peer/core/", "peer/events.py"},
    "peer/screen/": SHOWS,
}
MODULES_MOST = 16  # in one folder: what one page of a listing shows
# Whose classes are the words of a language, and bear their names for that.
VOCABULARIES = {
    "directory_server/admin/requests.py", "peer/commands/grammar.py", "peer/events.py",
    "peer/letter_events.py",
    "peer/core/conversation/actions.py", "peer/core/invitation/actions.py",
    "peer/core/mapping/actions.py",
}  # fmt: skip
CROWDED = {"shared"}  # each name in it is imported by dozens: renaming costs more than it gives

# What of the standard library neither reads nor writes anything outside of the program.
PURE = {
    "base64", "bisect", "collections", "contextlib", "dataclasses", "datetime", "difflib", "enum",
    "functools", "hashlib", "hmac", "heapq", "ipaddress", "itertools", "math", "operator", "re",
    "string", "struct", "types", "typing", "unicodedata", "warnings",
}  # fmt: skip

# Network, disk, clock and chance; `shared.world` is the way to them for everybody else.
OUTSIDE = {"socket", "ssl", "os", "random", "time"}
AT_THE_BORDER = {
    "shared/tls.py",
    "shared/wire.py",
    "shared/datagrams.py",
    "shared/punching.py",
    "shared/sockets.py",
    "shared/disk.py",
    "shared/file_streams.py",
    "shared/interfaces.py",
    "shared/gateway.py",
    "shared/local_socket.py",
    "shared/private.py",
    "shared/process.py",
    "shared/real.py",
    "shared/world.py",
    "directory_server/__main__.py",
    "peer/__main__.py",
}
EXCEPTIONS: dict[str, set[str]] = {
    "shared/upnp_helper.py": {"os"},  # a program that becomes nobody's child
    # a wait for a database that hangs is ended from another thread, which psycopg cannot do
    "directory_server/storage/postgres/connection.py": {"os", "socket"},
    "directory_server/service_manager.py": {"os", "socket"},  # the datagrams of sd_notify
    "directory_server/workers/__main__.py": {"os"},  # the same, as if a service manager had done so
    "directory_server/workers/parent.py": {"os"},  # the environment of a process that it starts
    "directory_server/inherited_sockets.py": {"os", "socket"},  # what sd_listen_fds names
    "peer/program/lifecycle.py": {"os"},  # closed standard streams, and a process that ends at once
    "peer/storage/input_history.py": {"os"},  # a file of its own
    "peer/program/passphrase.py": {"os"},  # the terminal itself, before there is a screen
}


@cache
def imports(file: str) -> set[str]:
    """Return the modules that a file imports, anywhere in it, with all their dots."""
    found: set[str] = set()
    for node in ast.walk(parsed(file)):
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


def is_core(file: str) -> bool:
    return file.startswith(CORES)


def layer_of(file: str) -> str:
    """The part of a peer in which a file lies."""
    return next(one for one in LAYERS if file.startswith(one))


def test_the_arrows_between_the_packages_go_one_way() -> None:
    for file in sources():
        package = file.split("/", maxsplit=1)[0]
        ours = {top(module) for module in imports(file)} & {*PACKAGES, "tests", "examples"}
        assert ours <= {package, "shared"}, file


def test_a_core_imports_cores_and_nothing_that_touches_the_world() -> None:
    for file in filter(is_core, sources()):
        for module in imports(file):
            if top(module) in PACKAGES:
                assert is_core(_path(module)), f"{file}: {module} is no core"
            else:
                libraries = LIBRARIES | LIBRARIES_OF.get(file, set())
                assert top(module) in PURE | libraries, f"{file}: {module} is not for a core"


def test_no_arrow_inside_a_peer_runs_upwards() -> None:
    for file in sources():
        if not file.startswith("peer/") or file == "peer/__init__.py":
            continue
        layer = layer_of(file)
        below = MAY_IMPORT.get(layer, set(LAYERS[: LAYERS.index(layer)]) - {"peer/screen/"})
        if layer in ("peer/program/", "peer/api.py", "peer/__main__.py"):
            below = set(LAYERS[: LAYERS.index(layer)])
        for module in imports(file):
            if top(module) == "peer":
                assert layer_of(_path(module)) in {layer, *below}, f"{file} imports {module}"


def test_no_folder_is_crowded() -> None:
    folders = Counter(str(Path(file).parent) for file in sources() if "__init__" not in file)
    assert {name for name, count in folders.items() if count > MODULES_MOST} == CROWDED


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_public_classes_of_a_package_share_a_name(package: str) -> None:
    files: dict[str, list[str]] = {}
    for file in sources():
        if file.startswith(f"{package}/") and file not in VOCABULARIES:
            for node in parsed(file).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    files.setdefault(node.name, []).append(file)
    assert not {name: where for name, where in files.items() if len(where) > 1}


def test_what_is_named_here_is_there() -> None:
    for one in (*CORES, *LAYERS):
        assert (ROOT / one).exists(), one
    assert LIBRARIES_OF.keys() | VOCABULARIES <= set(sources())


def test_only_the_border_touches_network_disk_clock_and_chance() -> None:
    """An exception that is not needed is none either."""
    for file in sources():
        if file not in AT_THE_BORDER and not file.startswith("peer/screen/"):
            touched = {top(module) for module in imports(file)} & OUTSIDE
            assert touched == EXCEPTIONS.get(file, set()), file


def test_every_exception_is_a_file() -> None:
    assert (AT_THE_BORDER | EXCEPTIONS.keys()) <= set(sources())


def test_no_two_files_of_tests_share_a_name() -> None:
    """pytest imports each by its name alone, and stops where a name comes twice."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert not [name for name, times in names.items() if times > 1]
