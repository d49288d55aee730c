"""Modules that look at what happened before: failures, the last login, the last time asked."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pamconf.errors import FileError
from pamconf.login import Login
from pamconf.models.words import last
from pamconf.tree import Kind

if TYPE_CHECKING:
    from pamconf.stack import Rule

_FAILLOCK_CONF = "/etc/security/faillock.conf"
_LASTLOG = "/var/log/lastlog"
_DAYS, _DAYS_MAX = 90, 100_000


def faillock(rule: "Rule", login: Login) -> str:
    """Model pam_faillock (modules/pam_faillock/pam_faillock.c).

    Whether somebody is locked out, after too many wrong passwords, no file says for long: both is
    followed. Administrators are only with even_deny_root, and `deny` of 0 locks nobody out.
    """
    if login.call not in {"auth", "account"}:
        return "success" if login.call == "setcred" else "module_unknown"
    try:
        options = dict(_faillock_options(rule, login))
    except FileError as error:
        login.note(f"{error.path}: {error.message}: pam_faillock refuses everybody")
        return "service_err"
    if login.call == "account" or ("local_users_only" in options and not login.is_local):
        return "success"
    if _is_locked(options, login):
        return "auth_err"
    actions = [one for one in rule.arguments if one in {"preauth", "authfail", "authsucc"}]
    return "ignore" if actions[-1:] == ["authfail"] else "success"


def _is_locked(options: dict[str, str], login: Login) -> bool:
    if re.match(r"\s*\+?0+(?!\d)", options.get("deny", "")):
        return False
    free, locked = "not locked out", "locked out"
    if login.fact("faillock", free, locked) == free:
        return False
    if "even_deny_root" in options or not login.uid_below(1):
        group = options.get("admin_group")
        is_admin = bool(group) and login.in_group(str(group))
        return "even_deny_root" in options or not is_admin
    return False


def _faillock_options(rule: "Rule", login: Login) -> Iterator[tuple[str, str]]:
    """Yield the settings of faillock.conf(5), then the rule's; later ones count."""
    path = last(rule, "conf=")
    if path is not None or login.world.files.kind(_FAILLOCK_CONF) is not Kind.NOTHING:
        for line in login.world.files.read(path or _FAILLOCK_CONF).split("\n"):
            found = re.match(r"\s*([^\s=#]+)\s*=?\s*([^#]*)", line)
            if found:
                yield found[1], found[2].rstrip()
    for argument in rule.arguments:
        name, _, value = argument.partition("=")
        yield name, value


def lastlog(rule: "Rule", login: Login) -> str:
    """Model pam_lastlog (modules/pam_lastlog/pam_lastlog.c): it keeps out who was away long.

    For that it is a rule of type auth or account, and 90 days are long unless `inactive=` says so.
    Root is let in.
    """
    if login.call == "password":
        return "module_unknown"
    if login.call not in {"auth", "account"}:
        return "success"
    if login.world.files.kind(_LASTLOG) is Kind.NOTHING:
        return "success" if login.uid_below(1) else "ignore"
    days = _days(rule)
    seen, away = f"not away for {days} days", f"away for more than {days} days"
    if login.fact(f"away for {days} days", seen, away) == seen:
        return "success"
    return "success" if login.uid_below(1) else "auth_err"


def _days(rule: "Rule") -> int:
    days = _DAYS
    for argument in rule.arguments:
        found = re.fullmatch(r"inactive=\s*\+?0*([0-9]{1,6})(?![0-9]).*", argument)
        if found and 0 < int(found[1]) < _DAYS_MAX:
            days = int(found[1])
    return days


def timestamp(_rule: "Rule", login: Login) -> str:
    """Model pam_timestamp (modules/pam_timestamp/pam_timestamp.c): who was let in just now."""
    if login.call not in {"auth", "account", "password"}:
        return "success"
    if login.call != "auth":
        return "module_unknown"
    lately, not_lately = "let in at this terminal lately", "not let in here lately"
    return "success" if login.fact("timestamp", lately, not_lately) == lately else "auth_err"
