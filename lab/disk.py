"""The disk of a virtual machine: a private host, written into a file system that starts.

`python3 -m lab.disk FILE` does that from inside the private host.
"""

import contextlib
import fcntl
import hashlib
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path

from . import host, root
from .host import CHECKOUT
from .process import LabError, call

# What a virtual machine has beside the packages of a private host.
PACKAGES = (
    "dbus",  # systemctl, logind and others talk over it
    "libpam-systemd",  # sessions, as everybody's machine has them
    "linux-image-cloud-amd64",  # a kernel with drivers for virtual machines alone
    "systemd-sysv",  # process 1
    "tiny-initramfs",  # finds the disk in no time; a kernel wants an initramfs either way
    "udev",  # devices
)

# Nothing is guessed from the machine that the initramfs is made on.
_INITRAMFS = "AUTO_MODULES=no\nINCLUDE_MODULES=virtio_pci,virtio_blk,virtio_console,ext4\n"

# What takes half of the time of a start, and is of no use to a machine without a network and a
# screen that lives for a minute. All that opens doors is left: ssh, getty, logind.
_NEVER_STARTED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "chrony.service",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fail2ban.service",
    "fstrim.timer",
    "getty@tty1.service",
    "kmod-static-nodes.service",
    "lightdm.service",
    "modprobe@configfs.service",
    "modprobe@dm_mod.service",
    "modprobe@drm.service",
    "modprobe@efi_pstore.service",
    "modprobe@fuse.service",
    "modprobe@loop.service",
    "proc-sys-fs-binfmt_misc.automount",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-binfmt.service",
    "systemd-modules-load.service",
    "systemd-random-seed.service",
    "systemd-sysctl.service",
    "systemd-sysusers.service",
    "systemd-tmpfiles-clean.timer",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
)

_SIZE = "1500M"  # of the file system; as a file it is as large as what is in it
_AGENT = Path("/usr/local/lib/lab-agent.py")
_AGENT_UNIT = f"""\
[Unit]
Description=Does what tests ask for
DefaultDependencies=no
After=systemd-remount-fs.service

[Service]
ExecStart=/usr/bin/python3 {_AGENT}
Environment=HOME=/root LANG=C.UTF-8
Restart=always
"""


@dataclass(frozen=True)
class Disk:
    """What a virtual machine starts from: three files that nobody changes."""

    kernel: Path
    initramfs: Path
    image: Path


def disk() -> Disk:
    """Return a disk with doorward on it, as the last `make setup` built it.

    It is made anew, in a few seconds, where anything that goes into it has changed.
    """
    system = bootable()
    recipe = _recipe(system)
    image = CHECKOUT / "build/vm" / recipe
    image.parent.mkdir(parents=True, exist_ok=True)
    with (image.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not image.exists():
            for stale in image.parent.glob("[0-9a-f]*"):
                stale.unlink()
            building = image.with_name(f"{recipe}.building")
            command = ["/usr/bin/python3", "-m", "lab.disk", str(building)]
            if status := host.run(command, system):
                raise LabError("could not make the disk of a virtual machine", status=status)
            building.rename(image)
    (kernel,) = (system / "boot").glob("vmlinuz-*")
    (initramfs,) = (system / "boot").glob("initrd.img-*")
    return Disk(kernel, initramfs, image)


def bootable() -> Path:
    """Return the path of a Debian that starts, built if it is not in the cache.

    It is `root.root()` with PACKAGES; in `boot` are one kernel and its initramfs.
    """
    steps = (inspect.getsource(_make_bootable), _INITRAMFS)
    recipe = root.recipe_of(root.root().name, *PACKAGES, *_NEVER_STARTED, *steps)
    return root.cached("bootable", recipe, _make_bootable)


def _make_bootable(path: Path) -> None:
    """Make a Debian that starts from one that does not."""
    call("cp", "--archive", f"{root.root()}/.", path)
    (path / "etc/tiny-initramfs").mkdir()
    (path / "etc/tiny-initramfs/tiny-initramfs.conf").write_text(_INITRAMFS)
    root.add(PACKAGES, path)
    (path / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 0\n")
    for unit in _NEVER_STARTED:
        (path / "etc/systemd/system" / unit).symlink_to("/dev/null")


def _recipe(system: Path) -> str:
    """Return the hash of all that the contents of a disk depend on."""
    digest = hashlib.sha256(system.name.encode())
    wheels = sorted((CHECKOUT / "build/wheels").glob("*.whl"))
    for path in (*wheels, *sorted(Path(__file__).parent.glob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _write(image: Path) -> None:
    """Write this private host into a file system, with the agent that a test talks to."""
    _AGENT.write_bytes(Path(__file__).with_name("agent.py").read_bytes())
    units = Path("/etc/systemd/system")
    (units / "lab-agent.service").write_text(_AGENT_UNIT)
    wanted = units / "sysinit.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / "lab-agent.service").symlink_to("../lab-agent.service")
    # A bind mount shows the root without all that is mounted in it.
    call("mount", "--bind", "/", "/mnt")
    with contextlib.suppress(FileNotFoundError):
        image.unlink()
    # Nothing is left for the first start to do.
    whole = ("-E", "lazy_itable_init=0,lazy_journal_init=0")
    call("mke2fs", "-q", "-t", "ext4", *whole, "-d", "/mnt", image, _SIZE)


if __name__ == "__main__":
    try:
        _write(Path(sys.argv[1]))
    except LabError as failure:
        sys.exit(failure.tell())
