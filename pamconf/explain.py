"""Who is asked what, from where, and gets in or not: the table of a service's decisions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pamconf.explore import Model, Way, ways
from pamconf.login import RIGHT, WRONG, Work, World
from pamconf.models import MODELS

if TYPE_CHECKING:
    from pamconf.stack import Rule, Service

_STEPS_OF_A_FORK = 1 / 4  # as login.Work counts them
_STEPS_OF_A_KEY = 1 / 16

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

    def may_be(self, name: str, phrase: str) -> bool:
        """Tell whether it is about logins of which that is so, as far as the fact matters to it."""
        return all(phrase in fact.phrases for fact in self.facts if fact.name == name)


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
    return table(service, list(ways(service, calls, models, world, fixed)))


def table(service: "Service", found: Sequence[Way]) -> tuple[Decision, ...]:
    """Return the same of all ways that a login can go, found before."""
    keys = _Keys(found, Work(service.name))
    right = (way for way in found if WRONG not in _answers(way).values())
    return _told_apart((_facts(way), _decision(way, keys)) for way in right)


def _answers(way: Way) -> dict[str, str]:
    return {name: value for name, value in way.facts.items() if name in way.asked}


def _facts(way: Way) -> tuple[Fact, ...]:
    return tuple(Fact(name, (value,), way.sources[name]) for name, value in way.about.items())


def _decision(way: Way, keys: "_Keys") -> Decision:
    decided = way.outcome.decided
    return Decision(
        (),
        way.asked,
        keys.of(way),
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


# --- What has to be answered right ---


@dataclass
class _Fork:
    """Where ways that began alike go on by the values of the fact `name`; `way` is at an end."""

    name: str = ""
    branches: "dict[str, _Fork]" = field(default_factory=dict)
    way: Way | None = None


class _Keys:
    """The answers that let in, found in a tree of all ways."""

    def __init__(self, found: Iterable[Way], work: Work) -> None:
        self._work = work
        self._root = _Fork()
        for way in found:
            fork = self._root
            for name, value in way.facts.items():
                fork.name = name
                fork = fork.branches.setdefault(value, _Fork())
            fork.way = way

    def of(self, way: Way) -> tuple[tuple[str, ...], ...]:
        """Return the least sets of right answers that let in somebody of whom the same is true."""
        return self._least(
            {
                tuple(name for name, answer in _answers(other).items() if answer == RIGHT)
                for other in self._ways(way.about)
                if other.gets_in
            }
        )

    def _ways(self, about: Mapping[str, str]) -> Iterator[Way]:
        """Yield the ways of logins of which nothing else is true."""
        forks = [self._root]
        while forks:
            fork = forks.pop()
            self._work.add(_STEPS_OF_A_FORK)
            if fork.way:
                yield fork.way
            elif fork.name in about:
                forks += filter(None, [fork.branches.get(about[fork.name])])
            else:
                forks += fork.branches.values()

    def _least(self, keys: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
        least: list[tuple[tuple[str, ...], frozenset[str]]] = []
        for key in sorted(keys, key=lambda key: (len(key), key)):
            answers = frozenset(key)
            self._work.add(len(least) * _STEPS_OF_A_KEY)
            if not any(other < answers for _, other in least):
                least.append((key, answers))
        return tuple(key for key, _ in least)


# --- Which logins are told apart ---

_Row = tuple[tuple[Fact, ...], Decision]


@dataclass
class _Node:
    """What becomes of logins of which the same is true so far: a decision, or a fact tells more.

    `gist` is the same number where two say the same to somebody who reads them. `branches` are the
    phrases of values that lead to the same, and what that is.
    """

    fact: Fact | None = None
    children: "dict[str, _Node]" = field(default_factory=dict)
    decision: Decision | None = None
    gist: int = 0
    branches: "list[tuple[list[str], _Node]]" = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    refusers: "dict[Rule, None]" = field(default_factory=dict)

    def hangs_on(self) -> Fact:
        """Return the fact of a node that has no decision."""
        assert self.fact is not None  # noqa: S101 - all nodes have one or the other
        return self.fact


def _told_apart(rows: Iterable[_Row]) -> tuple[Decision, ...]:
    """Merge values of facts that lead to the same, and leave out facts that change nothing.

    Rows that begin alike hang on the same fact next. There may be too many for recursion.
    """
    nodes = _tree(rows)
    gists: dict[object, int] = {}
    for node in reversed(nodes):  # so children are done before what they hang on
        if node.decision:
            node.notes = dict.fromkeys(node.decision.notes)
            node.refusers = dict.fromkeys(node.decision.refusers)
        else:
            _merge_branches(node)
        node.gist = gists.setdefault(_gist(node), len(gists))
    return tuple(_decisions(nodes[0]))


def _tree(rows: Iterable[_Row]) -> list[_Node]:
    """Return all nodes, each before those below it."""
    nodes = [_Node()]
    for facts, decision in rows:
        node = nodes[0]
        for fact in facts:
            node.fact = node.fact or fact
            (phrase,) = fact.phrases
            if phrase not in node.children:
                node.children[phrase] = _Node()
                nodes.append(node.children[phrase])
            node = node.children[phrase]
        node.decision = decision
    return nodes


def _merge_branches(node: _Node) -> None:
    merged: dict[int, tuple[list[str], _Node]] = {}
    for phrase, child in node.children.items():
        if child.gist in merged:
            phrases, other = merged[child.gist]
            phrases.append(phrase)
            _add_notes(other, child)
        else:
            merged[child.gist] = ([phrase], child)
    node.branches = [*merged.values()]
    if len(node.branches) == 1:  # the fact changes nothing
        ((_, only),) = node.branches
        node.fact, node.decision, node.branches = only.fact, only.decision, only.branches
        node.notes, node.refusers = only.notes, only.refusers


def _gist(node: _Node) -> object:
    """Return what somebody reads of it, as far as that tells it from others."""
    if one := node.decision:
        return one.asked, one.keys, one.unsure, tuple(map(_place, one.askers))
    fact = node.hangs_on()
    branches = tuple((tuple(phrases), child.gist) for phrases, child in node.branches)
    return fact.name, _place(fact.source), branches


def _place(rule: "Rule | None") -> str | None:
    return rule.place if rule else None


def _add_notes(node: _Node, other: _Node) -> None:
    """Note at each decision of a node what is noted at the same of another one that is alike."""
    pairs = [(node, other)]
    while pairs:
        one, two = pairs.pop()
        one.notes |= two.notes
        one.refusers |= two.refusers
        pairs += [(a, b) for (_, a), (_, b) in zip(one.branches, two.branches, strict=True)]


def _decisions(root: _Node) -> Iterator[Decision]:
    """Yield all that there is below a node, in order."""
    todo: list[tuple[tuple[Fact, ...], _Node]] = [((), root)]
    while todo:
        facts, node = todo.pop()
        if node.decision:
            notes, refusers = tuple(node.notes), tuple(node.refusers)
            yield replace(node.decision, facts=facts, notes=notes, refusers=refusers)
        else:
            fact = node.hangs_on()
            todo += [
                ((*facts, Fact(fact.name, tuple(phrases), fact.source)), child)
                for phrases, child in reversed(node.branches)
            ]
