"""What follows upon what in a stack, and which of it logins really take.

Every value that a rule's module can return leads to another rule, or to an end: `steps` says where,
from the controls alone. `follow` adds what becomes of logins, by models of what modules do.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pamconf.control import RETURNS
from pamconf.errors import PamconfError
from pamconf.explore import Model, unknown, ways
from pamconf.simulate import MUST_FAIL, Visit, end, jump

if TYPE_CHECKING:
    from pamconf.explore import Way
    from pamconf.login import Login, World
    from pamconf.stack import Rule, Service

AGREES = ("success", "new_authtok_reqd")
"""What a call may come to that lets in: the second one wants a new password first."""


class End(enum.Enum):
    """Where rules end.

    `IN` and `REFUSED` are at once. `REFUSED_LATER` is decided, but what follows runs all the same.
    `OVER` is behind the last rule: whether that lets in hangs on what agreed on the way.
    """

    IN = enum.auto()
    REFUSED = enum.auto()
    REFUSED_LATER = enum.auto()
    OVER = enum.auto()


@dataclass(frozen=True)
class Step:
    """From a rule to another one, both by their places in the list, or to an end.

    `values` are the return values that lead there, `others` whether these are most of all. `fails`
    is a failure that a rule further on may yet forget (`reset`).
    """

    source: int
    target: int | End
    values: tuple[str, ...]
    fails: bool = False

    @property
    def others(self) -> bool:
        """Whether it is simpler to say that all other values lead elsewhere."""
        return len(self.values) > len(RETURNS) // 2


@dataclass
class Flow:
    """A list of rules, its steps, and what is known of logins that go through it.

    `taken` are the steps that logins take, `asks` what rules ask for, and `quiet` those that do not
    ask every time. `asked_later` is what is still asked for after a step that has decided.
    `over` says how the logins that come to `End.OVER` end, `gets_in` what those are asked who get
    in. `unsure` are rules whose module nobody has a model of. `is_complete` is false where logins
    can go more ways than were followed: there are others then.
    """

    rules: "tuple[Rule, ...]"
    steps: tuple[Step, ...]
    reached: set[int] = field(default_factory=set)
    taken: set[Step] = field(default_factory=set)
    asks: dict[int, list[str]] = field(default_factory=dict)
    quiet: set[int] = field(default_factory=set)
    asked_later: dict[Step, list[str]] = field(default_factory=dict)
    over: set[bool] = field(default_factory=set)
    gets_in: list[tuple[str, ...]] = field(default_factory=list)
    unsure: "dict[Rule, None]" = field(default_factory=dict)
    is_complete: bool = True

    @cached_property
    def by_source(self) -> Mapping[int, Sequence[Step]]:
        """The steps by the rules that they lead away from."""
        found: dict[int, list[Step]] = {}
        for step in self.steps:
            found.setdefault(step.source, []).append(step)
        return found


def steps(rules: "Sequence[Rule]") -> tuple[Step, ...]:
    """Return where every rule leads to, those of one rule in the order of the values."""
    return tuple(step for at in range(len(rules)) for step in _steps(rules, at))


def start(rules: "Sequence[Rule]", at: int = 0) -> int | End:
    """Return the first rule from there on that calls a module."""
    while at < len(rules) and rules[at].enters:
        at += 1
    return at if at < len(rules) else End.OVER


def _steps(rules: "Sequence[Rule]", at: int) -> Iterator[Step]:
    rule = rules[at]
    if rule.enters:
        return
    found: dict[tuple[int | End, bool], list[str]] = {}
    for value in (MUST_FAIL,) if rule.fault else RETURNS:
        found.setdefault(_target(rules, at, value), []).append(value)
    for (target, fails), values in found.items():
        yield Step(at, target, tuple(values), fails)


def _target(rules: "Sequence[Rule]", at: int, value: str) -> tuple[int | End, bool]:
    """Return where a value leads to, and whether that is a failure that may be forgotten.

    Pausing (incomplete) is taken for an error: the same call goes on later.
    An error that is `ok` is the answer, unless new_authtok_reqd was before it: that is left out.
    """
    rule = rules[at]
    action = rule.control[value]
    stops = action in {"die", "done"}
    if isinstance(action, int):
        at, missing = jump(rules, at, action)
        fails = missing != 0
    else:
        fails = action in {"bad", "die"} or (action in {"ok", "done"} and value not in AGREES)
        at = end(rules, at) if stops else at
    if stops and rule.level == 0:
        return End.REFUSED if fails else End.IN, False
    if fails and not any("reset" in one.control.actions for one in rules[at + 1 :]):
        return End.REFUSED_LATER, False
    return start(rules, at + 1), fails


def follow(
    service: "Service", call: str, models: Mapping[str, Model], world: "World | None" = None
) -> Flow:
    """Return a service's flow for a call: "auth", "account", "password" or "session"."""
    rules = service.rules(call)
    flow = Flow(rules, steps(rules))
    prompts: list[list[str]] = []
    noting = {rule.name: _noting(models.get(rule.name, unknown), prompts) for rule in rules}
    found = ways(service, (call,), noting, world)
    try:
        for way in found:
            _add(flow, way, prompts)
            prompts.clear()
    except PamconfError:
        flow.is_complete = False
    return flow


def _noting(model: Model, prompts: list[list[str]]) -> Model:
    """Return a model that notes at each call what it asks for, also what was asked for before."""

    def noted(rule: "Rule", login: "Login") -> str:
        before, login.asked = login.asked, []
        returned = model(rule, login)
        prompts.append(login.asked)
        login.asked = [*dict.fromkeys([*before, *login.asked])]
        return returned

    return noted


def _add(flow: Flow, way: "Way", prompts: list[list[str]]) -> None:
    """Add one way that a login can go."""
    visits = [visit for visit in way.outcome.visits if not visit.rule.enters]
    called = iter(prompts)
    asked = [[] if visit.rule.fault else next(called) for visit in visits]
    for visit, prompt in zip(visits, asked, strict=True):
        _note_prompts(flow, visit.index, prompt)
    if way.gets_in and way.asked not in flow.gets_in:
        flow.gets_in.append(way.asked)
    flow.unsure |= dict.fromkeys(way.unsure)
    for number, visit in enumerate(visits):
        step = _taken(flow, visit)
        flow.taken.add(step)
        if step.target is End.OVER:
            flow.over.add(way.outcome.status in AGREES)
        if isinstance(step.target, End):
            later = flow.asked_later.setdefault(step, [])
            later += [one for more in asked[number + 1 :] for one in more if one not in later]
            return


def _note_prompts(flow: Flow, at: int, prompts: list[str]) -> None:
    flow.reached.add(at)
    said = flow.asks.setdefault(at, [])
    said += [prompt for prompt in prompts if prompt not in said]
    if not prompts:
        flow.quiet.add(at)


def _taken(flow: Flow, visit: Visit) -> Step:
    return next(step for step in flow.by_source[visit.index] if visit.returned in step.values)
