"""Acting for a user: with their rights where the place is theirs, as root where it is root's."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from doorward import files, process
from doorward.enrolment.account import Account
from doorward.errors import NotPermittedError


@dataclass(frozen=True)
class UserFile:
    """A file that concerns a user, and whether root itself handles it or the user does."""

    account: Account
    path: str
    by_root: bool

    def handle(
        self, work: Callable[[files.Place], bytes | None], *, make_folders: bool = False
    ) -> bytes:
        """Return what `work` returns for this file's place, in a child of whoever handles it.

        `make_folders` lets root make folders that are missing; a user's are the user's business.
        Raises what `process.in_child` and the work raise.
        """

        def in_place() -> bytes | None:
            if self.by_root:
                place = files.place_of_root(self.path, make_folders=make_folders)
            else:
                _become(self.account)
                place = files.place(self.path)
            with place as at:
                return work(at)

        return process.in_child(in_place)


def user_file(account: Account, path: str) -> UserFile:
    """Decide who handles the file: the user, unless this is root and the place is root's.

    Root handles what is root's own, and what lies outside the user's home in folders that root
    alone can change, such as /var/lib/doorward/secrets; then no link is followed on the way.
    Everything else, and all in the user's home, is handled by a child that has become the user, so
    that it is the kernel that says what is theirs, and what is made there belongs to them.
    """
    home = account.home.rstrip("/")
    in_home = bool(home) and path.startswith(f"{home}/")
    by_root = os.geteuid() == 0 and (
        account.uid == 0 or (not in_home and files.belongs_to_root(path))
    )
    return UserFile(account, path, by_root)


def _become(account: Account) -> None:
    """Take on all of the account's ids (its own groups, none of root's), with no way back.

    Does nothing where this is the user already. Raises NotPermittedError where the kernel would
    let it go back.
    """
    if os.geteuid() == account.uid:
        return
    os.setgroups(os.getgrouplist(account.name, account.gid))
    os.setresgid(account.gid, account.gid, account.gid)
    os.setresuid(account.uid, account.uid, account.uid)
    process.guard_secrets()
    try:
        os.setresuid(-1, 0, -1)
    except PermissionError:
        return
    raise NotPermittedError(
        f"root's rights could not be given up to become {account.name}",
        hint="Does something here keep capabilities across setuid, as SECBIT_KEEP_CAPS does?",
    )
