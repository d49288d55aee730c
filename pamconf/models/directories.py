"""Where accounts are kept: in this machine's files, or in a directory that pam_sss asks."""

from typing import TYPE_CHECKING

from pamconf.errors import FileError
from pamconf.login import RIGHT, Login
from pamconf.models.passwords import password
from pamconf.models.words import last
from pamconf.tree import Kind

if TYPE_CHECKING:
    from pamconf.stack import Rule


def directory(rule: "Rule", login: Login) -> str:
    """Model pam_sss, pam_ldap, pam_krb5 and pam_winbind: they know nothing of local accounts."""
    if login.is_local:
        return "ignore" if login.call in {"session", "close_session"} else "user_unknown"
    if login.call != "auth":
        return "success"
    return "success" if password(rule, login) == RIGHT else "auth_err"


def localuser(rule: "Rule", login: Login) -> str:
    """Model pam_localuser (modules/pam_localuser/pam_localuser.c).

    With `file=` that file says who is local, in lines that begin with a name and a colon.
    """
    if login.call == "setcred":
        return "success"
    path = last(rule, "file=")
    if path is None:
        return "success" if login.is_local else "perm_denied"
    if login.world.files.kind(path) is Kind.FOLDER:
        return "perm_denied"
    try:
        lines = login.world.files.read(path).split("\n")
    except FileError as error:
        login.note(f"{path}: {error.message}: pam_localuser refuses everybody")
        return "service_err"
    names = [line.partition(":")[0] for line in lines if ":" in line]
    return "success" if login.name_among(names) in names else "perm_denied"


def unix(rule: "Rule", login: Login) -> str:
    """Model pam_unix: it knows the passwords of local accounts.

    Source: modules/pam_unix/pam_unix_auth.c, libpam/pam_get_authtok.c.
    """
    if login.call != "auth":
        return "success"
    if password(rule, login) != RIGHT:
        return "auth_err"
    elsewhere = login.has_directory and not login.is_local
    return "auth_err" if elsewhere else "success"
