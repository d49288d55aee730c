"""The fixtures, held against the list of what they are and where they are from."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CHECKOUT

FIXTURES = CHECKOUT / "tests/fixtures/pam"
SOURCES: dict[str, dict[str, Any]] = json.loads((FIXTURES / "SOURCES.json").read_text())
COMMON = [
    f"etc/pam.d/common-{name}"
    for name in ("account", "auth", "password", "session", "session-noninteractive")
]


def files(folder: Path) -> dict[str, Path]:
    """The files below a folder, by their paths in it."""
    return {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }


def test_each_system_is_listed() -> None:
    """Tests would lean on a system of which nobody knows where it is from."""
    folders = {path.name for path in FIXTURES.iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == set(SOURCES)


@pytest.mark.parametrize("system", SOURCES)
def test_each_file_is_the_one_listed(system: str) -> None:
    """A fixture would be no longer what the package has, or be from nowhere."""
    found = files(FIXTURES / system)
    assert {
        path: hashlib.sha256(file.read_bytes()).hexdigest() for path, file in found.items()
    } == {path: entry["sha256"] for path, entry in SOURCES[system]["files"].items()}
    for path, file in found.items():
        assert not file.is_symlink(), path
        assert not file.stat().st_mode & 0o111, path


@pytest.mark.parametrize("system", SOURCES)
def test_each_file_has_its_package(system: str) -> None:
    """Nobody could fetch the package again and compare."""
    packages = SOURCES[system]["packages"]
    entries = SOURCES[system]["files"]
    assert {entry["package"] for entry in entries.values() if "package" in entry} == set(packages)
    for name, package in packages.items():
        assert package["version"], name
        assert package["architecture"] in {"all", "amd64"}, name
        assert len(bytes.fromhex(package["sha256"])) == 32, name
    made = {path for path, entry in entries.items() if "made_by" in entry}
    assert made == {"modules.txt", *COMMON}


@pytest.mark.parametrize("system", SOURCES)
def test_modules_are_sorted_and_have_packages(system: str) -> None:
    """A test of which modules exist would read the list wrong."""
    rows = [
        line.split("\t") for line in (FIXTURES / system / "modules.txt").read_text().splitlines()
    ]
    names = [module for module, _ in rows]
    assert names == sorted(set(names))
    assert all(name.endswith(".so") and packages for name, packages in rows)
    assert ["pam_unix.so", "libpam-modules"] in rows


def test_they_stay_small() -> None:
    """Everybody's clone would grow."""
    assert sum(file.stat().st_size for file in files(FIXTURES).values()) < 1_000_000
