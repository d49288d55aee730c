"""Modules that look at who runs the program that asks: su, sudo and their like."""

from typing import TYPE_CHECKING

from pamconf.login import Login

if TYPE_CHECKING:
    from pamconf.stack import Rule

_ROOT, _ANOTHER = "asked by root", "asked by another user"


def rootok(_rule: "Rule", login: Login) -> str:
    """Model pam_rootok (modules/pam_rootok/pam_rootok.c)."""
    if login.call == "setcred":
        return "success"
    if login.call not in {"auth", "account", "password"}:
        return "module_unknown"
    return "success" if login.fact("caller", _ANOTHER, _ROOT) == _ROOT else "auth_err"


def wheel(rule: "Rule", login: Login) -> str:
    """Model pam_wheel (modules/pam_wheel/pam_wheel.c:perform_check).

    Its group is `group=`, wheel if there is such a group, or that of gid 0.
    """
    if login.call not in {"auth", "account"}:
        return "success" if login.call == "setcred" else "module_unknown"
    if "root_only" in rule.arguments and not login.uid_below(1):
        return "ignore"
    deny, trust = ("deny" in rule.arguments, "trust" in rule.arguments)
    group = _group(rule, login)
    if not login.world.has_group(group):
        return "ignore" if deny else "auth_err"
    inside, outside = f"asked by a member of {group}", f"asked by no member of {group}"
    if (login.fact(f"caller in {group}", inside, outside) == inside) == deny:
        return "perm_denied"
    return "success" if trust else "ignore"


def _group(rule: "Rule", login: Login) -> str:
    named = [one.removeprefix("group=") for one in rule.arguments if one.startswith("group=")]
    if named and named[-1]:
        return named[-1]
    return "wheel" if login.world.has_group("wheel") else "root"
