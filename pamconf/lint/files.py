"""Checks of who can change the files that logins go by, and of who owns what stands in them."""

import os
import shlex
import stat
from collections.abc import Iterable, Iterator

from pamconf import accounts
from pamconf.access import read_options
from pamconf.accounts import Account
from pamconf.errors import FileError
from pamconf.lint.check import check
from pamconf.lint.finding import Found, Place, at_argument, at_module
from pamconf.lint.machine import Machine, facts_of, mend, shell_path, who_may_write
from pamconf.lint.subject import Subject
from pamconf.models.gates import access_files
from pamconf.models.programs import program
from pamconf.models.words import last
from pamconf.places import reads_access_file
from pamconf.problem import Severity
from pamconf.stack import Rule

_USERS = {"pam_oath": "usersfile=", "pam_u2f": "authfile="}
"""What names the file of everybody's secrets, or keys."""

_VARIABLES = ("${", "~", "%")
"""What stands for a user in the path of a secret."""


@check("PAM400", "not-looked-at", Severity.WARNING)
def not_looked_at(_one: Subject) -> Iterator[Found]:
    """A file could not be looked at, and so neither what hangs on it: run the check as root.

    It may also be a pipe or a device, or larger than any file of its kind.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_access.so accessfile=/etc/security/large.conf
        ## /etc/security/large.conf
        {17 million blanks}

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_access.so accessfile=/etc/security/small.conf
        ## /etc/security/small.conf
        - : ALL EXCEPT alice : ALL
    """
    yield from ()  # it is found while other checks look


def found_unreadable(error: FileError) -> Found:
    """Return what is said of a file that could not be looked at."""
    message = f"{error.message}: what hangs on it is not checked"
    return Found(Place(error.path or "/"), message, error.hint or "It should be a plain file.")


@check("PAM401", "writable-by-others", Severity.ERROR)
def writable_by_others(one: Subject) -> Iterator[Found]:
    """Somebody other than root can change what logins go by, and so log in as anybody.

    It is about the files of rules, the folders that these really are in, modules, the programs of
    pam_exec, and sshd's settings.

    Mend it with `chown root: FILE` and `chmod go-w FILE`.

    Bad:

        ## /etc/pam.d/sshd 0666
        auth required pam_unix.so
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd 0644
        auth required pam_unix.so
        account required pam_unix.so
    """
    programs = {str(program(rule)): rule for rule in one.called if rule.name == "pam_exec"}
    named = {**one.modules, **programs}
    files = (*one.service.files, *one.sshd_files)
    for path in files:
        yield from _open_file(path, Place(path), one)
    for path, rule in named.items():
        yield from _open_file(path, at_module(rule), one)
    yield from _open_folders((*files, *named), one)


def _open_file(path: str, place: Place, one: Subject) -> Iterator[Found]:
    """Yield a file that others can write, as found at a place."""
    who = who_may_write(path, one.machine)
    if who:
        yield Found(place, f"{path}: {who}", mend(path, one.machine))


def _open_folders(paths: Iterable[str], one: Subject) -> Iterator[Found]:
    """Yield the folders above files, and above what these are links to, that others can write."""
    folders = {path.rpartition("/")[0] for path in paths}
    folders |= {one.machine.real_folder(path) for path in paths}
    for folder in sorted({above for each in folders for above in _with_those_above(each)}):
        who = who_may_write(folder, one.machine)
        if who:
            facts = facts_of(folder, one.machine)
            is_theirs = facts is not None and facts.st_uid not in one.machine.owners
            hint = (
                "Move the file to a folder of root's." if is_theirs else mend(folder, one.machine)
            )
            yield Found(Place(folder), f"{folder}: {who}", hint)


