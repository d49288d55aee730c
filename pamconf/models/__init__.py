"""What real modules do, from facts about a login (see pamconf.login)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pamconf.explore import Model, deny
from pamconf.login import DIRECTORIES, Login
from pamconf.models import callers, directories, gates, second_factor
from pamconf.models.beside import BESIDE
from pamconf.models.succeed_if import succeed_if

if TYPE_CHECKING:
    from pamconf.stack import Rule


def permit(_rule: "Rule", _login: Login) -> str:
    """Model pam_permit."""
    return "success"


MODELS: Mapping[str, Model] = {
    **BESIDE,
    **dict.fromkeys(DIRECTORIES, directories.directory),
    "pam_access": gates.pam_access,
    "pam_deny": deny,
    "pam_google_authenticator": second_factor.code,
    "pam_localuser": directories.localuser,
    "pam_nologin": gates.nologin,
    "pam_oath": second_factor.oath,
    "pam_permit": permit,
    "pam_rootok": callers.rootok,
    "pam_succeed_if": succeed_if,
    "pam_u2f": second_factor.security_key,
    "pam_unix": directories.unix,
    "pam_wheel": callers.wheel,
}
"""By the names of modules."""
