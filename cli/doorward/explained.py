"""A service with all that becomes of logins to it: what `doorward pam explain` has to show."""

import enum
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import pamconf
from doorward.errors import FileError, NonsenseError
from doorward.names import names_of
from doorward.pam_models import WITH_DOORWARD
from pamconf import PamconfError, Service, accounts, sshd
from pamconf.access_who import Origin
from pamconf.accounts import Account
from pamconf.doors import SOMEBODY, Door, own_door, sshd_doors
from pamconf.known_services import SSHD
from pamconf.login import World
from pamconf.nearest import meant
from pamconf.places import world_of
from pamconf.sentences import FOLDER, Strength, sentences, strength
from pamconf.tree import Kind, Root

_ROOT, _OTHERS = "root", "others"
_USER_ROOT = "user root"
"""The fact whether it is root (Login.user_is)."""


class Factor(enum.Enum):
    """Whom a service asks for a second factor."""

    ALL = "from everybody"
    SOME = "from some, or by some ways"
    NONE = "from nobody: one answer will do"
    UNASKED = "from nobody: nothing is asked"
    SHUT = "nobody gets in"
    NO_LOGIN = "nobody logs in by it"
    UNKNOWN = "could not be followed"


class Entrance(NamedTuple):
    """A door, and whose it is: "root", "others", or everybody's where that is empty."""

    door: Door
    whose: str = ""


@dataclass(frozen=True)
class Explained:
    """A service and its doors; `problem` says why there are none, if it could not be followed."""

    service: Service
    entrances: tuple[Entrance, ...]
    warnings: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def factor(self) -> Factor:
        """Whom it asks for a second factor."""
        if self.problem:
            return Factor.UNKNOWN
        if not any(one.door.asks_pam or one.door.name for one in self.entrances):
            return Factor.NO_LOGIN
        found = {strength(one) for entry in self.entrances for one in entry.door.decisions}
        found -= {Strength.REFUSED}
        if Strength.TWO in found:
            return Factor.ALL if len(found) == 1 else Factor.SOME
        if Strength.ONE in found:
            return Factor.NONE
        return Factor.UNASKED if found else Factor.SHUT


def explained(name: str, root: Root, account: Account | None, rhost: str | None) -> Explained:
    """Find out what becomes of logins to a service, by an account or anybody, from somewhere."""
    return explained_as_loaded(pamconf.load(name, root), account, rhost)


def explained_as_loaded(
    service: Service, account: Account | None, rhost: str | None = None
) -> Explained:
    """Find out the same of a service that has been loaded: it may be asked about many accounts."""
    world = world_of(service, names_of(service.root), account)
    if rhost:
        world = replace(world, places=_place(service, rhost))
    if service.name != SSHD or world.files.kind(sshd.PATH) is Kind.NOTHING:
        doors = own_door(service, world, WITH_DOORWARD)
        return Explained(service, tuple(Entrance(door) for door in doors), _unknown(service))
    theirs, warnings = _sshd(service, world, account or SOMEBODY, rhost)
    if account:
        return Explained(service, tuple(Entrance(door) for door in theirs), warnings)
    entrances = tuple(_beside_root(service, world, theirs, rhost))
    return Explained(service, entrances, (*warnings, *_unmatched(world, rhost)))


def services(root: Root) -> list[str]:
    """Return the services of a machine. Raises FileError where there are none."""
    found = pamconf.services(root, parts=False)
    if not found:
        raise FileError(f"there are no services below {root}", hint="Is that the right folder?")
    return found


def load_named(name: str, root: Root, otherwise: str) -> Service:
    """Return a service that has a file of its own, which somebody has named.

    Raises NonsenseError where it has none, with `otherwise` behind "there is no service 'name'".
    """
    service = pamconf.load(name, root)
    if service.path is None:
        raise NonsenseError(
            f"there is no service {name!r}{otherwise}",
            hint=meant(name, services(root)) or f"'ls {FOLDER.rstrip('/')}' lists the services.",
        )
    return service


def explained_or_not(
    name: str, root: Root, account: Account | None, rhost: str | None
) -> Explained:
    """Find it out as far as that can be done: one service must not hide all others."""
    try:
        return explained(name, root, account, rhost)
    except PamconfError as error:
        nothing = Service(name, None, {})
        return Explained(nothing, (), problem=str(error).partition("\n")[0])


