"""Who a user is: the uid and the groups."""

import grp
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pamconf.errors import FileError
from pamconf.tree import Files, Root, Tree


@dataclass(frozen=True, slots=True)
class Account:
    """A user that exists. `groups` are names, the primary group's first.

    `gid`, `home` and `shell` are None where nobody has looked.
    """

    name: str
    uid: int
    groups: tuple[str, ...]
    gid: int | None = field(default=None, compare=False)
    home: str | None = field(default=None, compare=False)
    shell: str | None = field(default=None, compare=False)


def find(name: str, root: Root = "/") -> Account | None:
    """Return somebody's account, or None where there is none.

    This machine is asked as its programs ask it (NSS, so LDAP and the like count); of another root,
    /etc/passwd and /etc/group are read.
    """
    tree = Tree(root)
    return _of_this_machine(name) if tree.root == Path("/") else in_files(name, tree)


def everybody(root: Root = "/") -> Iterator[Account]:
    """Yield all accounts that can be listed, where `find` would look for them."""
    tree = Tree(root)
    if tree.root == Path("/"):
        names = [entry.pw_name for entry in pwd.getpwall()]
    else:
        names = [row[0] for row in _rows(tree, "/etc/passwd", 7)]
    yield from filter(None, (find(name, tree) for name in dict.fromkeys(names)))


def has_group(name: str, root: Root = "/") -> bool:
    """Tell whether there is a group of that name, where `find` would look for it."""
    tree = Tree(root)
    if tree.root != Path("/"):
        return any(row[0] == name for row in _rows(tree, "/etc/group", 4))
    try:
        return grp.getgrnam(name) is not None
    except (KeyError, ValueError):  # ValueError: a NUL in the name
        return False


def is_group_alone(name: str, root: Root = "/") -> bool:
    """Tell whether there is a group of that name, and no user."""
    return has_group(name, root) and find(name, root) is None


def in_files(name: str, files: Files) -> Account | None:
    """Return somebody's account as passwd(5) and group(5) have it. Raises no error."""
    users = [row for row in _rows(files, "/etc/passwd", 7) if row[0] == name]
    if not users or not (users[0][2].isdecimal() and users[0][3].isdecimal()):
        return None
    _, _, uid, gid, _, home, shell = users[0]
    groups = _rows(files, "/etc/group", 4)
    primary = [row[0] for row in groups if row[2] == gid]
    others = [row[0] for row in groups if row[2] != gid and name in row[3].split(",")]
    return Account(name, int(uid), tuple(primary[:1] + others), int(gid), home, shell)


def _rows(files: Files, path: str, fields: int) -> list[list[str]]:
    """Return the rows of a file that have all fields; none where it cannot be read."""
    try:
        text = files.read(path)
    except FileError:
        return []
    rows = [line.split(":") for line in text.split("\n")]
    return [row for row in rows if len(row) == fields]


def _of_this_machine(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
        gids = os.getgrouplist(name, entry.pw_gid)
    except (KeyError, ValueError):  # ValueError: a NUL in the name, or bytes that are no UTF-8
        return None
    names = []
    for gid in gids:
        try:
            names.append(grp.getgrgid(gid).gr_name)
        except KeyError:
            continue
    return Account(name, entry.pw_uid, tuple(names), entry.pw_gid, entry.pw_dir, entry.pw_shell)
