"""What was built: the module as a login loads it, alone and in the wheel, and what the wheel holds.

readelf and nm are the oracle. These tests run on the machine itself and write to temporary folders.
"""

import os
import re
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

EXPORTED = {"pam_sm_authenticate", "pam_sm_setcred"}
MESON = CHECKOUT / ".venv" / "bin" / "meson"


def run(*command: str | Path) -> str:
    """What a program prints; it must succeed, and finds ninja where meson is."""
    env = os.environ | {"PATH": f"{MESON.parent}:{os.environ['PATH']}"}
    return subprocess.check_output(command, text=True, cwd=CHECKOUT, env=env)


@pytest.fixture(scope="session")
def wheel() -> Path:
    """The one wheel of doorward that `make setup` built."""
    (path,) = (CHECKOUT / "build" / "wheels").glob("doorward-*.whl")
    return path


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build without Python, as a distributor or a machine without Python makes it."""
    folder = tmp_path_factory.mktemp("build")
    run(MESON, "setup", "-Dpython=disabled", "--prefix=/usr", folder)
    run(MESON, "compile", "-C", folder)
    return folder


@pytest.fixture(scope="session")
def shared_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build with the machine's shared libnettle."""
    folder = tmp_path_factory.mktemp("shared")
    run(MESON, "setup", "-Dpython=disabled", "-Dnettle=shared", folder)
    run(MESON, "compile", "-C", folder)
    return folder / "pam_module" / "pam_doorward.so"


@pytest.fixture(params=["build folder", "package", "wheel"])
def module(request: pytest.FixtureRequest, build: Path, wheel: Path, tmp_path: Path) -> Path:
    """pam_doorward.so, of each of the three ways in which it reaches a machine."""
    if request.param == "build folder":
        return build / "pam_module" / "pam_doorward.so"
    if request.param == "package":
        (package,) = (CHECKOUT / "build" / "deb").glob("libpam-doorward_*.deb")
        run("dpkg-deb", "--extract", package, tmp_path)
        return next(tmp_path.rglob("pam_doorward.so"))
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract("doorward/pam_doorward.so", tmp_path))


def needed(module: Path) -> set[str]:
    """The libraries that the dynamic linker loads with a module."""
    return set(re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "--dynamic", "--wide", module)))


def test_it_needs_libpam_and_libc_alone(module: Path) -> None:
    """Every sudo and su would load more, or a login fail where a library is missing."""
    assert needed(module) == {"libpam.so.0", "libc.so.6"}


def test_with_a_shared_nettle_it_needs_that_too(shared_build: Path) -> None:
    """A distribution could not have its one copy of nettle."""
    assert {one.split(".so")[0] for one in needed(shared_build)} == {"libpam", "libc", "libnettle"}


def test_it_is_hardened(module: Path) -> None:
    """A memory error would be easier to use, or a RUNPATH load somebody else's code as root."""
    dynamic = run("readelf", "--dynamic", "--wide", module)
    assert re.search(r"\(FLAGS\).*BIND_NOW", dynamic)
    assert "TEXTREL" not in dynamic
    assert "RUNPATH" not in dynamic
    assert "RPATH" not in dynamic
    headers = run("readelf", "--program-headers", "--wide", module)
    assert "GNU_RELRO" in headers
    assert re.search(r"GNU_STACK.* RW +0x", headers)
    undefined = run("nm", "--dynamic", "--undefined-only", module)
    assert "__stack_chk_fail" in undefined
    assert re.search(r"__\w+_chk\b", undefined.replace("__stack_chk_fail", "")), "no fortified call"


def test_it_exports_two_functions(module: Path) -> None:
    """Its names, or nettle's hundreds, would stand in the way of another library's."""
    symbols = run("nm", "--dynamic", "--defined-only", "--format=posix", module)
    assert {line.split()[0] for line in symbols.splitlines()} == EXPORTED


def test_without_python_it_installs_where_modules_are(build: Path, tmp_path: Path) -> None:
    """A distributor would have to move it."""
    run(MESON, "install", "-C", build, "--destdir", tmp_path)
    (module,) = tmp_path.rglob("*.so")
    assert module.name == "pam_doorward.so"
    assert module.parent.name == "security"


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """A command would be missing where it is installed, or rubbish be installed with it."""
    sources = {
        str(path.relative_to(package.parent))
        for package in (CHECKOUT / "cli/doorward", CHECKOUT / "pamconf")
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        notices = {
            name.split("licenses/")[-1] for name in archive.namelist() if "licenses/" in name
        }
    built = {name for name in names - sources if name.endswith(".so")}
    assert names - built == sources
    assert {name.split(".")[0] for name in built} == {"doorward/_core", "doorward/pam_doorward"}
    assert notices >= {"LICENSE", "LICENSES/nettle.txt", "LICENSES/LGPL-3.0.txt"}
