"""Whose secret it is, and in which file."""

import os
import pwd
from dataclasses import dataclass

from doorward import native
from doorward.errors import AccountError, DoorwardError, NotPermittedError

_NO_LOGIN = {"nologin", "false", "sync", "halt", "shutdown"}
"""Shells, by their last name, that give nobody a session."""


@dataclass(frozen=True)
class Account:
    """A user as the passwd database has it. $HOME and $USER are not asked: anybody can set them."""

    name: str
    uid: int
    gid: int
    home: str


def account_find(name: str | None) -> Account:
    """Return the account of that login name, or of who runs this where no name is given.

    Raises AccountError where there is none, and NotPermittedError where somebody who is not root
    names somebody else.
    """
    own_uid = os.geteuid()
    try:
        entry = pwd.getpwuid(own_uid) if name is None else pwd.getpwnam(name)
    except KeyError as error:
        who = f"the user id {own_uid}" if name is None else f"a user '{name}'"
        raise AccountError(
            f"the passwd database does not know {who}",
            hint="'getent passwd' lists whom it knows.",
        ) from error
    if own_uid not in (0, entry.pw_uid):
        raise NotPermittedError(
            f"only root may do this for {entry.pw_name}",
            hint="Leave the name out to do it for yourself.",
        )
    return _account(entry)


def accounts_with_login() -> list[Account]:
    """Return all in the passwd database whose shell gives a session, in order, each once."""
    entries: dict[str, pwd.struct_passwd] = {}
    for entry in pwd.getpwall():
        entries.setdefault(entry.pw_name, entry)
    return [_account(entry) for entry in entries.values() if gives_session(entry.pw_shell)]


def gives_session(shell: str | None) -> bool:
    """Tell whether a login with that shell comes to something."""
    return (shell or "").rpartition("/")[2] not in _NO_LOGIN


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)


def secret_path(template: str, account: Account) -> str:
    """Return the secret file's path, with the variables of the module's ``secret=`` filled in.

    Raises AccountError where a login would find no path for that user, and DoorwardError where
    what it finds is not the absolute path of a file.
    """
    path = native.secret_path(template, account.name, account.home or None)
    if path is None:
        raise AccountError(
            f"'{template}' leads nowhere for '{account.name}' with the home '{account.home}'",
            hint="The name must be fit for a path, and the home be set in the passwd database.",
        )
    if not path.startswith("/") or path.endswith(("/", "/.", "/..")):
        raise DoorwardError(
            f"the secret file '{path}' is not the absolute path of a file",
            hint="Give it as in the module's secret=, with ${USER}, ${HOME} or ~ where it varies.",
        )
    return path
