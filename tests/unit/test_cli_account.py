"""Whose file it is: no name and no variable of the environment leads anywhere else."""

import os
import pwd

import pytest
from doorward.enrolment.account import (
    Account,
    account_find,
    accounts_with_login,
    secret_path,
)
from doorward.errors import AccountError, DoorwardError, NotPermittedError

ALICE = Account("alice", 1000, 1000, "/home/alice")


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("~/.google_authenticator", "/home/alice/.google_authenticator"),
        ("${HOME}/.secret", "/home/alice/.secret"),
        ("/var/lib/doorward/secrets/${USER}", "/var/lib/doorward/secrets/alice"),
        ("/srv/${USER}/~x/${SHELL}", "/srv/alice//home/alicex/${SHELL}"),
        ("/srv/a~b/$USER", "/srv/a~b/$USER"),
    ],
)
def test_secret_path(template: str, path: str) -> None:
    """The template means what it means to the module."""
    assert secret_path(template, ALICE) == path


@pytest.mark.parametrize("template", ["secret", "./${USER}", "", "~", "/srv/", "~/..", "/srv/."])
def test_secret_path_of_no_file(template: str) -> None:
    """What is not the absolute path of a file is refused before it is opened."""
    account = Account("alice", 1000, 1000, "/home/alice/")
    with pytest.raises(DoorwardError, match="not the absolute path of a file"):
        secret_path(template, account)


@pytest.mark.parametrize("name", ["", ".", "..", "../bob", "a/b", "a\nb", "a\x7fb", "a" * 5000])
def test_names_that_would_choose_a_path(name: str) -> None:
    """A login name never leads out of the folder that it is put into."""
    with pytest.raises(AccountError):
        secret_path("/var/lib/doorward/secrets/${USER}", Account(name, 1000, 1000, "/home/x"))


def test_home_missing_in_passwd() -> None:
    """Without a home there is no ~, and it is not guessed."""
    with pytest.raises(AccountError):
        secret_path("~/.google_authenticator", Account("alice", 1000, 1000, ""))


def _entry(name: str, uid: int, shell: str = "/bin/bash") -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, uid, "", f"/home/{name}", shell))


@pytest.fixture
def passwd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set up a passwd database of a few users, and $HOME and $USER that lie."""
    entries = [
        _entry("root", 0),
        _entry("daemon", 1, "/usr/sbin/nologin"),
        _entry("sync", 4, "/bin/sync"),
        _entry("alice", 1000),
        _entry("bob", 1001, ""),
        _entry("alice", 1002),
        _entry("ftp", 1003, "/bin/false"),
    ]

    def by_name(name: str) -> pwd.struct_passwd:
        return {entry.pw_name: entry for entry in reversed(entries)}[name]

    def by_uid(uid: int) -> pwd.struct_passwd:
        return {entry.pw_uid: entry for entry in entries}[uid]

    monkeypatch.setattr(pwd, "getpwall", lambda: entries)
    monkeypatch.setattr(pwd, "getpwnam", by_name)
    monkeypatch.setattr(pwd, "getpwuid", by_uid)
    for variable in ("HOME", "USER", "LOGNAME", "SUDO_USER"):
        monkeypatch.setenv(variable, "/etc")


@pytest.mark.usefixtures("passwd")
@pytest.mark.parametrize(
    ("uid", "name", "found"),
    [(1000, None, ALICE), (1000, "alice", ALICE), (0, "alice", ALICE)],
)
def test_account(
    monkeypatch: pytest.MonkeyPatch, uid: int, name: str | None, found: Account
) -> None:
    """Who runs it, or who root names, as the passwd database has them."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert account_find(name) == found


@pytest.mark.usefixtures("passwd")
@pytest.mark.parametrize(
    ("uid", "name", "error"),
    [
        (1000, "bob", NotPermittedError),
        (1000, "root", NotPermittedError),
        (0, "nobody-here", AccountError),
        (0, "", AccountError),
        (0, "../alice", AccountError),
        (4242, None, AccountError),
    ],
)
def test_account_refused(
    monkeypatch: pytest.MonkeyPatch, uid: int, name: str | None, error: type[DoorwardError]
) -> None:
    """Nobody acts for somebody else, and nobody for somebody who is not there."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    with pytest.raises(error):
        account_find(name)


@pytest.mark.usefixtures("passwd")
def test_who_has_a_login_shell() -> None:
    """Those who can get a session are listed, once each; an empty shell field is /bin/sh."""
    assert [account.name for account in accounts_with_login()] == ["root", "alice", "bob"]
    assert accounts_with_login()[1].uid == 1000
