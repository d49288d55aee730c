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


def _reached(rules: Sequence[Rule]) -> set[int]:
    seen: set[_State] = set()
    todo: list[_State] = [(0, False)]
    while todo:
        state = todo.pop()
        if state in seen or state[0] >= len(rules):
            continue
        seen.add(state)
        todo += _next(rules, *state)
    return {at for at, _ in seen}


def _next(rules: Sequence[Rule], at: int, failed: bool) -> Iterator[_State]:
    rule = rules[at]
    if rule.enters:
        yield at + 1, failed
        return
    for action in _actions(rule):
        if isinstance(action, int):
            landed, missing = jump(rules, at, action)
            yield landed + 1, failed or missing != 0
        elif action == "die":
            yield _behind(rules, at), True
        elif action == "done" and not failed:
            yield _behind(rules, at), False
        else:
            yield at + 1, failed or action == "bad"
            if action == "reset":
                yield at + 1, False


def _actions(rule: Rule) -> set[Action]:
    if rule.fault:
        return {rule.control[MUST_FAIL]}
    if rule.name == "pam_permit":
        return {rule.control["success"]}
    if rule.name == "pam_deny":
        return {rule.control[_DENIES[rule.type]]}
    return set(rule.control.actions)


def _behind(rules: Sequence[Rule], at: int) -> int:
    """Return where it goes on once the (sub)stack that a rule is in has ended."""
    return len(rules) if rules[at].level == 0 else end(rules, at) + 1
