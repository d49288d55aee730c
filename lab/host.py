"""Private hosts: a Debian of one's own for as long as a command runs."""

import os
import socket
import stat
from pathlib import Path

from . import root
from .process import PATH, PRIVATE, LabError, call, hold_signals, isolate

CHECKOUT = Path(__file__).resolve().parent.parent
INSTALLED = Path("/opt/doorward")  # where a private host has doorward

_DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
    "tty": (5, 0),
}

# What no root of a private host may do, since it would be done to the machine.
_CAPABILITIES_DROPPED = "-sys_boot,-sys_module,-sys_rawio,-sys_time"


def environment() -> dict[str, str]:
    """Return the variables that a command finds in a private host; none is a secret."""
    kept = ("TERM", "NO_COLOR", "CI", "DOORWARD_THROWAWAY_CONTAINER")
    return {
        "PATH": PATH,
        "HOME": "/root",
        "LANG": "C.UTF-8",
        **{name: os.environ[name] for name in kept if name in os.environ},
    }


def run(command: list[str], lower: Path | None = None) -> int:
    """Run a command in a fresh private host and return its exit status.

    The host lies on `lower`, a cached root: `root.root()` unless said otherwise.
    """
    lower = lower or root.root()
    hidden = Path(f"{lower}{CHECKOUT}").exists()
    if hidden or CHECKOUT.is_relative_to(INSTALLED) or INSTALLED.is_relative_to(CHECKOUT):
        raise LabError(
            f"the checkout, {CHECKOUT}, would hide a part of the private host",
            "move it to another folder",
        )
    return isolate(PRIVATE, lambda: _become(lower, command))


def _become(lower: Path, command: list[str]) -> int:
    """Make the private host around this process, and go on in it as `lab.inside`."""
    hold_signals()  # from here on they are for the command
    stage = lower.parent / "stage"  # every host has its own tmpfs on this folder
    stage.mkdir(exist_ok=True)
    call("mount", "--types", "tmpfs", "--options", "mode=755", "tmpfs", stage)
    for folder in ("upper", "work", "root"):
        (stage / folder).mkdir()
    layers = f"lowerdir={lower.name},upperdir=stage/upper,workdir=stage/work"
    # Relative paths: a colon or a comma in the cache's own would end the option.
    call("mount", "-t", "overlay", "-o", layers, "overlay", stage / "root", cwd=lower.parent)
    os.chdir(stage / "root")
    _mount_file_systems()
    here = Path(f".{CHECKOUT}")
    here.mkdir(parents=True, exist_ok=True)
    call("mount", "--rbind", CHECKOUT, here)

    old = Path("old")
    old.mkdir()
    call("pivot_root", ".", old)
    os.chdir("/")
    call("umount", "--lazy", old)
    old.rmdir()

    socket.sethostname("doorward")
    os.chdir(CHECKOUT)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    # A program of the new root takes over, so that nothing of the old one is in use.
    argv = ["setpriv", "--bounding-set", _CAPABILITIES_DROPPED]
    argv += ["/usr/bin/python3", "-m", "lab.inside", *command]
    os.execve("/usr/bin/setpriv", argv, environment())  # noqa: S606 - it takes over


def _mount(kind: str, where: str, options: str) -> None:
    """Mount a file system of that kind on a folder, which it makes if it is missing."""
    Path(where).mkdir(exist_ok=True)
    call("mount", "--types", kind, "--options", options, kind, where)


def _mount_file_systems() -> None:
    """Mount what the kernel offers, in the root that is the working folder."""
    _mount("proc", "proc", "nosuid,nodev,noexec")
    # Most of these settings are the machine's own.
    call("mount", "--bind", "--options", "ro", "proc/sys", "proc/sys")
    _mount("sysfs", "sys", "ro,nosuid,nodev,noexec")
    _mount("tmpfs", "run", "mode=755,nosuid,nodev")
    _mount("tmpfs", "tmp", "mode=1777,nosuid,nodev")
    mount_devices()


def mount_devices() -> None:
    """Mount a /dev of its own, in the root that is the working folder."""
    _mount("tmpfs", "dev", "mode=755,nosuid")
    for name, numbers in _DEVICES.items():
        os.mknod(f"dev/{name}", stat.S_IFCHR, os.makedev(*numbers))
        Path(f"dev/{name}").chmod(0o666)
    _mount("tmpfs", "dev/shm", "mode=1777,nosuid,nodev")
    _mount("devpts", "dev/pts", "newinstance,ptmxmode=666,mode=620,gid=5")
    Path("dev/ptmx").symlink_to("pts/ptmx")
    Path("dev/fd").symlink_to("/proc/self/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        Path(f"dev/{name}").symlink_to(f"/proc/self/fd/{number}")
