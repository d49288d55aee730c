"""This machine's name service, as pam_access asks it."""

import ctypes
import grp
import os
import pwd
import socket
from collections.abc import Sequence
from pathlib import Path

from doorward.errors import AccountError
from pamconf import accounts
from pamconf.access_who import Names
from pamconf.tree import Root, Tree


class Groups:
    """The groups of a user, each looked up when it is asked for."""

    def __init__(self, user: str) -> None:
        """Find the user; raises AccountError where there is none."""
        try:
            entry = pwd.getpwnam(user)
        except KeyError as error:
            raise AccountError(
                f"the passwd database does not know a user '{user}'",
                hint="'getent passwd' lists whom it knows.",
            ) from error
        self.user = entry.pw_name
        self._gids = set(os.getgrouplist(entry.pw_name, entry.pw_gid))

    def __contains__(self, group: object) -> bool:
        """Whether the user is in a group of that name."""
        return bool(self.has(str(group)))

    def has(self, group: str) -> bool | None:
        """Whether the user is in a group; None where there is no such group."""
        try:
            entry = grp.getgrnam(group)
        except KeyError:
            return None
        return entry.gr_gid in self._gids or self.user in entry.gr_mem


class GroupsBelow:
    """The same of a user below another root, whose files are all that is known."""

    def __init__(self, user: str, root: str) -> None:
        """Find the user; raises AccountError where there is none."""
        account = accounts.find(user, root)
        if account is None:
            hint = "Its /etc/passwd has those there are."
            raise AccountError(f"there is no user '{user}' below {root}", hint=hint)
        self.user = account.name
        self._groups, self._root = account.groups, root

    def __contains__(self, group: object) -> bool:
        """Whether the user is in a group of that name."""
        return group in self._groups

    def has(self, group: str) -> bool | None:
        """Whether the user is in a group; None where there is no such group."""
        return group in self if accounts.has_group(group, self._root) else None


def groups_of(user: str, root: str) -> Groups | GroupsBelow:
    """Return the groups of a user of this machine, or of another root."""
    return Groups(user) if root == "/" else GroupsBelow(user, root)


def names_of(root: Root) -> Names:
    """Return what this machine knows of hosts, netgroups and its name; nothing of another root."""
    is_this = Tree(root).root == Path("/")
    return Names(_addresses, _in_netgroup, socket.gethostname()) if is_this else Names()


def _addresses(host: str, *, ipv4_only: bool) -> Sequence[str]:
    family = socket.AF_INET if ipv4_only else socket.AF_UNSPEC
    try:
        found = socket.getaddrinfo(os.fsencode(host), None, family, socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(address[0]).partition("%")[0] for *_, address in found]


def _in_netgroup(netgroup: str, host: str | None, user: str | None) -> bool:
    words = [None if word is None else os.fsencode(word) for word in (netgroup, host, user, None)]
    return bool(ctypes.CDLL(None).innetgr(*words))