def _with_those_above(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


@check("PAM402", "list-writable-by-others", Severity.ERROR)
def list_writable_by_others(one: Subject) -> Iterator[Found]:
    """Somebody other than root can change a list of who is let in, or who skips the code.

    It is about access files, those in access.d too, and the lists of pam_listfile. pam_access goes
    by such a file all the same; pam_listfile refuses where everybody can write it.

    Mend it with `chown root: FILE` and `chmod go-w FILE`.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/lan.conf 0666
        + : ALL : 192.168.1.0/24
        - : ALL : ALL

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/lan.conf 0644
        + : ALL : 192.168.1.0/24
        - : ALL : ALL
    """
    paths = []
    for rule in one.called:
        for path in _lists_of(rule, one.machine):
            paths.append(path)
            yield from _open_file(path, at_module(rule), one)
    yield from _open_folders(paths, one)


def _lists_of(rule: Rule, machine: Machine) -> Iterator[str]:
    if rule.name == "pam_listfile":
        yield from filter(None, [last(rule, "file=")])
    elif rule.name == "pam_access":
        yield from access_files(rule, machine.files)
    elif rule.name in _USERS:
        named = last(rule, _USERS[rule.name]) or ""
        yield from [named] if named.startswith("/") and "$" not in named else []
    elif reads_access_file(rule):
        yield read_options(rule.arguments).accessfile


@check("PAM403", "secret-folder", Severity.ERROR)
def secret_folder(one: Subject) -> Iterator[Found]:
    """The folder that `secret=` names is not there, can be changed by others, or not be entered.

    Where it is not there, nobody is enrolled: with `nullok` nobody is asked for a code, without it
    everybody is refused. The module reads secrets as who logs in, unless `user=` says otherwise, so
    a folder of root's alone needs `user=root`.

    Mend it with `install -d -m 0700 FOLDER`, and `user=root` behind the module.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so secret=/var/secrets/${USER} user=root nullok
        account required pam_unix.so

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so secret=/var/secrets/${USER} user=root nullok
        account required pam_unix.so
        ## /var/secrets/ 0700
    """
    folders = []
    for rule in one.second_factors:
        for index, argument in enumerate(rule.arguments):
            folder = _folder(argument)
            trouble = _trouble(folder, rule, one.machine) if folder else None
            if folder and trouble:
                yield Found(at_argument(rule, index), f"{folder} {trouble[0]}", trouble[1])
            elif folder:
                folders.append(folder)
    yield from _open_folders(folders, one)


def _folder(argument: str) -> str | None:
    """Return the folder of all secrets; None where each is in a home, or nothing is named."""
    if not argument.startswith("secret=/"):
        return None
    path = argument.removeprefix("secret=")
    ends = [at for at in map(path.find, _VARIABLES) if at >= 0]
    return path[: min(ends, default=len(path))].rpartition("/")[0] or "/"


def _trouble(folder: str, rule: Rule, machine: Machine) -> tuple[str, str] | None:
    """Return what is wrong with a folder of secrets, and how to mend it."""
    facts = facts_of(folder, machine)
    name = last(rule, "user=")
    make = _make(folder, machine, name)
    if facts is None or not stat.S_ISDIR(facts.st_mode):
        if any(one.startswith("nullok") for one in rule.arguments):
            return "is no folder: with nullok nobody is asked for a code", make
        return "is no folder: everybody is refused", make
    user = _account(name, machine) if name else None
    who = who_may_write(folder, machine, user.uid if user else 0)
    if facts.st_mode & stat.S_IWOTH:
        who = "everybody can make files in it"
    if who:
        return f"can be changed by others: {who}", mend(folder, machine, name or "root")
    return _no_entry(name, user, facts)


def _no_entry(
    name: str | None, user: Account | None, facts: os.stat_result
) -> tuple[str, str] | None:
    """Return why the folder cannot be entered by whom the module goes there as, if so."""
    if name and user is None:
        return f"is for a user {name}, and there is none: everybody is refused", "Say user=root."
    if user and not _may_enter(user, facts):
        return f"cannot be entered by {name}, so that everybody is refused", "Say user=root."
    if user is None and not facts.st_mode & stat.S_IXOTH:
        return "cannot be entered by who logs in, so that they are refused", "Add user=root."
    return None


def _account(name: str, machine: Machine) -> Account | None:
    """Return who it is whose name, or number, is given."""
    if name.isdecimal():
        return Account(name, int(name), ())
    return accounts.find(name, machine.root)


def _make(folder: str, machine: Machine, user: str | None) -> str:
    command = f"install -d -m 0700 -o {shlex.quote(user or 'root')} {shell_path(folder, machine)}"
    return f"Run: {command}" if user else f"Run: {command}; and say user=root here."


def _may_enter(user: Account, facts: os.stat_result) -> bool:
    if user.uid == 0:
        return True
    if user.uid == facts.st_uid:
        return bool(facts.st_mode & stat.S_IXUSR)
    if user.gid == facts.st_gid:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)


@check("PAM404", "edited-block", Severity.WARNING)
def edited_block(one: Subject) -> Iterator[Found]:
    """A line was changed in the block of pam-auth-update's, which then leaves all such files alone.

    Packages that bring a module, or take theirs away, change nothing any more, and nobody is told:
    a line without its module then refuses everybody.

    Mend it by putting lines of your own above or below the block, which survives every update, and
    `pam-auth-update --force` to have the block written anew.

    Bad:

        ## /etc/pam.d/sshd
        @include common-auth
        account required pam_unix.so
        ## /etc/pam.d/common-auth
        # here are the per-package modules (the "Primary" block)
        auth [success=1 default=ignore] pam_unix.so nullok
        # here's the fallback if no module succeeds
        auth requisite pam_deny.so
        # prime the stack with a positive return value if there isn't one already;
        # this avoids us returning an error just because nothing sets a success code
        # since the modules above will each just jump around
        auth required pam_permit.so
        # and here are more per-package modules (the "Additional" block)
        auth required pam_google_authenticator.so
        # end of pam-auth-update config
        ## /usr/share/pam-configs/unix
        Name: Unix authentication
        Default: yes
        Priority: 256
        Auth-Type: Primary
        Auth:
            [success=end default=ignore] pam_unix.so nullok try_first_pass
        Auth-Initial:
            [success=end default=ignore] pam_unix.so nullok

    Good:

        ## /etc/pam.d/sshd
        @include common-auth
        account required pam_unix.so
        ## /etc/pam.d/common-auth
        # here are the per-package modules (the "Primary" block)
        auth [success=1 default=ignore] pam_unix.so nullok
        # here's the fallback if no module succeeds
        auth requisite pam_deny.so
        # prime the stack with a positive return value if there isn't one already;
        # this avoids us returning an error just because nothing sets a success code
        # since the modules above will each just jump around
        auth required pam_permit.so
        # and here are more per-package modules (the "Additional" block)
        # end of pam-auth-update config
        auth required pam_google_authenticator.so
        ## /usr/share/pam-configs/unix
        Name: Unix authentication
        Default: yes
        Priority: 256
        Auth-Type: Primary
        Auth:
            [success=end default=ignore] pam_unix.so nullok try_first_pass
        Auth-Initial:
            [success=end default=ignore] pam_unix.so nullok
    """
    for file in one.service.files.values():
        for edit in one.machine.block_edits(file):
            message = f"{edit.message}: pam-auth-update no longer changes this file"
            hint = (
                "Put lines of your own below the block; 'pam-auth-update --force' writes it anew."
            )
            yield Found(Place(file.path, edit.line), message, hint)
