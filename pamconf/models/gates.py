"""Modules that let through or refuse without asking anything."""

from typing import TYPE_CHECKING

from pamconf import access
from pamconf.access_who import Decision, who
from pamconf.errors import FileError, UnreadableError
from pamconf.login import Login
from pamconf.models.words import last
from pamconf.tree import Kind, Tree

if TYPE_CHECKING:
    from pamconf.stack import Rule

_SEPERMIT = "/etc/security/sepermit.conf"
_NOLOGIN = ("/var/run/nologin", "/etc/nologin")


def nologin(rule: "Rule", login: Login) -> str:
    """Model pam_nologin (modules/pam_nologin/pam_nologin.c): a file that keeps out all but root."""
    otherwise = "success" if "successok" in rule.arguments else "ignore"
    if login.call not in {"auth", "account"}:
        return otherwise if login.call == "setcred" else "module_unknown"
    named = last(rule, "file=")
    paths = _NOLOGIN if named is None else (named,)
    there = [path for path in paths if path and login.world.files.kind(path) is not Kind.NOTHING]
    if not there:
        return otherwise
    if login.world.files.kind(there[0]) is Kind.FOLDER:
        return "system_err"
    login.note(f"{there[0]} is there: nobody but root gets in")
    return otherwise if login.uid_below(1) else "auth_err"


def rhosts(_rule: "Rule", login: Login) -> str:
    """Model pam_rhosts (modules/pam_rhosts/pam_rhosts.c): hosts that somebody trusts."""
    if login.call not in {"auth", "setcred"}:
        return "module_unknown"
    if login.call == "setcred":
        return "success"
    if login.origin.rhost is None:
        return "auth_err"
    trusted, untrusted = "from a host that rhosts trusts", "from a host that no rhosts trusts"
    return "success" if login.fact("rhosts", untrusted, trusted) == trusted else "auth_err"


def sepermit(rule: "Rule", login: Login) -> str:
    """Model pam_sepermit (modules/pam_sepermit/pam_sepermit.c): some only while SELinux enforces.

    Any other than the default file makes it fail: the module takes no `conf=` but an empty one.
    """
    if login.call not in {"auth", "account"}:
        return "ignore" if login.call == "setcred" else "module_unknown"
    path = "" if "conf=" in rule.arguments else _SEPERMIT
    try:
        lines = login.world.files.read(path).split("\n")
    except FileError as error:
        login.note(f"{path}: {error.message}: pam_sepermit refuses everybody")
        return "service_err"
    plain = (line.strip() for line in lines if not line.startswith("#"))
    words = [line.strip(":").split(":") for line in plain if line.strip(":")]
    found = next((options for name, *options in words if _is_meant(name, login)), None)
    if found is None:
        return "ignore"
    enforces, not_enforces = "while SELinux enforces", "while SELinux does not enforce"
    if login.fact("selinux", not_enforces, enforces) == not_enforces:
        return "auth_err"
    return "ignore" if "ignore" in found else "success"


def _is_meant(name: str, login: Login) -> bool:
    if name.startswith("%"):
        so, otherwise = f"as {name[1:]} of SELinux", f"not as {name[1:]} of SELinux"
        return login.fact(f"selinux user {name}", so, otherwise) == so
    return login.in_group(name[1:]) if name.startswith("@") else login.user_is(name)


def pam_access(rule: "Rule", login: Login) -> str:
    """Model pam_access (modules/pam_access/pam_access.c), with all its traps.

    Whom no line of access.conf matches goes on to /etc/security/access.d/*.conf; with accessfile=
    there is but that file. A file that is not there, and a folder, have no lines.
    """
    if login.call == "setcred":
        return "ignore"
    options = access.read_options(rule.arguments)
    for path in access_files(rule, login.world.files):
        decision = _decision(path, options, login)
        if decision.rule:
            return "success" if decision.granted else "perm_denied"
    return "success"


def access_files(rule: "Rule", files: Tree) -> list[str]:
    """Return the files that pam_access goes by, one after the other."""
    paths = [access.read_options(rule.arguments).accessfile]
    if not any(argument.startswith("accessfile=") for argument in rule.arguments):
        paths += files.glob("/etc/security/access.d/*.conf")
    return paths


def _decision(path: str, options: access.Options, login: Login) -> Decision:
    text = ""
    try:
        text = login.world.files.read(path)
    except UnreadableError:
        raise
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
