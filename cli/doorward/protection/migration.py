"""Back from doorward's module to google-authenticator's: whom that would lock out."""

import pamconf
from doorward.errors import RefusedError
from doorward.protection.changes import GOOGLE
from doorward.protection.people import secrets
from doorward.protection.plan import Plan, counted


def goes_back(plan: Plan) -> bool:
    """Tell whether google-authenticator's module asks for the code after a change."""
    services = (pamconf.load(name, plan.after) for name in plan.named)
    return any(rule.name == GOOGLE for one in services for rule in one.rules("auth"))


def check_can_go_back(plan: Plan) -> None:
    """Raise RefusedError where somebody's secret file has what the other module cannot read."""
    services = (pamconf.load(name, plan.tree) for name in plan.named)
    wanted = dict.fromkeys(secret for service in services for secret in secrets(service))
    looked_at = [person.inspect(one) for one in wanted for person in plan.machine.people]
    found = {one.user: ", ".join(one.foreign_keys) for one in looked_at if one.foreign_keys}
    if found:
        names = counted([f"{name} ({keys})" for name, keys in found.items()])
        raise RefusedError(
            f"google-authenticator's module cannot read all that they have: {names}",
            hint="docs/google-authenticator.md says of each key how to do without it.",
        )
