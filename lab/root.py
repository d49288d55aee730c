"""Cached Debian roots, which private hosts lie upon as an overlay.

`base()` is what debootstrap makes, `root()` is that with the packages that the tests
and the demo need. Each has the hash of its recipe in its name and never changes once
it is there; throw the whole cache away whenever you like.
"""

import fcntl
import hashlib
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path

from . import machine
from .process import CONTAINED, LabError, call, isolate

VARIANT = "minbase"

# What a private host has beside a minimal Debian. The reason stands beside each.
PACKAGES = (
    "binutils",  # strip: how large a module is in a package
    "chrony",  # chronyd, with its hands off the clock: says how far that is off
    "dbus",  # lightdm wants a system bus
    "fail2ban",  # fail2ban-regex: reads the log as our filter has it read
    "fonts-dejavu-core",  # letters on the greeter
    "iproute2",  # `ip`: brings the loopback up
    "libpam-google-authenticator",  # the reference that ours is compared with
    "libpam-modules",  # pam_unix, pam_access and the others that stacks are made of
    "libpam-oath",  # another peer that ours is measured beside
    "lightdm",  # a client of PAM that is no program on a terminal
    "lightdm-gtk-greeter",  # its login box
    "login",  # a client of PAM on a terminal
    "mandoc",  # reads the man pages as strictly as can be
    "openbox",  # the session that lightdm logs in to
    "openssh-client",  # logs in
    "openssh-server",  # is logged in to
    "passwd",  # useradd, chpasswd: users to enrol
    "procps",  # ps, pkill: which processes are there
    "python3",  # runs the command line, the demo and the tests
    "python3-cffi-backend",  # what the package of the command line needs, and so are the next six
    "python3-click",
    "python3-pamela",
    "python3-png",
    "python3-pyotp",
    "python3-qrcode",
    "python3-rich",
    "python3-venv",  # a user installs doorward into a virtual environment
    "strace",  # which system calls the module makes, and making them fail
    "sudo",  # a client of PAM
    "valgrind",  # which memory the module touches, and how many instructions it takes
    "xdotool",  # types into the login box
    "xterm",  # what the session shows
    "xvfb",  # an X server in memory
    "zbar-tools",  # zbarimg: reads the QR code as a phone would
)


def cache() -> Path:
    """Return the folder of cached roots, which it makes if it is missing."""
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    folder = Path(home) / "doorward"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def base() -> Path:
    """Return the path of a minimal Debian, built if it is not in the cache."""
    return cached("base", recipe_of(), _bootstrap)


def root() -> Path:
    """Return the path of a Debian with PACKAGES, built if it is not in the cache."""
    steps = (inspect.getsource(_provision), inspect.getsource(add))
    return cached("root", recipe_of(*PACKAGES, *steps), _provision)


def recipe_of(*more: str) -> str:
    """Return the hash of all that the contents of a root depend on."""
    architecture = call("dpkg", "--print-architecture")
    steps = inspect.getsource(_bootstrap)
    text = "\0".join((machine.SUITE, VARIANT, architecture, steps, *more))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def cached(kind: str, recipe: str, build: Callable[[Path], None]) -> Path:
    """Return the root of that kind and recipe; let `build` make it where it is missing.

    It is built under another name, and gets its own when it is whole and on the disk.
    The building has namespaces to itself, so that it leaves no mount and no process
    behind, even when it is killed.
    """
    path = cache() / f"{kind}-{machine.SUITE}-{recipe}"
    if path.exists():
        return path
    with (cache() / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():  # somebody else built it while this process waited
            return path
        for stale in cache().glob(f"{kind}-*.building"):
            remove(stale)
        building = path.with_name(f"{path.name}.building")
        building.mkdir()
        print(f"lab: building {path} (once; takes a minute)", file=sys.stderr)

        def main() -> int:
            # debootstrap cannot work in a folder with a space or a colon in its name.
            call("mount", "--bind", building, "/mnt")
            build(Path("/mnt"))
            return 0

        if status := isolate(CONTAINED, main):
            remove(building)
            raise LabError(f"could not build {path}", status=status)
        os.sync()
        building.rename(path)
    return path


def remove(tree: Path) -> None:
    """Remove a tree and all in it, but nothing that is mounted there."""
    call("rm", "--recursive", "--force", "--one-file-system", tree)


def install(packages: tuple[str, ...], *chroot: str | Path) -> None:
    """Install Debian packages, in the root that the command `chroot` leads to, if any.

    Starts no daemon.
    """
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    call(*chroot, "apt-get", "--quiet", "update", env=quiet)
    apt = ("apt-get", "--quiet", "--yes", "--no-install-recommends", "install")
    call(*chroot, *apt, *packages, env=quiet)


def start_no_daemon(root: Path) -> None:
    """Keep the packages installed in `root` from starting their daemons (invoke-rc.d)."""
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)


def _bootstrap(path: Path) -> None:
    """Make a minimal Debian."""
    env = {**os.environ, **machine.proxies()}
    variant = f"--variant={VARIANT}"
    call("debootstrap", variant, machine.SUITE, path, machine.mirror(), env=env)


def _provision(path: Path) -> None:
    """Make a Debian with PACKAGES from a minimal one."""
    call("cp", "--archive", f"{base()}/.", path)
    add(PACKAGES, path)
    (path / "etc/hostname").write_text("doorward\n")
    (path / "etc/hosts").write_text("127.0.0.1 localhost doorward\n::1 localhost doorward\n")


def add(packages: tuple[str, ...], path: Path) -> None:
    """Add packages to the Debian in `path`, and leave nothing else behind."""
    machine.copy_settings(path)
    (path / "etc/resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())
    start_no_daemon(path)
    call("mount", "--types", "proc", "proc", path / "proc")
    install(packages, "chroot", path)
    # A private host has no network, so nothing of the machine's settings is of use there.
    for unneeded in ("apt/apt.conf.d/90machine", "apt/sources.list", "pip.conf"):
        (path / "etc" / unneeded).unlink(missing_ok=True)
    (path / "usr/sbin/policy-rc.d").unlink()
    call("chroot", path, "apt-get", "clean")
    call("find", path / "var/lib/apt/lists", "-type", "f", "-delete")
    (path / "etc/resolv.conf").write_text("")
