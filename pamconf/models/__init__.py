"""What real modules do, from facts about a login (see pamconf.login)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pamconf.explore import Model, deny
from pamconf.login import Login

if TYPE_CHECKING:
    from pamconf.stack import Rule


def permit(_rule: "Rule", _login: Login) -> str:
    """Model pam_permit."""
    return "success"


MODELS: Mapping[str, Model] = {"pam_permit": permit, "pam_deny": deny}
"""By the names of modules."""
