"""Every way that a login can go: from facts about it, not from what modules return.

A *model* says of a rule what its module returns, and asks the login for the facts that this hangs
on (see pamconf.login). There are as many ways as there are differences, not as many as there are
facts.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pamconf.control import Action
from pamconf.errors import PamconfError
from pamconf.login import DIRECTORIES, SAY_MORE, Login, Work, World
from pamconf.simulate import CALLS, FOLLOWS, Outcome

if TYPE_CHECKING:
    from pamconf.stack import Rule, Service

WAYS_MAX = 4096
"""More ways than this are not followed: nobody could read of them."""

Model = Callable[["Rule", Login], str]
"""Says what a rule's module returns, one of pamconf.control.RETURNS."""


@dataclass(frozen=True)
class Way:
    """One way that a login can go.

    `facts` are those that something hung on, and `sources` the rules that they hung on first.
    `asked` is what somebody is asked for, in order. `outcomes` is what came of each call, up to the
    first that failed. `unsure` are the rules whose module nobody has a model of: whether they agree
    is followed both ways. `notes` is what to know beside.
    """

    facts: Mapping[str, str]
    sources: "Mapping[str, Rule | None]"
    asked: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    unsure: "tuple[Rule, ...]"
    notes: tuple[str, ...]

    @property
    def about(self) -> Mapping[str, str]:
        """The facts that are no answers: who it is, and from where."""
        return {name: value for name, value in self.facts.items() if name not in self.asked}

    @property
    def outcome(self) -> Outcome:
        """What came of the last call that was made."""
        return self.outcomes[-1]

    @property
    def gets_in(self) -> bool:
        """Whether all calls succeeded."""
        return self.outcome.status == "success"


def deny(_rule: "Rule", login: Login) -> str:
    """Model pam_deny (modules/pam_deny/pam_deny.c): what it says depends on the call."""
    refusals = {"auth": "auth_err", "account": "auth_err", "setcred": "cred_err"}
    return refusals.get(login.call, "authtok_err" if login.call == "password" else "session_err")


def unknown(rule: "Rule", login: Login) -> str:
    """Model a module that nobody has described: it may agree, and it may refuse.

    Where the rule's control does the same with both, there is nothing to follow two ways.
    """
    login.unsure.setdefault(rule)
    refusal = deny(rule, login)
    if rule.control["success"] == rule.control[refusal] and _is_deaf(rule.control[refusal]):
        return "success"
    return "success" if login.agrees(str(rule.module), rule.place) else refusal


def _is_deaf(action: Action) -> bool:
    """Tell whether an action does not care for the value that led to it (see simulate)."""
    return action in {"ignore", "reset"} or isinstance(action, int)


def ways(
    service: "Service",
    calls: Sequence[str],
    models: Mapping[str, Model],
    world: World | None = None,
    fixed: Mapping[str, str] | None = None,
) -> Iterator[Way]:
    """Yield every way that a login to a service can go, each with other facts than all before.

    `calls` are made one after the other, as far as they succeed: ("auth", "account"). `models` are
    by the names of modules ("pam_unix"); `fixed` are facts that are known, by their names. Raises
    PamconfError where there are more than WAYS_MAX, or it takes more than login.STEPS_MAX.
    """
    rules = itertools.chain.from_iterable(service.rules(CALLS[call]) for call in calls)
    login: Login | None = Login(
        service.name,
        world or World(),
        fixed or {},
        has_directory=any(rule.name in DIRECTORIES for rule in rules),
        work=Work(service.name),
    )
    count = 0
    while login is not None:
        count += 1
        if count > WAYS_MAX:
            raise PamconfError(
                f"{service.name}: a login can go more than {WAYS_MAX} ways",
                hint=SAY_MORE,
            )
        yield _follow(service, calls, models, login)
        login = login.next()


def _follow(
    service: "Service", calls: Sequence[str], models: Mapping[str, Model], login: Login
) -> Way:
    outcomes: list[Outcome] = []
    files = login.world.files

    def returns(rule: "Rule") -> str:
        login.rule = rule
        before = files.steps
        returned = models.get(rule.name, unknown)(rule, login)
        login.work.add(1 + files.steps - before)
        return returned

    for call in calls:
        login.call = call
        before = (one for one in outcomes if one.call == FOLLOWS.get(call))
        outcomes.append(service.run(call, returns, next(before, None)))
        if outcomes[-1].status != "success":
            break
    return Way(
        dict(login.known),
        dict(login.sources),
        tuple(login.asked),
        tuple(outcomes),
        tuple(login.unsure),
        tuple(login.notes),
    )
