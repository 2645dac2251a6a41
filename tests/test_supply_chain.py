"""What is installed is what was looked at: the lock, the checks of CI, the wheel."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from shared.version import VERSION

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
TOP_LEVEL = {
    ".ci", ".gitignore", "LICENSE", "README.md", "directory_server", "examples", "peer",
    "pyproject.toml", "requirements.lock", "shared", "tests",
}  # fmt: skip
# Where the lock must hold: each as a marker of a requirement sees it.
SUPPORTED = [
    {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": system.lower(),
        "platform_system": system,
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    for python in ("3.11", "3.12", "3.13")
    for system in ("Linux", "Darwin")
]
A_DAY = "1700000000"  # of 2023: any fixed moment


def locked() -> dict[str, Requirement]:
    """What the lock names, each with exactly one version."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    lines = re.sub(r"#[^\n]*|\\\n|--hash=\S+", " ", lock).split("\n")
    requirements = [Requirement(line) for line in lines if line.strip()]
    return {canonicalize_name(one.name): one for one in requirements}


def version_of(requirement: Requirement) -> str:
    (pin,) = requirement.specifier
    assert pin.operator == "=="
    return pin.version


def holds(requirement: Requirement, environment: Mapping[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**environment, "extra": ""})


def needed(environment: Mapping[str, str]) -> dict[str, list[Requirement]]:
    """Everything that the programs need there, with what is asked of it; from what is
    installed here.
    """
    found: dict[str, list[Requirement]] = {}
    waiting = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if not holds(one, environment):
            continue
        if name not in found:
            waiting += map(Requirement, metadata.requires(name) or [])
        found.setdefault(name, []).append(one)
    return found


# --- The lock ----------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", PROJECT["project"]["dependencies"])
def test_each_dependency_is_locked_at_a_version_that_it_allows(wanted: str) -> None:
    requirement = Requirement(wanted)
    assert version_of(locked()[canonicalize_name(requirement.name)]) in requirement.specifier


def test_each_locked_version_has_hashes_and_names_no_other_source() -> None:
    whole = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in whole  # no index, no address of a file: the installer's own is used
    for entry in re.split(r"\n(?=\S)", re.sub(r"(?m)^ *#.*\n?", "", whole).strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry
        assert set(re.findall(r"--[a-z-]+", entry)) == {"--hash"}, entry


@pytest.mark.parametrize(
    "environment", SUPPORTED, ids=lambda one: "-".join(list(one.values())[::3])
)
def test_all_that_is_needed_is_locked_and_nothing_else(environment: dict[str, str]) -> None:
    lock = {name: one for name, one in locked().items() if holds(one, environment)}
    installed = {name: metadata.version(name) for name in lock}
    if others := {n: v for n, v in installed.items() if Version(v) != Version(version_of(lock[n]))}:
        pytest.skip(f"what newer versions need is not what is locked: {others} (.ci/run looks)")
    wanted = needed(environment)
    assert set(lock) == set(wanted)
    for name, requirements in wanted.items():
        for one in requirements:
            assert version_of(lock[name]) in one.specifier, one


# --- What CI does ------------------------------------------------------------------------


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = [
        line.strip()
        for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
        if "pytest" in line and line.startswith("    ")
    ]
    assert commands
    assert set(commands) <= set((ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines())


def test_the_top_level_holds_what_the_readme_names_and_nothing_else() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert {name.partition("/")[0] for name in listed.stdout.splitlines()} == TOP_LEVEL


# --- The wheel ---------------------------------------------------------------------------


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    """Two copies of what a wheel is made from, in folders and of times of their own."""
    folders = [tmp_path / "here", tmp_path / "somewhere" / "else"]
    for age, folder in enumerate(folders):
        folder.mkdir(parents=True)
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, folder)
        for package in ("directory_server", "peer", "shared"):
            made_here = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / package, folder / package, ignore=made_here)
        for path in folder.rglob("*"):
            os.utime(path, (1_600_000_000 + age, 1_600_000_000 + age))
    return folders


def wheel_of(source: Path, python_hash: str) -> str:
    """Its name and hash, built by the backend that pyproject.toml names."""
    build = "import sys; from setuptools import build_meta as b; print(b.build_wheel(sys.argv[1]))"
    environment = {**os.environ, "SOURCE_DATE_EPOCH": A_DAY, "PYTHONHASHSEED": python_hash}
    built = subprocess.run(
        [sys.executable, "-c", build, "made"],
        cwd=source,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    name = built.stdout.split()[-1]
    return f"{name} {hashlib.sha256((source / 'made' / name).read_bytes()).hexdigest()}"


def test_a_wheel_can_be_built_again_bit_by_bit(sources: list[Path]) -> None:
    (wanted,) = map(Requirement, PROJECT["build-system"]["requires"])
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        version = ""
    if not version or version not in wanted.specifier:
        pytest.skip(f"{wanted} is not installed")
    here, elsewhere = sources
    made = wheel_of(here, "1")
    assert made.startswith(f"parley_chat-{VERSION}-py3-none-any.whl ")
    assert made == wheel_of(elsewhere, "2")
