"""What checks look at: one service of a machine, with what is found out about it once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from pamconf import loading, sshd
from pamconf.access_who import Origin
from pamconf.doors import SOMEBODY, Door, runs_auth, sshd_doors
from pamconf.errors import PamconfError
from pamconf.explain import CALLS, table
from pamconf.explore import Way, ways
from pamconf.lines import TYPES
from pamconf.lint.finding import Place
from pamconf.lint.machine import Machine
from pamconf.login import WRONG, World
from pamconf.places import world_of
from pamconf.sshd import Answer, Connection, Effective
from pamconf.stack import Rule, Service
from pamconf.tree import Kind

SSHD = "sshd"
EVERYBODY = "who logs in"
"""Whose a connection is that no Match line is about."""


@dataclass(frozen=True)
class Connected:
    """Somebody's connection to sshd: what counts for it, and the doors that it has then.

    `whose` says which connections it stands for, `place` is the Match line that is about them.
    """

    whose: str
    effective: Effective
    doors: tuple[Door, ...]
    place: Place | None = None


@dataclass(frozen=True)
class Subject:
    """One service, and what becomes of logins to it.

    `loaded` is what came of loading modules, by their paths; empty where that cannot be tried.
    """

    service: Service
    machine: Machine
    loaded: Mapping[str, loading.Loaded] = field(default_factory=dict)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of all types."""
        return tuple(rule for type_ in TYPES for rule in self.service.rules(type_))

    @cached_property
    def called(self) -> tuple[Rule, ...]:
        """Those that call a module."""
        return tuple(rule for rule in self.rules if not rule.fault and not rule.enters)

    @cached_property
    def modules(self) -> Mapping[str, Rule]:
        """The modules' files that there are, by their paths, each with the first rule it is for."""
        found: dict[str, Rule] = {}
        for rule in self.called if self.machine.folders else ():
            path = self.machine.module_path(rule)
            if path:
                found.setdefault(path, rule)
        return found

    @cached_property
    def second_factors(self) -> tuple[Rule, ...]:
        """The auth rules that ask for a second factor."""
        auth = self.service.rules("auth")
        return tuple(rule for rule in auth if rule.name in self.machine.second_factors)

    # --- What becomes of logins ---

    @cached_property
    def world(self) -> World:
        """The machine, with the places that this service's rules tell apart."""
        return world_of(self.service, self.machine.names)

    @property
    def ways(self) -> tuple[Way, ...]:
        """Every way that a login can go; none where auth rules are not run, or it is too much."""
        return self._followed[0]

    @property
    def doors(self) -> tuple[Door, ...]:
        """The doors to the service; none where it is too much to follow."""
        return self._followed[1]

    @cached_property
    def entrances(self) -> tuple[tuple[str, Door], ...]:
        """The doors, and for whom each is; sshd's are those of each kind of connection."""
        if not self.connections:
            return tuple(("", door) for door in self.doors)
        return tuple((one.whose, door) for one in self.connections for door in one.doors)

    @property
    def too_much(self) -> PamconfError | None:
        """Why it was not found out what becomes of logins, if it was not."""
        return self._followed[2]

    @cached_property
    def right_ways(self) -> tuple[Way, ...]:
        """The ways of those who answer all of it right."""
        return tuple(way for way in self.ways if WRONG not in way.facts.values())

    @cached_property
    def _followed(self) -> tuple[tuple[Way, ...], tuple[Door, ...], PamconfError | None]:
        if not runs_auth(self.service):
            return (), (), None
        models = self.machine.models
        try:
            found = tuple(ways(self.service, CALLS, models, self.world))
            if self.sshd is None:
                doors: tuple[Door, ...] = (Door("", table(self.service, found)),)
            else:
                doors = self._sshd_doors(self.sshd.effective)
        except PamconfError as error:
            return (), (), error
        return found, doors, None

    # --- sshd's own settings ---

    @property
    def sshd(self) -> Answer | None:
        """What counts for somebody's connection; None for another service, or where it fails."""
        return self._sshd[0]

    @property
    def sshd_problem(self) -> PamconfError | None:
        """Why sshd's settings are not known, if they are not."""
        return self._sshd[1]

    @cached_property
    def _sshd(self) -> tuple[Answer | None, PamconfError | None]:
        if self.service.name != SSHD or self.machine.files.kind(sshd.PATH) is Kind.NOTHING:
            return None, None
        try:
            connection = Connection(SOMEBODY.name, SOMEBODY)
            return sshd.consult(connection, root=self.machine.root), None
        except PamconfError as error:
            return None, error

    @cached_property
    def sshd_files(self) -> tuple[str, ...]:
        """The files of sshd's settings, as far as they can be read."""
        if self.service.name != SSHD:
            return ()
        try:
            config = sshd.load(self.machine.files)
        except PamconfError:
            return ()
        included = (file for node in sshd.nodes(config) for file in node.files)
        return tuple(dict.fromkeys((config.path, *(file.path for file in included))))

    @cached_property
    def connections(self) -> tuple[Connected, ...]:
        """Somebody's connection, root's, and one for each Match line; none where it is not sshd."""
        if self.sshd is None or self.too_much:
            return ()
        root, files = self.machine.root, self.machine.files
        found: list[tuple[str, Effective, Place | None]] = [(EVERYBODY, self.sshd.effective, None)]
        try:
            config = sshd.load(files)
            of_root = sshd.connect("root", root=root)
            if of_root.account:
                found.append(("root", sshd.effective(config, of_root), None))
            for connection, node in sshd.samples(config, self.sshd.effective.connection):
                whose = f"whom '{' '.join(node.line.text.split())}' is about"
                place = Place(node.line.path, node.line.number)
                found.append((whose, sshd.effective(config, connection), place))
        except PamconfError:  # sshd takes what our reader does not: it is the one to believe
            pass
        return tuple(
            Connected(whose, effective, self._sshd_doors(effective, whose != EVERYBODY), place)
            for whose, effective, place in found
        )

    def _sshd_doors(self, effective: Effective, is_known: bool = False) -> tuple[Door, ...]:
        """Return the doors of a connection; if it `is_known`, of its user, from its address."""
        world, connection = self.world, effective.connection
        if is_known:
            places = self.world.places
            if connection.address:
                origin = Origin(connection.address, "ssh", self.service.name)
                places = {f"from {connection.address}": origin}
            world = replace(self.world, user=connection.account, places=places)
        key = tuple(sshd.ways(effective)), world.user, tuple(world.places)
        if key not in self._doors_known:
            doors = sshd_doors(self.service, effective, world, self.machine.models)
            self._doors_known[key] = doors
        return self._doors_known[key]

    @cached_property
    def _doors_known(self) -> dict[object, tuple[Door, ...]]:
        return {}
