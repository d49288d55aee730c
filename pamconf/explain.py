"""Who is asked what, from where, and gets in or not: the table of a service's decisions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pamconf.explore import Model, Way, ways
from pamconf.login import RIGHT, WRONG, World
from pamconf.models import MODELS

if TYPE_CHECKING:
    from pamconf.stack import Rule, Service

CALLS = ("auth", "account")
"""What a login hangs on; sessions and passwords come after it."""


@dataclass(frozen=True)
class Fact:
    """Something about a login that a decision hangs on, and the rule that it hung on first.

    `phrases` says which of its values lead to the same: ("from 10.0.0.0/8", "from elsewhere").
    """

    name: str
    phrases: tuple[str, ...]
    source: "Rule | None"


@dataclass(frozen=True)
class Decision:
    """What becomes of the logins that all `facts` are true of.

    `asked` is what somebody is asked for who answers all of it right, in order. `keys` are the
    least sets of right answers that let in: none at all where nobody gets in, and an empty one
    where no answer has to be right. `askers` are the rules that ask, each for something new, or
    the one that lets in where none does; `refusers` those that refuse, one or the other of them
    where a row is about several logins.
    `decided` is the rule that refuses, or lets in last. `unsure` are rules whose module nobody has
    a model of, `notes` what to know beside.
    """

    facts: tuple[Fact, ...]
    asked: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    decided: "Rule | None"
    problem: str | None = None
    unsure: "tuple[Rule, ...]" = ()
    notes: tuple[str, ...] = ()
    askers: "tuple[Rule, ...]" = ()
    refusers: "tuple[Rule, ...]" = ()

    @property
    def gets_in(self) -> bool:
        """Whether somebody who answers all of it right gets in."""
        return bool(self.keys)

    @property
    def is_open(self) -> bool:
        """Whether somebody gets in who has no right answer at all."""
        return () in self.keys

    @property
    def because(self) -> "tuple[Rule, ...]":
        """The rules that this comes from: what facts hang on, or else who asks; and who refuses."""
        rules = [fact.source for fact in self.facts] or [*self.askers]
        if not self.gets_in:
            rules += self.refusers
        return tuple(dict.fromkeys(rule for rule in rules if rule))


def explain(
    service: "Service",
    world: World | None = None,
    models: Mapping[str, Model] = MODELS,
    *,
    calls: Sequence[str] = CALLS,
    fixed: Mapping[str, str] | None = None,
) -> tuple[Decision, ...]:
    """Return what becomes of every login to a service, told apart only by what makes a difference.

    `calls` and `fixed` are as in explore.ways. Raises PamconfError where a login can go too many
    ways.
    """
    found = list(ways(service, calls, models, world, fixed))
    right = [way for way in found if WRONG not in _answers(way).values()]
    rows = _told_apart([(_facts(way), _decision(way, found)) for way in right])
    return tuple(replace(decision, facts=facts) for facts, decision in rows)


def _answers(way: Way) -> dict[str, str]:
    return {name: value for name, value in way.facts.items() if name in way.asked}


def _facts(way: Way) -> tuple[Fact, ...]:
    return tuple(
        Fact(name, (value,), way.sources[name])
        for name, value in way.facts.items()
        if name not in way.asked
    )


def _decision(way: Way, found: Iterable[Way]) -> Decision:
    decided = way.outcome.decided
    return Decision(
        (),
        way.asked,
        _keys(way, found),
        decided.rule if decided else None,
        way.outcome.problem,
        way.unsure,
        way.notes,
        _askers(way),
        (decided.rule,) if decided and not way.gets_in else (),
    )


def _askers(way: Way) -> "tuple[Rule, ...]":
    asking = [way.sources.get(name) for name in way.asked]
    found = dict.fromkeys(rule for rule in asking if rule)
    auth = [one.decided.rule for one in way.outcomes if one.call == "auth" and one.decided]
    return tuple(found) or (tuple(auth) if way.gets_in else ())


def _keys(way: Way, found: Iterable[Way]) -> tuple[tuple[str, ...], ...]:
    """Return the least sets of right answers that let in somebody of whom the same is true."""
    about = {fact.name: fact.phrases for fact in _facts(way)}
    keys = {
        tuple(name for name, answer in _answers(other).items() if answer == RIGHT)
        for other in found
        if other.gets_in
        and all(about.get(fact.name, fact.phrases) == fact.phrases for fact in _facts(other))
    }
    least = [key for key in keys if not any(set(other) < set(key) for other in keys)]
    return tuple(sorted(least, key=lambda key: (len(key), key)))


_Row = tuple[tuple[Fact, ...], Decision]


def _told_apart(rows: list[_Row]) -> list[_Row]:
    """Merge values of facts that lead to the same, and leave out facts that change nothing.

    All rows hang on the same fact first, as those do that begin alike.
    """
    if not rows[0][0]:
        return rows[:1]
    branches: dict[str, list[_Row]] = {}
    for facts, decision in rows:
        branches.setdefault(facts[0].phrases[0], []).append((facts[1:], decision))
    merged: list[tuple[tuple[str, ...], list[_Row]]] = []
    for phrase, inside in branches.items():
        result = _told_apart(inside)
        at = next((at for at, (_, other) in enumerate(merged) if _same(other, result)), None)
        if at is None:
            merged.append(((phrase,), result))
        else:
            phrases, other = merged[at]
            merged[at] = ((*phrases, phrase), list(map(_with_notes_of, other, result)))
    if len(merged) == 1:
        return merged[0][1]
    first = rows[0][0][0]
    return [
        ((Fact(first.name, phrases, first.source), *facts), decision)
        for phrases, result in merged
        for facts, decision in result
    ]


def _same(rows: list[_Row], others: list[_Row]) -> bool:
    """Tell whether two tables say the same to somebody who reads them."""
    return list(map(_gist, rows)) == list(map(_gist, others))


def _gist(row: _Row) -> object:
    facts, decision = row
    about = [(fact.name, fact.phrases, _place(fact.source)) for fact in facts]
    askers = [_place(rule) for rule in decision.askers]
    return about, decision.asked, decision.keys, decision.unsure, askers


def _place(rule: "Rule | None") -> str | None:
    return rule.place if rule else None


def _with_notes_of(row: _Row, other: _Row) -> _Row:
    facts, decision = row
    notes = tuple(dict.fromkeys((*decision.notes, *other[1].notes)))
    refusers = tuple(dict.fromkeys((*decision.refusers, *other[1].refusers)))
    return facts, replace(decision, notes=notes, refusers=refusers)