def told(one: Explained) -> Iterator[str]:
    """Yield what becomes of logins to a service, in sentences that are indented to be shown."""
    for name, entrances in by_name(one):
        yield from _sentences(name, entrances)


def by_name(one: Explained) -> Iterator[tuple[str, list[Entrance]]]:
    """Yield the doors of one name together: root's, and others'."""
    for name, entrances in itertools.groupby(one.entrances, lambda one: one.door.name):
        yield name, list(entrances)


def _sentences(name: str, entrances: Sequence[Entrance]) -> Iterator[str]:
    """Yield what is said of the doors of one name, which stands above where there is much."""
    told = [one for door, whose in entrances for one in sentences(door, whose)]
    if not name or len(told) == 1:
        yield from (f"  {one}" for one in told)
        return
    yield f"  By {name}:"
    for door, whose in entrances:
        for one in sentences(replace(door, name=""), whose):
            yield f"    {one}"


def _unknown(service: Service) -> tuple[str, ...]:
    """Say that there is no such service, if there is none."""
    if service.path:
        return ()
    return (f"there is no service '{service.name}': libpam goes by the rules of 'other'",)


def _place(service: Service, rhost: str) -> Mapping[str, Origin]:
    terminal = "ssh" if service.name == SSHD else None
    return {f"from {rhost}": Origin(rhost, terminal, service.name)}


def _sshd(
    service: Service, world: World, account: Account, rhost: str | None
) -> tuple[tuple[Door, ...], tuple[str, ...]]:
    """Return sshd's doors for an account, and what its settings made us warn of."""
    answer = _settings(world, account, rhost)
    return sshd_doors(service, answer.effective, world, WITH_DOORWARD), answer.warnings


def _settings(world: World, account: Account, rhost: str | None) -> sshd.Answer:
    connection = sshd.Connection(account.name, account, rhost)
    return sshd.consult(connection, root=world.root)


def _beside_root(
    service: Service, world: World, theirs: tuple[Door, ...], rhost: str | None
) -> Iterator[Entrance]:
    """Yield everybody's doors, and root's before them where sshd has something else for root."""
    root = accounts.find(_ROOT, world.root) or Account(_ROOT, 0, (_ROOT,))
    others = {door.name: door for door in theirs}
    settings = _settings(world, root, rhost).effective
    of_root = replace(world, user=root)
    alike, known = (
        {door.name: door for door in sshd_doors(service, settings, one, WITH_DOORWARD)}
        for one in (world, of_root)
    )
    for name in dict.fromkeys((*others, *alike)):
        theirs_too = name in others and name in alike
        if theirs_too and _is_alike(others[name], alike[name]):
            yield Entrance(others[name])
            continue
        if name in known:
            yield Entrance(known[name], _ROOT)
        if name in others:
            yield Entrance(_without_root(others[name]), _OTHERS)


def _is_alike(door: Door, other: Door) -> bool:
    """Tell whether the same happens at two doors; both may be shut for reasons of their own."""
    return door == other or bool(door.obstacles and other.obstacles)


def _without_root(door: Door) -> Door:
    """Return a door without what is said of root alone, and of others as such."""
    decisions = [
        replace(one, facts=tuple(fact for fact in one.facts if fact.name != _USER_ROOT))
        for one in door.decisions
        if not any(fact.name == _USER_ROOT and fact.phrases == (_ROOT,) for fact in one.facts)
    ]
    return replace(door, decisions=tuple(decisions))


def _unmatched(world: World, rhost: str | None) -> Iterator[str]:
    """Say which of sshd's Match lines may make a difference to somebody who is not named."""
    try:
        nodes = [*sshd.nodes(sshd.load(world.files))]
    except PamconfError:  # sshd takes what our reader does not, and that has been warned of
        return
    for node in nodes:
        names = {one.name for one in node.criteria}
        by_user = names & {"user", "group"} or node.line.keyword.lower() in _LISTS
        by_origin = not rhost and names & {"address", "host"}
        wanted = [option for option, is_so in (("--user", by_user), ("--from", by_origin)) if is_so]
        if wanted:
            told = " ".join(node.line.text.split())
            place = f"{node.line.path}:{node.line.number}"
            yield f"'{told}' ({place}) may change this: ask with {' and '.join(wanted)}"


_LISTS = {keyword.lower() for keyword in sshd.LISTS}
