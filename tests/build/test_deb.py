"""The Debian packages that `make deb` built: what lintian says of them, and what they hold."""

import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

BUILT = CHECKOUT / "build/deb"
PYTHON = "usr/lib/python3/dist-packages"

# What they hold beside documents and Python, by package.
HELD = {
    "libpam-doorward": {
        "usr/lib/*/security/pam_doorward.so",
        "usr/share/lintian/overrides/libpam-doorward",
        "usr/share/man/man8/pam_doorward.8.gz",
        "usr/share/pam-configs/doorward",
    },
    "doorward": {
        "etc/fail2ban/filter.d/doorward.conf",
        "usr/bin/doorward",
        "usr/share/bash-completion/completions/doorward",
        "usr/share/fish/vendor_completions.d/doorward.fish",
        "usr/share/lintian/overrides/doorward",
        "usr/share/zsh/vendor-completions/_doorward",
        *(f"usr/share/man/man1/{page.name}.gz" for page in (CHECKOUT / "docs/man").glob("*.1")),
        *(
            f"lib/systemd/system/{unit.name}"
            for unit in (CHECKOUT / "contrib").glob("systemd/*")
            if unit.suffix in {".service", ".timer"}
        ),
    },
}


def deb(package: str) -> Path:
    """The package that was built."""
    (path,) = BUILT.glob(f"{package}_*.deb")
    return path


def members(package: str) -> Iterator[tarfile.TarInfo]:
    """What it would put on a machine."""
    with (
        subprocess.Popen(
            ["dpkg-deb", "--fsys-tarfile", deb(package)], stdout=subprocess.PIPE
        ) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive,
    ):
        yield from archive


def files(package: str) -> set[str]:
    """The files in it, by path below the root; the machine's own part of a path is a star."""
    triplet = subprocess.check_output(["dpkg-architecture", "-qDEB_HOST_MULTIARCH"], text=True)
    return {
        member.name.removeprefix("./").replace(f"lib/{triplet.strip()}/", "lib/*/")
        for member in members(package)
        if not member.isdir()
    }


def test_lintian_has_nothing_to_say() -> None:
    """They would break a rule of Debian's that somebody relies on."""
    (changes,) = BUILT.glob("*.changes")
    said = subprocess.run(
        ["lintian", "--fail-on", "error,warning", changes],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize("package", HELD)
def test_what_they_hold(package: str) -> None:
    """A part would be missing where it is installed, or rubbish be installed with it."""
    documents = f"usr/share/doc/{package}/"
    held = {name for name in files(package) if not name.startswith((documents, f"{PYTHON}/"))}
    assert held == HELD[package]
    assert f"{documents}copyright" in files(package)


def test_the_python_in_them() -> None:
    """A command would be missing, or the module lie where libpam does not look."""
    assert not any(name.startswith(PYTHON) for name in files("libpam-doorward"))
    sources = {
        f"{PYTHON}/{path.relative_to(package.parent)}"
        for package in (CHECKOUT / "cli/doorward", CHECKOUT / "pamconf")
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    others = {name for name in files("doorward") if name.startswith(PYTHON)} - sources
    metadata, extension = sorted(others)
    assert sources < files("doorward")
    assert metadata.startswith(f"{PYTHON}/doorward-")
    assert metadata.endswith(".dist-info/METADATA")
    assert extension.startswith(f"{PYTHON}/doorward/_core.cpython-")


@pytest.mark.parametrize("package", HELD)
def test_whose_it_is_and_who_may_change_it(package: str) -> None:
    """Somebody else than root could change what root runs, or not run the command."""
    for member in members(package):
        assert (member.uname, member.gname) == ("root", "root"), member.name
        is_open = member.isdir() or member.name == "./usr/bin/doorward"
        assert member.mode == (0o755 if is_open else 0o644), member.name
