"""The password, and how modules hand it on."""

import re
from typing import TYPE_CHECKING

from pamconf.login import RIGHT, WRONG, Login
from pamconf.models.words import last

if TYPE_CHECKING:
    from pamconf.stack import Rule

PASSWORD = "password"  # noqa: S105 - no secret, what a prompt asks for
EMAIL = "e-mail address"


def password(rule: "Rule", login: Login) -> str:
    """Return whether it is RIGHT or WRONG; what another module was told counts.

    Source: libpam/pam_get_authtok.c.
    """
    if login.authtok is None:
        if "use_first_pass" in rule.arguments:
            return WRONG
        login.authtok = login.ask(PASSWORD)
    return login.authtok


def kwallet(_rule: "Rule", login: Login) -> str:
    """Model pam_kwallet5 (pam_kwallet.c): asks for the password that nobody has typed yet.

    Whatever it is, the module does not refuse.
    """
    if login.call == "account":
        return "module_unknown"
    if login.call == "auth" and login.authtok is None:
        login.authtok = login.ask(PASSWORD)
    return "success"


def gdm(_rule: "Rule", login: Login) -> str:
    """Model pam_gdm (pam_gdm/pam_gdm.c): hands on the password that unlocked the disk."""
    if login.call != "auth":
        return "success"
    typed, not_typed = "the disk's password typed at boot", "no disk's password at boot"
    if login.fact("disk", not_typed, typed) == not_typed:
        return "authinfo_unavail"
    same, other = "which is the account's, too", "which is not the account's"
    login.authtok = RIGHT if login.fact("disk's password", same, other) == same else WRONG
    return "success"


def ftp(rule: "Rule", login: Login) -> str:
    """Model pam_ftp (modules/pam_ftp/pam_ftp.c): anonymous users may type whatever they like.

    The others' password it only hands on.
    """
    if login.call != "auth":
        return "ignore" if login.call == "setcred" else "module_unknown"
    names = [one for one in (last(rule, "users=") or "ftp,anonymous").split(",") if one]
    if any(map(login.user_is, names)):
        login.ask(EMAIL)
        return "success"
    login.authtok = login.ask(PASSWORD)
    return "auth_err"


def userdb(rule: "Rule", login: Login) -> str:
    """Model pam_userdb (modules/pam_userdb/pam_userdb.c): passwords in a database of its own."""
    if login.call not in {"auth", "account"}:
        return "success" if login.call == "setcred" else "module_unknown"
    path = last(rule, "db=")
    if path is None:
        return "service_err"
    if login.call == "auth" and not _obtain(rule, login):
        return "authtok_recover_err"
    inside, outside = f"in the database {path}", f"not in the database {path}"
    if login.fact(f"database {path}", inside, outside) == outside:
        return "user_unknown"
    return "success" if login.call == "account" or login.authtok == RIGHT else "auth_err"


def _obtain(rule: "Rule", login: Login) -> bool:
    """Ask for a password as the arguments say; tell whether there is one."""
    tries, uses = ("try_first_pass" in rule.arguments, "use_first_pass" in rule.arguments)
    if not (tries or uses) or (tries and login.authtok is None):
        login.authtok = login.ask(PASSWORD)
    return login.authtok is not None


def quality(_rule: "Rule", login: Login) -> str:
    """Model pam_pwquality and pam_cracklib: a new password has to be good enough."""
    if login.call != "password":
        return "module_unknown"
    good, bad = "with a new password that is good enough", "with one that is too easy"
    return "success" if login.fact("quality", good, bad) == good else "authtok_err"


def pwhistory(rule: "Rule", login: Login) -> str:
    """Model pam_pwhistory (modules/pam_pwhistory/pam_pwhistory.c): no password is used again."""
    if login.call != "password":
        return "module_unknown"
    kept = [
        one[len("remember=") :] for one in rule.arguments if one.lower().startswith("remember=")
    ]
    if kept and re.match(r"\s*(-\d|[+-]?0*(?!\d))", kept[-1]):
        return "ignore"
    new, used = "with a password never used before", "with one used before"
    return "success" if login.fact("password history", new, used) == new else "maxtries"
