"""Modules that ask for something beside the password."""

from typing import TYPE_CHECKING

from pamconf.login import RIGHT, Login

if TYPE_CHECKING:
    from pamconf.stack import Rule

CODE, PASSWORD_AND_CODE, KEY = "code", "password and code", "security key"
FINGERPRINT = "fingerprint"

CODES = frozenset({CODE, PASSWORD_AND_CODE})
"""Answers that have a code in them."""

SECOND_FACTORS = frozenset(
    {
        "pam_duo",
        "pam_google_authenticator",
        "pam_linotp",
        "pam_oath",
        "pam_otpw",
        "pam_privacyidea",
        "pam_u2f",
        "pam_yubico",
    }
)
"""Modules that are there to ask for something beside the password, with a model or without."""

FACT = "second factor"
"""The fact whether somebody has one."""
ENROLLED, NOT_ENROLLED = "enrolled", "not enrolled"


def is_enrolled(login: Login) -> bool:
    """Tell whether the user has a second factor; both is followed where nobody knows."""
    return login.fact(FACT, ENROLLED, NOT_ENROLLED) == ENROLLED


def code(rule: "Rule", login: Login, *, skipped: bool = False, may_lack: bool | None = None) -> str:
    """Model pam_google_authenticator, and what is used in its place.

    Where `skipped`, or with nullok and no secret, it is PAM_IGNORE. Otherwise somebody without a
    secret is asked all the same, in vain. `may_lack` says that whether nullok holds is known.
    Source: src/pam_google_authenticator.c:google_authenticator.
    """
    if login.call != "auth":
        return "success" if login.call == "setcred" else "module_unknown"
    if skipped:
        return "ignore"
    enrolled = is_enrolled(login)
    if not enrolled and ("nullok" in rule.arguments if may_lack is None else may_lack):
        return "ignore"
    right = _answer(rule, login)
    return "success" if enrolled and right else "auth_err"


def oath(rule: "Rule", login: Login) -> str:
    """Model pam_oath (pam_oath/pam_oath.c): whom its users file does not name is refused.

    With digits=, what is typed before the code goes on to the next module, if none has asked for a
    password yet. With alwaysok nobody is refused.
    """
    if login.call != "auth":
        return "success"
    enrolled = is_enrolled(login)
    if login.authtok is None and any(one.startswith("digits=") for one in rule.arguments):
        login.authtok = answer = login.ask(PASSWORD_AND_CODE)
    else:
        answer = login.ask(CODE)
    is_right = answer == RIGHT and enrolled
    return "success" if is_right or "alwaysok" in rule.arguments else "auth_err"


def security_key(rule: "Rule", login: Login) -> str:
    """Model pam_u2f (pam-u2f.c): `nouserok` lets in whoever has no key, without asking.

    With alwaysok nobody is refused.
    """
    if login.call != "auth":
        return "success"
    is_open = "alwaysok" in rule.arguments
    if not is_enrolled(login):
        return "success" if is_open or "nouserok" in rule.arguments else "user_unknown"
    return "success" if login.ask(KEY) == RIGHT or is_open else "auth_err"


def fingerprint(_rule: "Rule", login: Login) -> str:
    """Model pam_fprintd (pam/pam_fprintd.c): it asks at the machine, and who has a print there."""
    if login.call != "auth":
        return "success" if login.call in {"setcred", "password"} else "module_unknown"
    enrolled, not_enrolled = "with a fingerprint enrolled", "without a fingerprint"
    if (login.origin.rhost or "localhost") != "localhost":
        return "authinfo_unavail"
    if login.fact("fingerprints", enrolled, not_enrolled) == not_enrolled:
        return "authinfo_unavail"
    return "success" if login.ask(FINGERPRINT) == RIGHT else "maxtries"


def _answer(rule: "Rule", login: Login) -> bool:
    """Ask as the arguments say; what is typed together goes on to the next module."""
    first = {"use_first_pass", "try_first_pass"} & {*rule.arguments}
    if first and login.authtok:
        return login.authtok == RIGHT
    if "use_first_pass" in rule.arguments:
        return False
    if "forward_pass" not in rule.arguments:
        return login.ask(CODE) == RIGHT
    login.authtok = login.ask(PASSWORD_AND_CODE)
    return login.authtok == RIGHT
