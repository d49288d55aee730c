"""Whom DenyUsers, AllowUsers, DenyGroups and AllowGroups let try at all.

sshd looks at them in this order, and asks whom they bar for a password all the same, in vain.
(auth.c:allowed_user of OpenSSH 9.2, but for its look at the shell.)
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pamconf.sshd import match
from pamconf.sshd.config import Effective, Setting, Source


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether somebody may try, why (one line), and the line that says so, if one does."""

    allowed: bool
    reason: str
    source: Source | None = None


def admission(effective: Effective) -> Admission:
    """Tell whether the user of a connection may try to log in."""
    account = effective.connection.account
    if account is None:
        return Admission(allowed=False, reason="there is no such user")

    def by_user(pattern: str) -> bool:
        return match.in_user(effective.connection, pattern) is True

    def by_group(pattern: str) -> bool:
        return any(match.wildcard(group, pattern) for group in account.groups)

    verdict = _judge(effective, "Users", by_user)
    if not verdict.allowed:
        return verdict
    if not account.groups and any(
        effective.lists.get(name) for name in ("DenyGroups", "AllowGroups")
    ):
        return Admission(allowed=False, reason="the user is in no group")
    groups = _judge(effective, "Groups", by_group)
    return groups if groups.source or not groups.allowed else verdict


def _judge(effective: Effective, whom: str, matches: Callable[[str], bool]) -> Admission:
    """Look at Deny… and Allow… of one kind."""
    denied = _first(effective.lists.get(f"Deny{whom}", ()), matches)
    if denied:
        return Admission(allowed=False, reason=f"Deny{whom} {denied.value}", source=denied.source)
    allowing = effective.lists.get(f"Allow{whom}", ())
    allowed = _first(allowing, matches)
    if allowed:
        return Admission(allowed=True, reason=f"Allow{whom} {allowed.value}", source=allowed.source)
    if allowing:
        reason = f"no pattern of Allow{whom} matches"
        return Admission(allowed=False, reason=reason, source=allowing[0].source)
    return Admission(allowed=True, reason="nothing bars the user")


def _first(patterns: Iterable[Setting], matches: Callable[[str], bool]) -> Setting | None:
    return next((pattern for pattern in patterns if matches(pattern.value)), None)
