"""Attempts to log in, and what `doorward pam explain` foretells of them.

The same ones are made at every door.
"""

import json
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from demo.person import Person
from demo.process import output_of

PASSWORD, CODE = "password", "code"


@dataclass(frozen=True)
class Attempt:
    """What somebody answers rightly, whether they are enrolled, and the module's options."""

    right: AbstractSet[str]
    enrolled: bool = True
    options: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """Whether they are enrolled, in the words of `pam explain`."""
        return "enrolled" if self.enrolled else "not enrolled"

    def answers(self, person: Person) -> list[str]:
        """Return their answers to the prompts, in order; enrol them if they should be."""
        password = person.password if PASSWORD in self.right else "not it"
        if not self.enrolled:
            return [password, "123456"]
        person.enrol()
        return [password, person.code() if CODE in self.right else person.wrong_code()]


ATTEMPTS = {
    "password and code": Attempt({PASSWORD, CODE}),
    "wrong code": Attempt({PASSWORD}),
    "wrong password": Attempt({CODE}),
    "wrong code, nullok": Attempt({PASSWORD}, options=("nullok",)),
    "not enrolled": Attempt({PASSWORD}, enrolled=False),
    "not enrolled, nullok": Attempt({PASSWORD}, enrolled=False, options=("nullok",)),
    "not enrolled, nullok, wrong password": Attempt(set(), enrolled=False, options=("nullok",)),
}


@dataclass(frozen=True)
class Forecast:
    """What somebody will be asked at a service, and which sets of right answers let them in."""

    asked: Sequence[str]
    enough: Sequence[Collection[str]]

    def holds(self, attempt: Attempt, asked: Sequence[str], *, let_in: bool) -> bool:
        """Tell whether it was like that: who has given a wrong answer need not be asked for all."""
        to_be_asked = self.asked if PASSWORD in attempt.right else self.asked[: len(asked)]
        expected = any(attempt.right >= set(answers) for answers in self.enough)
        return (asked, let_in) == (to_be_asked, expected)


def forecast(service: str, user: str, *facts: str) -> Forecast:
    """Ask `doorward pam explain` for somebody of whom these facts hold, in its words."""
    told = json.loads(output_of("doorward", "pam", "explain", service, "--user", user, "--json"))
    (explained,) = told["services"]
    (door,) = explained["doors"]
    (decision,) = (
        decision
        for decision in door["decisions"]
        if all(set(phrases) & set(facts) for phrases in decision["who"].values())
    )
    return Forecast(decision["asked"], decision["enough"])
