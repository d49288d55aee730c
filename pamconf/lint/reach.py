"""Which rules of a stack anything leads to, from the controls alone.

Source: libpam/pam_dispatch.c:_pam_dispatch_aux. What a module may return is known of pam_permit and
pam_deny, and of rules that always fail; every other one may return anything.
"""

from collections.abc import Iterator, Sequence

from pamconf.control import Action
from pamconf.simulate import MUST_FAIL, end, jump
from pamconf.stack import Rule

_DENIES = {
    "auth": "auth_err",
    "account": "auth_err",
    "session": "session_err",
    "password": "authtok_err",
}

_State = tuple[int, bool]
"""A rule by its place, and whether something before it may have failed already."""


def unreached(rules: Sequence[Rule]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of rules that nothing leads to."""
    reached = _reached(rules)
    first = None
    for at, rule in enumerate(rules):
        if at in reached:
            if first is not None:
                yield first, at - 1
            first = None
        elif first is None and not rule.enters:
            first = at
    if first is not None:
        yield first, len(rules) - 1


def is_shut(rules: Sequence[Rule]) -> bool:
    """Tell whether a stack refuses at once, as of a service that is switched off."""
    calling = [rule for rule in rules if not rule.enters]
    first = calling[0] if calling else None
    return first is not None and first.name == "pam_deny" and _actions(first) <= {"die", "bad"}


def _reached(rules: Sequence[Rule]) -> set[int]:
    steps = _Steps(rules)
    seen: set[_State] = set()
    todo: list[_State] = [(0, False)]
    while todo:
        state = todo.pop()
        if state in seen or state[0] >= len(rules):
            continue
        seen.add(state)
        todo += steps.next(*state)
    return {at for at, _ in seen}


class _Steps:
    """Where each rule of a stack may lead to."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._has_substacks = any(rule.level for rule in rules)

    def next(self, at: int, failed: bool) -> Iterator[_State]:
        """Yield the states that may follow upon one."""
        rule = self._rules[at]
        if rule.enters:
            yield at + 1, failed
            return
        for action in _actions(rule):
            if isinstance(action, int):
                landed, missing = self._jump(at, action)
                yield landed + 1, failed or missing
            elif action == "die":
                yield self._behind(at), True
            elif action == "done" and not failed:
                yield self._behind(at), False
            else:
                yield at + 1, failed or action == "bad"
                if action == "reset":
                    yield at + 1, False

    def _jump(self, at: int, over: int) -> tuple[int, bool]:
        """Return the last rule that a jump goes over, and whether that is too far."""
        if self._has_substacks or over < 1:
            landed, missing = jump(self._rules, at, over)
            return landed, missing != 0
        last = len(self._rules) - 1
        return min(at + over, last), at + over > last

    def _behind(self, at: int) -> int:
        """Return where it goes on once the (sub)stack that a rule is in has ended."""
        if self._rules[at].level == 0:
            return len(self._rules)
        return end(self._rules, at) + 1


def _actions(rule: Rule) -> set[Action]:
    if rule.fault:
        return {rule.control[MUST_FAIL]}
    if rule.name == "pam_permit":
        return {rule.control["success"]}
    if rule.name == "pam_deny":
        return {rule.control[_DENIES[rule.type]]}
    return set(rule.control.actions)
