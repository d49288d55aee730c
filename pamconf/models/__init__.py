"""What real modules do, from facts about a login (see pamconf.login)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pamconf.explore import Model, deny
from pamconf.login import DIRECTORIES, Login
from pamconf.models import (
    callers,
    directories,
    gates,
    history,
    lists,
    passwords,
    programs,
    second_factor,
    times,
)
from pamconf.models.beside import BESIDE
from pamconf.models.succeed_if import succeed_if
from pamconf.models.usertype import usertype

if TYPE_CHECKING:
    from pamconf.stack import Rule


def permit(_rule: "Rule", _login: Login) -> str:
    """Model pam_permit."""
    return "success"


MODELS: Mapping[str, Model] = {
    **BESIDE,
    **dict.fromkeys(DIRECTORIES, directories.directory),
    "pam_access": gates.pam_access,
    "pam_cracklib": passwords.quality,
    "pam_debug": programs.debug,
    "pam_deny": deny,
    "pam_exec": programs.run_program,
    "pam_faillock": history.faillock,
    "pam_fprintd": second_factor.fingerprint,
    "pam_ftp": passwords.ftp,
    "pam_gdm": passwords.gdm,
    "pam_google_authenticator": second_factor.code,
    "pam_kwallet5": passwords.kwallet,
    "pam_lastlog": history.lastlog,
    "pam_listfile": lists.listfile,
    "pam_localuser": directories.localuser,
    "pam_nologin": gates.nologin,
    "pam_oath": second_factor.oath,
    "pam_permit": permit,
    "pam_pwhistory": passwords.pwhistory,
    "pam_pwquality": passwords.quality,
    "pam_rhosts": gates.rhosts,
    "pam_rootok": callers.rootok,
    "pam_securetty": lists.securetty,
    "pam_selinux_permit": gates.sepermit,  # the name that it has on Fedora
    "pam_sepermit": gates.sepermit,
    "pam_shells": lists.shells,
    "pam_succeed_if": succeed_if,
    "pam_time": times.time,
    "pam_timestamp": history.timestamp,
    "pam_u2f": second_factor.security_key,
    "pam_unix": directories.unix,
    "pam_userdb": passwords.userdb,
    "pam_usertype": usertype,
    "pam_wheel": callers.wheel,
}
"""By the names of modules."""
