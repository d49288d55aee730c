"""Who a user is: the uid and the groups."""

import grp
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from pamconf.errors import FileError
from pamconf.tree import Files, Tree


@dataclass(frozen=True, slots=True)
class Account:
    """A user that exists. `groups` are names, the primary group's first."""

    name: str
    uid: int
    groups: tuple[str, ...]


def find(name: str, root: str | Path = "/") -> Account | None:
    """Return somebody's account, or None where there is none.

    This machine is asked as its programs ask it (NSS, so LDAP and the like count); of another root,
    /etc/passwd and /etc/group are read.
    """
    tree = Tree(root)
    return _of_this_machine(name) if tree.root == Path("/") else in_files(name, tree)


def in_files(name: str, files: Files) -> Account | None:
    """Return somebody's account as passwd(5) and group(5) have it. Raises no error."""
    for _, password, uid, gid, *_ in _rows(files, "/etc/passwd", name, 7):
        del password
        groups = _rows(files, "/etc/group", None, 4)
        primary = [row[0] for row in groups if row[2] == gid]
        others = [row[0] for row in groups if row[2] != gid and name in row[3].split(",")]
        if uid.isdecimal():
            return Account(name, int(uid), tuple(primary[:1] + others))
    return None


def _rows(files: Files, path: str, name: str | None, fields: int) -> list[list[str]]:
    """Return the rows of a file that have all fields, those of one name if any is given."""
    try:
        text = files.read(path)
    except FileError:
        return []
    rows = [line.split(":") for line in text.split("\n")]
    return [row for row in rows if len(row) == fields and name in {None, row[0]}]


def _of_this_machine(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except (KeyError, ValueError):  # ValueError: a NUL in the name
        return None
    names = []
    for gid in os.getgrouplist(name, entry.pw_gid):
        try:
            names.append(grp.getgrgid(gid).gr_name)
        except KeyError:
            continue
    return Account(name, entry.pw_uid, tuple(names))
