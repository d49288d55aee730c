"""Modules that let through or refuse without asking anything."""

from typing import TYPE_CHECKING

from pamconf import access
from pamconf.access_who import Decision, who
from pamconf.errors import FileError
from pamconf.login import Login

if TYPE_CHECKING:
    from pamconf.stack import Rule

_NOLOGIN = ("/var/run/nologin", "/etc/nologin")


def nologin(rule: "Rule", login: Login) -> str:
    """Model pam_nologin (modules/pam_nologin/pam_nologin.c): a file that keeps out all but root."""
    otherwise = "success" if "successok" in rule.arguments else "ignore"
    if login.call not in {"auth", "account"}:
        return otherwise if login.call == "setcred" else "module_unknown"
    named = [one.removeprefix("file=") for one in rule.arguments if one.startswith("file=")]
    there = [path for path in named[-1:] or _NOLOGIN if _is_there(login, path)]
    if not there:
        return otherwise
    login.note(f"{there[0]} is there: nobody but root gets in")
    return otherwise if login.uid_below(1) else "auth_err"


def _is_there(login: Login, path: str) -> bool:
    try:
        login.world.files.read(path)
    except FileError:
        return False
    return True


def pam_access(rule: "Rule", login: Login) -> str:
    """Model pam_access (modules/pam_access/pam_access.c), with all its traps.

    Whom no line of access.conf matches goes on to /etc/security/access.d/*.conf; with accessfile=
    there is but that file. A file that is not there, and a folder, have no lines.
    """
    if login.call == "setcred":
        return "ignore"
    options = access.read_options(rule.arguments)
    paths = [options.accessfile]
    if not any(argument.startswith("accessfile=") for argument in rule.arguments):
        paths += login.world.files.glob("/etc/security/access.d/*.conf")
    for path in paths:
        decision = _decision(path, options, login)
        if decision.rule:
            return "success" if decision.granted else "perm_denied"
    return "success"


def _decision(path: str, options: access.Options, login: Login) -> Decision:
    text = ""
    try:
        text = login.world.files.read(path)
    except FileError as error:
        login.note(f"{path}: {error.message}: pam_access lets everybody in")
    file = access.parse(text, path, options.fieldsep, options.listsep)
    words = (word.text for rule in file.rules for word in rule.user_words)
    decision = who(
        file,
        login.name_among(word.partition("@")[0] for word in words),
        login.groups,
        login.origin,
        login.world.names,
        nodefgroup=options.nodefgroup,
    )
    for warning in decision.warnings:
        login.note(f"{path}: {warning}")
    return decision
