"""Disks that may not be there yet when somebody logs in.

A home that is not mounted has no secret file in it: with nullok nobody there is asked for a code,
without it nobody gets in.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from pamconf.errors import FileError
from pamconf.stack import Service
from pamconf.tree import Tree

_FSTAB = "/etc/fstab"
_FIELDS = 4  # what is mounted, where, of which type, with which options (fstab(5))
_LATE_OPTIONS = {"_netdev", "noauto", "nofail", "x-systemd.automount"}
_LATE_TYPES = ("9p", "afs", "autofs", "ceph", "cifs", "fuse.", "glusterfs", "nfs", "smb")
_AT_LOGIN = {"pam_ecryptfs", "pam_encfs", "pam_fscrypt", "pam_mount", "pam_systemd_home"}
"""Modules that bring a home with the login."""


@dataclass(frozen=True)
class Mount:
    """A line of fstab(5): the folder, and why it may be empty still; "" where it is not."""

    folder: str
    why_late: str


def late_mount(path: str, tree: Tree) -> Mount | None:
    """Return the mount that a path is on, if that may come after the first login; else None."""
    above = [one for one in _mounts(tree) if f"{path}/".startswith(one.folder.rstrip("/") + "/")]
    nearest = max(above, key=lambda one: len(one.folder), default=None)
    return nearest if nearest and nearest.why_late else None


def brings_home(service: Service) -> str | None:
    """Return the place of a rule by which homes are mounted once somebody logs in, if any is."""
    rules = (*service.rules("auth"), *service.rules("session"))
    return next((rule.place for rule in rules if rule.name in _AT_LOGIN), None)


def _mounts(tree: Tree) -> Iterator[Mount]:
    try:
        text = tree.read(_FSTAB)
    except FileError:
        return
    for line in text.split("\n"):
        fields = line.split()
        if len(fields) >= _FIELDS and not line.lstrip().startswith("#"):
            _, folder, kind, options = fields[:_FIELDS]
            yield Mount(folder.replace("\\040", " "), _why_late(kind, options.split(",")))


def _why_late(kind: str, options: list[str]) -> str:
    if kind.startswith(_LATE_TYPES):
        return kind
    return next((one for one in options if one in _LATE_OPTIONS), "")
