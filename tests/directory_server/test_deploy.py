"""What lies in deploy/: each file is one that its reader understands, and does what it says."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from directory_server import arguments
from directory_server.admin.metrics import Metrics
from tests.kit.directory import Town
from tests.kit.programs import Program, Stage, tool

ROOT: Final = Path(__file__).parent.parent.parent
DEPLOY: Final = ROOT / "directory_server" / "deploy"
UNIT: Final = DEPLOY / "dirserver.service"
SOCKET: Final = DEPLOY / "dirserver.socket"
EXPOSURE_MOST: Final = 2.0  # of 10: what systemd calls OK

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here"
)


# --- The unit ---


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with our own program in it."""
    text = UNIT.read_text().replace("/opt/parley/bin/dirserver", tool("dirserver"))
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    return copy


@needs_systemd
def test_systemd_understands_the_units(unit: Path) -> None:
    port = shutil.copy(SOCKET, unit.parent)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit), str(port)],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if UNIT.stem in line]
    assert ours == []
    assert done.returncode == 0, done.stderr


def test_the_unit_stops_each_worker_once() -> None:
    """systemd's default would tell each twice: it ends then without a good bye."""
    assert "KillMode=mixed" in UNIT.read_text().splitlines()


def test_the_unit_never_gives_up_a_database_that_boots_later() -> None:
    """systemd's default is five tries in ten seconds: a refused connection is told faster."""
    head, service = UNIT.read_text().split("\n[Service]\n")
    assert "\nStartLimitIntervalSec=0\n" in head
    assert "\nRestart=on-failure\n" in service


