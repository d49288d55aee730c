"""What a change does to those who log in: who gets in now and would not, and who is asked what.

What somebody can answer with is looked up: their password, keys and secret file. What else decides
about a login, such as the time of the day, is not known: who gets in at some time gets in.
"""

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pamconf
from doorward.explained import Explained, explained_as_loaded
from doorward.pam_models import GOOGLE, NAME
from doorward.protection.people import Enrolment, Machine, Person, Secret, secrets
from pamconf.doors import KEY
from pamconf.explain import Decision
from pamconf.known_services import needs
from pamconf.login import ORIGIN
from pamconf.models.passwords import PASSWORD
from pamconf.models.second_factor import (
    CODE,
    CODES,
    ENROLLED,
    FACT,
    NOT_ENROLLED,
    PASSWORD_AND_CODE,
)
from pamconf.tree import Tree

_ANYWHERE = ""


class Fate(enum.Enum):
    """What becomes of somebody at a service."""

    CODE = "asked for a code"
    WITHOUT = "in without a code"
    REFUSED = "refused"


@dataclass(frozen=True)
class Effect:
    """What becomes of a person at a service after a change.

    `lost` are the places that they get in from now and would not after it, "" for anywhere; then
    `lacks` are the answers that they do not have, none where there is no way at all.
    `gained` are the answers by which they would get in then, and do not now: another way in than
    the one that a code was added to.
    `was` and `fate` are what becomes of them now and then, `enrolment` is theirs then, None where
    no code is asked for; `problem` says what is wrong with their secret file, if anything is.
    """

    person: Person
    service: str
    was: Fate
    fate: Fate
    lost: tuple[str, ...]
    enrolment: Enrolment | None
    problem: str = ""
    lacks: tuple[str, ...] = ()
    gained: tuple[str, ...] | None = None

    @property
    def lacks_code(self) -> bool:
        """Whether a code is among what they do not have."""
        return bool(CODES & {*self.lacks})


def effects(machine: Machine, after: Tree, names: Sequence[str]) -> Iterator[Effect]:
    """Yield what becomes of everybody at each service; `after` is the changed machine."""
    for name in names:
        now, then = (_Service(name, tree) for tree in (machine.tree, after))
        for person in machine.people:
            yield _effect(person, now, then)


def fates(machine: Machine, tree: Tree, name: str) -> Iterator[tuple[str, Fate]]:
    """Yield everybody's name, and what becomes of them at a service, as a tree has it."""
    service = _Service(name, tree)
    for person in machine.people:
        yield person.name, _fate(_ways(service.of(person), service.hand(person)))


class _Service:
    """A service on one side of a change."""

    def __init__(self, name: str, tree: Tree) -> None:
        self.name = name
        self.loaded = pamconf.load(name, tree)
        self.secret: Secret | None = next(secrets(self.loaded, {NAME, GOOGLE}), None)

    def of(self, person: Person) -> Explained:
        return explained_as_loaded(self.loaded, person.account)

    def hand(self, person: Person) -> "_Hand":
        needed = needs(self.name)
        if self.secret and not self.secret.is_at_home and needed.runs_as_user:
            problem = f"{self.name} runs as who uses it, and cannot read root's secrets"
            return _Hand(person, Enrolment.BROKEN, problem, needed.has_prompts)
        return _Hand(person, *person.enrolment(self.secret), needed.has_prompts)


def _effect(person: Person, now: _Service, then: _Service) -> Effect:
    hand, told, told_now = then.hand(person), then.of(person), now.of(person)
    before, after = _ways(told_now, now.hand(person)), _ways(told, hand)
    places = sorted({*before, *after} - {_ANYWHERE}) or [_ANYWHERE]
    lost = [one for one in places if _at(before, one) and not _at(after, one)]
    return Effect(
        person,
        then.name,
        _fate(before),
        _fate(after),
        (_ANYWHERE,) if lost == places else tuple(lost),
        hand.enrolment,
        hand.problem,
        _lacking(told, hand) if lost else (),
        _gained(told_now, told, hand),
    )


def _lacking(one: Explained, has: "_Hand") -> tuple[str, ...]:
    """Return the fewest answers that somebody lacks, for a way in that there is; a key last."""
    lacks = filter(None, (has.lacks(key) for decision in _decisions(one) for key in decision.keys))
    return min(lacks, key=lambda one: (KEY in one, len(one)), default=())


def _gained(now: Explained, then: Explained, has: "_Hand") -> tuple[str, ...] | None:
    """Return the fewest answers that let them in then, and for which no fewer do now, codes aside.

    So it is with a password where sshd took keys alone. None where there is no such way.
    """
    known = [_without_code(key) for decision in _decisions(now) for key in decision.keys]
    theirs = (decision for decision in _decisions(then) if has.is_about(decision))
    keys = (key for decision in theirs for key in decision.keys if not has.lacks(key))
    new = (key for key in keys if not any(one <= _without_code(key) for one in known))
    return min(new, key=len, default=None)


def _without_code(key: tuple[str, ...]) -> set[str]:
    return {PASSWORD if one == PASSWORD_AND_CODE else one for one in key} - {CODE}


def _decisions(one: Explained) -> Iterator[Decision]:
    for entrance in one.entrances:
        yield from entrance.door.decisions


def _fate(by_place: Mapping[str, Sequence[Decision]]) -> Fate:
    found = [way for ways in by_place.values() for way in ways]
    if not found:
        return Fate.REFUSED
    is_asked = any(CODES & {*one.asked} for one in found)
    return Fate.CODE if is_asked else Fate.WITHOUT


def _at(ways: Mapping[str, Sequence[Decision]], place: str) -> bool:
    return bool(ways.get(place) or ways.get(_ANYWHERE))


def _ways(one: Explained, has: "_Hand") -> dict[str, list[Decision]]:
    """Return the decisions by which somebody gets in, by the places that they are about."""
    found: dict[str, list[Decision]] = {}
    for entrance in one.entrances:
        for decision in entrance.door.decisions:
            places = next((f.phrases for f in decision.facts if f.name == ORIGIN), (_ANYWHERE,))
            for place in places:
                found.setdefault(place, [])
                if has.enough_for(decision):
                    found[place].append(decision)
    return found


@dataclass(frozen=True)
class _Hand:
    """What somebody can answer with at a service; `problem` is what is wrong with their secret.

    Without `has_prompts`, the service shows a field for the password and nothing else.
    """

    person: Person
    enrolment: Enrolment | None
    problem: str
    has_prompts: bool

    def enough_for(self, decision: Decision) -> bool:
        """Tell whether they get in by a decision."""
        return self.is_about(decision) and any(not self.lacks(key) for key in decision.keys)

    def lacks(self, key: tuple[str, ...]) -> tuple[str, ...]:
        """Return the answers that they do not have."""
        return tuple(answer for answer in key if not self._has(answer))

    def is_about(self, decision: Decision) -> bool:
        """Tell whether a decision can be about them."""
        if self.enrolment is None:  # it is some other second factor that is meant
            return True
        phrase = NOT_ENROLLED if self.enrolment is Enrolment.NO else ENROLLED
        return decision.may_be(FACT, phrase)

    def _has(self, answer: str) -> bool:
        is_enrolled = self.enrolment in {Enrolment.YES, None}
        if answer == PASSWORD:
            return self.person.has_password
        if answer == CODE:
            return is_enrolled and self.has_prompts
        if answer == PASSWORD_AND_CODE:
            return is_enrolled and self.person.has_password
        return self.person.has_key if answer == KEY else True
