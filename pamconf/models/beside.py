"""Modules that prepare and tidy up: no login hangs on them where the machine is in order.

Source: the pam_sm_* functions of each in Linux-PAM's modules/, libcap's pam_cap/pam_cap.c and
cockpit's src/pam-ssh-add/pam-ssh-add.c. A function that a module does not have is
PAM_MODULE_UNKNOWN (libpam/pam_dispatch.c).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pamconf.login import Login

if TYPE_CHECKING:
    from pamconf.explore import Model
    from pamconf.stack import Rule

_SESSION = {"session": "success", "close_session": "success"}
_ALL = {"auth", "setcred", "account", "session", "close_session", "password"}

_RETURNS: Mapping[str, Mapping[str, str]] = {
    "pam_cap": {"auth": "ignore", "setcred": "ignore"},
    "pam_echo": dict.fromkeys(_ALL, "success") | {"setcred": "ignore", "close_session": "ignore"},
    "pam_elogind": _SESSION,
    "pam_env": {
        "auth": "ignore",
        "setcred": "success",
        "account": "service_err",
        "password": "service_err",
        **_SESSION,
    },
    "pam_faildelay": {"auth": "ignore", "setcred": "ignore"},
    "pam_gnome_keyring": {
        "auth": "success",
        "setcred": "success",
        "password": "success",
        **_SESSION,
    },
    "pam_group": {"auth": "ignore", "setcred": "success"},
    "pam_issue": {"auth": "ignore", "setcred": "ignore"},
    "pam_keyinit": {"auth": "ignore", "setcred": "success", **_SESSION},
    "pam_limits": _SESSION,
    "pam_loginuid": {"account": "success", **_SESSION},
    "pam_mail": {"auth": "ignore", "setcred": "success", **_SESSION},
    "pam_mkhomedir": _SESSION,
    "pam_motd": {"session": "ignore", "close_session": "ignore"},
    "pam_namespace": _SESSION,
    "pam_selinux": {"auth": "auth_err", "setcred": "success", **_SESSION},
    "pam_setquota": _SESSION,
    "pam_ssh_add": {"auth": "cred_insufficient", "setcred": "success", **_SESSION},
    "pam_systemd": _SESSION,
    "pam_tty_audit": _SESSION,
    "pam_umask": _SESSION,
    "pam_warn": dict.fromkeys(_ALL, "ignore"),
    "pam_xauth": _SESSION,
}


def _model(rule: "Rule", login: Login) -> str:
    return _RETURNS[rule.name].get(login.call, "module_unknown")


BESIDE: "Mapping[str, Model]" = dict.fromkeys(_RETURNS, _model)