@needs_systemd
def test_a_unit_that_is_wrong_is_found(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("NoNewPrivileges=yes", "NoNewPrivileged=yes"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "NoNewPrivileged" in done.stderr


@needs_systemd
def test_the_unit_leaves_little_open(unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    if found is None:
        pytest.skip(f"this systemd-analyze cannot judge offline: {done.stderr[:200]}")
    assert float(found[1]) <= EXPOSURE_MOST


# --- The options ---


def test_the_example_of_options_is_one(tmp_path: Path) -> None:
    parsed = arguments.parse([], {}, DEPLOY / "dirserver.toml")
    assert (parsed.port, parsed.closed) == (5000, True)
    everything = re.sub(r"(?m)^# (\w+ = )", r"\1", (DEPLOY / "dirserver.toml").read_text())
    file = tmp_path / "dirserver.toml"
    file.write_text(everything)
    parsed = arguments.parse([], {}, file)
    every = {option.name for option in (arguments.PORT, *arguments.OPTIONS)}
    assert set(tomllib.loads(everything)) == every - {"data"}, "which stands in the unit"
    assert parsed.register_only_with == "..."
    assert (parsed.metrics, parsed.log_format) == (("127.0.0.1", 9464), "json")


# --- What Prometheus and Grafana read ---


def names_in(expressions: list[str]) -> set[str]:
    return {name for one in expressions for name in re.findall(r"parley_\w+", one)}


async def served(town: Town) -> set[str]:
    page = await Metrics(town.directory.community, lambda: 0).page()
    return set(re.findall(r"^(parley_\w+)", page.decode(), re.MULTILINE))


async def test_the_dashboard_asks_for_figures_that_there_are(town: Town) -> None:
    dashboard: dict[str, Any] = json.loads((DEPLOY / "grafana.json").read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    asked = names_in([target["expr"] for panel in panels for target in panel["targets"]])
    assert asked
    assert asked <= await served(town)
    places = [tuple(panel["gridPos"].values()) for panel in panels]
    assert len(set(places)) == len(places)


async def test_the_alerts_ask_for_figures_that_there_are(town: Town) -> None:
    yaml = pytest.importorskip("yaml")
    rules = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    assert all(rule["annotations"]["summary"] for rule in rules)
    asked = names_in([rule["expr"] for rule in rules])
    assert asked
    assert asked <= await served(town)


async def test_a_label_that_is_asked_for_is_one(town: Town) -> None:
    page = (await Metrics(town.directory.community, lambda: 0).page()).decode()
    text = (DEPLOY / "alerts.yml").read_text()
    for name, label, values in re.findall(r'(parley_\w+)\{(\w+)=~?"([a-z|]+)"\}', text):
        for value in values.split("|"):
            assert f'{name}{{{label}="{value}"}}' in page


# --- The container ---


def steps() -> list[tuple[str, str]]:
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    told = [line for line in lines if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in told]


def value_of(instruction: str) -> str:
    (value,) = [value for name, value in steps() if name == instruction]
    return value


def test_the_container_is_built_as_it_should_be() -> None:
    names = [name for name, _ in steps()]
    assert names[0] == "FROM"
    assert set(names) <= {
        "FROM", "COPY", "RUN", "USER", "VOLUME", "EXPOSE", "ENV", "STOPSIGNAL", "HEALTHCHECK",
        "ENTRYPOINT",
    }  # fmt: skip
    image = value_of("FROM")
    assert re.search(r":\d+\.\d+-slim$", image), "a version, and not the latest"
    user, _, group = value_of("USER").partition(":")
    assert int(user) > 1_000
    assert int(group) > 1_000
    assert names.index("USER") > max(i for i, name in enumerate(names) if name == "RUN")
    assert names.index("VOLUME") > names.index("USER")
    pip = [value for name, value in steps() if name == "RUN" and "pip" in value]
    assert all("--no-cache-dir" in one for one in pip)
    assert any("--require-hashes" in one for one in pip)
    pinned = [word for one in pip for word in shlex.split(one)[4:] if not word.startswith("-")]
    assert all("==" in word or word.startswith("/src") for word in pinned)


def test_the_container_has_what_each_option_of_a_directory_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = {re.split("[>=]", one)[0] for name in ("ops", "postgres") for one in extras[name]}
    pip = [shlex.split(value) for name, value in steps() if name == "RUN" and "pip" in value]
    assert needed <= {word.partition("==")[0] for words in pip for word in words}


def test_the_containers_program_runs_and_its_health_is_seen(stage: Stage) -> None:
    """The steps without an engine: the program in a new venv, with the container's words."""
    python = stage.folder / "venv" / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(stage.folder / "venv")], check=True
    )
    here = next(path for path in sys.path if path.endswith("site-packages"))
    inside = next((stage.folder / "venv" / "lib").glob("python*")) / "site-packages"
    (inside / "here.pth").write_text(f"{here}\n")
    source = stage.folder / "src"
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        source.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source)
    for package in ("directory_server", "peer", "shared"):
        made_here = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=made_here)
    (install,) = [value for name, value in steps() if "--no-deps" in value]
    words = shlex.split(install.replace("/src", str(source)))
    assert words[0] == "python"
    # Without a network: the backend and the libraries are those that are installed here.
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), *words[3:],
         "--no-build-isolation", "--quiet"],
        check=True,
    )  # fmt: skip
    data = stage.folder / "data"
    data.mkdir(mode=0o700)
    environment = dict(pair.split("=") for pair in value_of("ENV").split())
    environment |= {"DIRSERVER_DATA": str(data), "DIRSERVER_PORT": "0", "DIRSERVER_METRICS": "0"}
    assert set(environment) == {name.split("=")[0] for name in value_of("ENV").split()}
    (program,) = json.loads(value_of("ENTRYPOINT"))
    path = str(python.with_name(program))
    directory = Program([path], environment={**stage.environment, **environment, "PYTHONPATH": ""})
    stage.programs.append(directory)
    directory.sees_like("Directory listening on .*")
    metrics = directory.sees_like("Metrics at .*").split(":")[-1].split("/")[0]
    words = json.loads(value_of("HEALTHCHECK").split(" CMD ")[1])
    check = [str(python), *(word.replace("9464", metrics) for word in words[1:])]
    assert subprocess.run(check, check=False).returncode == 0
    directory.sends(signal.Signals[value_of("STOPSIGNAL")])
    assert directory.ends() == 0
    assert subprocess.run(check, check=False, capture_output=True).returncode != 0
    assert (data / "authority").exists()
    assert os.access(path, os.X_OK)
