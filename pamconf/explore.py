"""Every way that a login can go: from facts about it, not from what modules return.

A *model* says of a rule what its module returns, and asks the login for the facts that this hangs
on: is the password right, is there a second factor, does it come from that network. A fact that
nobody has fixed is followed in each of its values, and only where something hangs on it; so there
are as many ways as there are differences, not as many as there are facts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from pamconf.errors import PamconfError
from pamconf.simulate import Outcome
from pamconf.stack import Rule, Service

WAYS_MAX = 4096
"""More ways than this are not followed: nobody could read of them."""

RIGHT, WRONG = "right", "wrong"
YES, NO = "yes", "no"


@dataclass
class Login:
    """What a model may ask, and say, of one login.

    `asked` are the prompts so far, in order. `known` are the facts that something hung on.
    """

    call: str
    fixed: Mapping[str, str]
    asked: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    unsure: list[Rule] = field(default_factory=list)
    _choices: list[tuple[str, ...]] = field(default_factory=list)
    _chosen: list[int] = field(default_factory=list)

    def fact(self, name: str, *values: str) -> str:
        """Return a fact: what was fixed for it, or one of `values`; each of them gets its turn."""
        if name in self.fixed:
            return self.fixed[name]
        if name not in self.known:
            place = len(self._choices)
            self._choices.append(values)
            if place == len(self._chosen):
                self._chosen.append(0)
            self.known[name] = values[self._chosen[place]]
        return self.known[name]

    def ask(self, prompt: str) -> str:
        """Note that somebody is asked for something, once; return whether it is RIGHT or WRONG."""
        if prompt not in self.asked:
            self.asked.append(prompt)
        return self.fact(prompt, RIGHT, WRONG)

    def next(self) -> "Login | None":
        """Return the login to follow after this one, None when all have had their turn."""
        chosen = self._chosen[: len(self._choices)]
        while chosen and chosen[-1] + 1 == len(self._choices[len(chosen) - 1]):
            chosen.pop()
        if not chosen:
            return None
        chosen[-1] += 1
        return Login(self.call, self.fixed, _chosen=chosen)


Model = Callable[[Rule, Login], str]
"""Says what a rule's module returns, one of pamconf.control.RETURNS."""


@dataclass(frozen=True)
class Way:
    """One way that a login can go.

    `facts` are those that something hung on, `asked` is what somebody is asked for, in order.
    `unsure` are the rules whose module nobody has a model of: whether they agree is followed both
    ways.
    """

    facts: Mapping[str, str]
    asked: tuple[str, ...]
    outcome: Outcome
    unsure: tuple[Rule, ...]

    @property
    def gets_in(self) -> bool:
        """Whether this call lets them in."""
        return self.outcome.status == "success"


def permit(_rule: Rule, _login: Login) -> str:
    """Model pam_permit."""
    return "success"


def deny(_rule: Rule, login: Login) -> str:
    """Model pam_deny (modules/pam_deny/pam_deny.c): what it says depends on the call."""
    refusals = {"auth": "auth_err", "account": "auth_err", "setcred": "cred_err"}
    return refusals.get(login.call, "authtok_err" if login.call == "password" else "session_err")


def unknown(rule: Rule, login: Login) -> str:
    """Model a module that nobody has described: it may agree, and it may refuse."""
    login.unsure.append(rule)
    said = login.fact(f"{rule.module} at {rule.place} agrees", YES, NO)
    return "success" if said == YES else deny(rule, login)


MODELS: Mapping[str, Model] = {"pam_permit": permit, "pam_deny": deny}


def ways(
    service: Service,
    call: str,
    models: Mapping[str, Model] = MODELS,
    fixed: Mapping[str, str] | None = None,
) -> Iterator[Way]:
    """Yield every way that a call to a service can go, each with other facts than all before.

    `models` are by the names of modules ("pam_unix"); `fixed` are facts that are known, by their
    names. Raises PamconfError where there are more than WAYS_MAX.
    """
    login: Login | None = Login(call, fixed or {})
    count = 0
    while login is not None:
        count += 1
        if count > WAYS_MAX:
            raise PamconfError(
                f"{service.name}: a login can go more than {WAYS_MAX} ways",
                hint="Say more about the login: who it is, and where they come from.",
            )
        outcome = service.run(call, _Answers(models, login))
        yield Way(dict(login.known), tuple(login.asked), outcome, tuple(login.unsure))
        login = login.next()


@dataclass(frozen=True)
class _Answers:
    """What each rule's module returns in one login."""

    models: Mapping[str, Model]
    login: Login

    def __call__(self, rule: Rule) -> str:
        return self.models.get(rule.name, unknown)(rule, self.login)
