"""Going through a stack as libpam does, with modules that return what they are told to.

Imitated is Debian's libpam 1.5.2. Upstream differs in one thing: in pam_setcred and
pam_close_session a rule that jumped counts there as `ok` as well; on Debian it is ignored.

Source: libpam/pam_dispatch.c:_pam_dispatch_aux, and Debian's patch 045_pam_dispatch_jump_is_ignore.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pamconf.control import Action

if TYPE_CHECKING:
    from pamconf.stack import Rule

MUST_FAIL = "perm_denied"

Returns = Callable[["Rule"], str]
"""Says what a rule's module returns: one of RETURNS."""

CALLS = {
    "auth": "auth",
    "setcred": "auth",
    "account": "account",
    "session": "session",
    "close_session": "session",
    "password": "password",
}
"""What an application can ask for, and the type of the rules that answer."""

FOLLOWS = {"setcred": "auth", "close_session": "session"}
"""Calls that take the path which another call took before."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A rule that was come to: what its module returned, and what was done with that.

    `index` is its place in the list of rules.
    `action` is of pamconf.control.ACTIONS, a number of rules to jump over, or "enter" at a
    substack. `decides` is true where the status became what it is now; `stops` where the (sub)stack
    ended there. `why` says it in words.
    """

    index: int
    rule: "Rule"
    returned: str
    action: Action
    decides: bool
    stops: bool
    why: str


@dataclass(frozen=True)
class Outcome:
    """What came of a call: `status` is one of RETURNS, as the application gets it.

    `decided` is the visit that the status comes from, None where nothing had a say. `problem` says
    why nothing was gone through, if so.
    """

    call: str
    status: str
    visits: tuple[Visit, ...]
    decided: Visit | None
    problem: str | None = None


def run(
    call: str, rules: "Sequence[Rule]", returns: Returns, after: Outcome | None = None
) -> Outcome:
    """Return what a call, one of CALLS, comes to with these rules (see Service.run)."""
    if after and after.status == "incomplete" and call in FOLLOWS:
        return Outcome(call, "abort", (), None, "the call before has not come to its end")
    if not rules:
        return Outcome(call, MUST_FAIL, (), None, f"no {CALLS[call]} rules, not in 'other' either")
    taken = {}
    if after and FOLLOWS.get(call) == after.call:
        taken = {visit.index: visit.returned for visit in after.visits}
    return _Run(rules, returns, taken).outcome(call)


class _Run:
    """One pass through the rules. `impression` is as in libpam: None, True (good) or False."""

    def __init__(self, rules: "Sequence[Rule]", returns: Returns, taken: dict[int, str]) -> None:
        self._rules = rules
        self._returns = returns
        self._taken = taken
        self._impression: bool | None = None
        self._status = MUST_FAIL
        self._decided: int | None = None
        self._before: dict[int, tuple[bool | None, str]] = {0: (None, MUST_FAIL)}
        self._visits: list[Visit] = []

    def outcome(self, call: str) -> Outcome:
        at = level = 0
        while at < len(self._rules):
            rule = self._rules[at]
            if rule.level > level:
                self._before[rule.level] = (self._impression, self._status)
            level = rule.level
            if rule.enters:
                self._note(at, "ignore", "enter", "a substack begins here")
                at += 1
                continue
            returned = MUST_FAIL if rule.fault else self._returns(rule)
            if returned == "incomplete":
                self._status = returned
                self._decided = len(self._visits)
                self._note(at, returned, "ignore", "it waits for the application", stops=True)
                break
            at = self._act(at, rule, returned) + 1
        else:
            if self._status == "success" and not self._impression:
                self._status = MUST_FAIL
        visits = tuple(self._visits)
        decided = None if self._decided is None else visits[self._decided]
        return Outcome(call, self._status, visits, decided)

    def _note(
        self, at: int, returned: str, action: Action, why: str, *, stops: bool = False
    ) -> None:
        decides = self._decided == len(self._visits)
        self._visits.append(Visit(at, self._rules[at], returned, action, decides, stops, why))

    def _decide(self, status: str, *, good: bool) -> None:
        self._impression, self._status = good, status
        self._decided = len(self._visits)

    def _act(self, at: int, rule: "Rule", returned: str) -> int:
        """Do what the control says; return where libpam is then, before it goes on to the next."""
        cached = self._taken.get(at, returned)
        action = rule.control[cached]
        stops = False
        if action in ("ok", "done"):
            why = self._ok(returned, cached)
            stops = action == "done" and self._impression is True
        elif action in ("bad", "die"):
            why = self._bad(returned)
            stops = action == "die"
        elif action == "reset":
            self._impression, self._status = self._before[rule.level]
            self._decided = None
            why = "as if nothing had been returned since the stack began"
        elif action == "ignore":
            why = "it has no say"
        else:
            landed, left = jump(self._rules, at, int(action))
            why = f"on to what follows, over {action} of them"
            if left:
                self._decide(MUST_FAIL, good=False)
                why = f"there are not {action} more to jump over: it fails, and goes on"
            self._note(at, returned, action, why)
            return landed
        self._note(at, returned, action, why, stops=stops)
        return end(self._rules, at) if stops else at

    def _ok(self, returned: str, cached: str) -> str:
        undecided = self._impression is None
        if not (undecided or (self._impression and self._status == "success")):
            return "it was decided before"
        if returned == "ignore" and cached != returned:
            return "it has no say this time"
        if undecided or returned != "success":
            self._decide(returned, good=True)
            return f"the answer is {returned}, unless something fails"
        self._impression = True
        return "it agrees"

    def _bad(self, returned: str) -> str:
        if self._impression is False:
            return "it was decided before"
        self._decide(MUST_FAIL if returned == "ignore" else returned, good=False)
        return f"the answer is {self._status}"


def jump(rules: "Sequence[Rule]", at: int, over: int) -> tuple[int, int]:
    """Return the last rule that a jump goes over, and how many rules were missing for it."""
    level = rules[at].level
    while over > 0 and _within(rules, at, level):
        at += 1
        while _within(rules, at, level + 1):
            at += 1
        over -= 1
    return at, over


def following(rules: "Sequence[Rule]") -> list[int]:
    """Return for each rule how many a jump can go over: those behind it in its (sub)stack.

    A jump over more fails. A substack counts as one.
    """
    counts: list[int] = []  # by levels, of what follows in the same run
    found = []
    for rule in reversed(rules):
        del counts[rule.level + 1 :]
        counts += [0] * (rule.level + 1 - len(counts))
        found.append(counts[rule.level])
        counts[rule.level] += 1
    return found[::-1]


def end(rules: "Sequence[Rule]", at: int) -> int:
    """Return the last rule of the (sub)stack that a rule is in."""
    level = rules[at].level
    while _within(rules, at, level):
        at += 1
    return at


def _within(rules: "Sequence[Rule]", at: int, level: int) -> bool:
    """Tell whether the rule after `at` is in a substack of that level."""
    return at + 1 < len(rules) and rules[at + 1].level >= level
