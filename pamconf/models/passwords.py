"""The password, and how modules hand it on."""

from typing import TYPE_CHECKING

from pamconf.login import WRONG, Login

if TYPE_CHECKING:
    from pamconf.stack import Rule

PASSWORD = "password"  # noqa: S105 - no secret, what a prompt asks for


def password(rule: "Rule", login: Login) -> str:
    """Return whether it is RIGHT or WRONG; what another module was told counts.

    Source: libpam/pam_get_authtok.c.
    """
    if login.authtok is None:
        if "use_first_pass" in rule.arguments:
            return WRONG
        login.authtok = login.ask(PASSWORD)
    return login.authtok
