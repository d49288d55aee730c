"""Modules that return what somebody else says: a program, or their own arguments."""

from typing import TYPE_CHECKING

from pamconf.control import RETURNS
from pamconf.login import Login
from pamconf.models.passwords import PASSWORD

if TYPE_CHECKING:
    from pamconf.stack import Rule

_OPTIONS = {"debug", "stdout", "seteuid", "quiet", "quiet_log", "expose_authtok"}
_VALUES = ("log=", "type=")
_TYPES = {"session": "open_session"}
"""Calls that pam_exec has another word for."""

_EVENTS = {
    "auth": ("auth",),
    "setcred": ("cred",),
    "account": ("acct",),
    "password": ("prechauthtok", "chauthtok"),
    "session": ("open_session",),
    "close_session": ("close_session",),
}


def run_program(rule: "Rule", login: Login) -> str:
    """Model pam_exec (modules/pam_exec/pam_exec.c:call_exec): what its program says counts.

    Nobody can know that, so both is followed. `type=` leaves out other calls. With expose_authtok,
    whoever has not typed a password yet is asked for it.
    """
    if login.call == "setcred":
        return "ignore"
    options, run = _split(rule)
    types = [one[len("type=") :] for one in options if one.lower().startswith("type=")]
    if any(one != _TYPES.get(login.call, login.call) for one in types):
        return "ignore"
    exposes = any(one.lower() == "expose_authtok" for one in options)
    if exposes and login.call == "auth" and login.authtok is None:
        login.authtok = login.ask(PASSWORD)
    if run is None:
        return "service_err"
    login.note(f"{run} decides ({rule.place}): it is followed both ways, yes and no")
    return "success" if login.agrees(run, rule.place) else "system_err"


def program(rule: "Rule") -> str | None:
    """Return the program that a rule of pam_exec runs; None where it names none."""
    return _split(rule)[1]


def _split(rule: "Rule") -> tuple[list[str], str | None]:
    """Tell the options, in capitals too, from the program: the first word that is none."""
    for at, word in enumerate(rule.arguments):
        if word.lower() not in _OPTIONS and not word.lower().startswith(_VALUES):
            return list(rule.arguments[:at]), word
    return list(rule.arguments), None


def debug(rule: "Rule", login: Login) -> str:
    """Model pam_debug (modules/pam_debug/pam_debug.c): it returns what its arguments say.

    A change of password is two calls, of which the first that fails counts.
    """
    said = [_said(rule, event) for event in _EVENTS[login.call]]
    return next((one for one in said if one != "success"), "success")


def _said(rule: "Rule", event: str) -> str:
    values = (one.partition("=") for one in rule.arguments)
    value = next((value for name, equals, value in values if equals and name == event), "")
    return value if value in RETURNS else "success"
