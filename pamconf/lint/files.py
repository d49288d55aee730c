"""Checks of who can change the files that logins go by, and of who owns what stands in them."""

import os
import stat
from collections.abc import Iterator

from pamconf import accounts
from pamconf.access import read_options
from pamconf.accounts import Account
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

_VARIABLES = ("${", "~", "%")
"""What stands for a user in the path of a secret."""


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
    for path in (*one.service.files, *one.sshd_files):
        for each in _with_folders(path, one.machine):
            who = who_may_write(each, one.machine)
            if who:
                yield Found(Place(path), f"{each}: {who}", mend(each, one.machine))
    programs = {str(program(rule)): rule for rule in one.called if rule.name == "pam_exec"}
    for path, rule in {**one.modules, **programs}.items():
        who = who_may_write(path, one.machine)
        if who:
            yield Found(at_module(rule), f"{path}: {who}", mend(path, one.machine))


def _with_folders(path: str, machine: Machine) -> Iterator[str]:
    """Yield a file, its folder, and the folder of what it is a link to."""
    yield path
    folders = {path.rpartition("/")[0]: None, machine.real_folder(path): None}
    yield from (folder for folder in folders if folder)


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
    for rule in one.called:
        for path in _lists_of(rule, one.machine):
            who = who_may_write(path, one.machine)
            if who:
                yield Found(at_module(rule), f"{path}: {who}", mend(path, one.machine))


def _lists_of(rule: Rule, machine: Machine) -> Iterator[str]:
    if rule.name == "pam_listfile":
        yield from filter(None, [last(rule, "file=")])
    elif rule.name == "pam_access":
        yield from access_files(rule, machine.files)
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
    for rule in one.second_factors:
        for index, argument in enumerate(rule.arguments):
            folder = _folder(argument)
            trouble = _trouble(folder, rule, one.machine) if folder else None
            if folder and trouble:
                yield Found(at_argument(rule, index), f"{folder} {trouble[0]}", trouble[1])


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
    if facts is None or not stat.S_ISDIR(facts.st_mode):
        if any(one.startswith("nullok") for one in rule.arguments):
            return "is no folder: with nullok nobody is asked for a code", _make(folder, machine)
        return "is no folder: everybody is refused", _make(folder, machine)
    name = last(rule, "user=")
    user = _account(name, machine) if name else None
    who = who_may_write(folder, machine, user.uid if user else 0)
    if facts.st_mode & stat.S_IWOTH:
        who = "everybody can make files in it"
    if who:
        return f"can be changed by others: {who}", mend(folder, machine)
    if name is None and not facts.st_mode & stat.S_IXOTH:
        return "cannot be entered by who logs in, so that they are refused", "Add user=root."
    if user and not _may_enter(user, facts):
        return f"cannot be entered by {name}, so that everybody is refused", "Say user=root."
    return None


def _account(name: str, machine: Machine) -> Account | None:
    """Return who it is whose name, or number, is given."""
    if name.isdecimal():
        return Account(name, int(name), ())
    return accounts.find(name, machine.root)


def _make(folder: str, machine: Machine) -> str:
    return f"Run: install -d -m 0700 {shell_path(folder, machine)}"


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
