"""The machine that is looked over, and what several areas want to know of it, found out once."""

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import pamconf
from doorward import native, pam_checks
from doorward.explained import Explained, explained_or_not, services
from doorward.pam_models import WITH_DOORWARD, asking
from doorward.protection import people
from doorward.protection.people import Person
from pamconf import lint, sshd
from pamconf.accounts import Account
from pamconf.doors import Door, own_door, sshd_doors
from pamconf.errors import PamconfError
from pamconf.known_services import SSHD
from pamconf.login import ORIGIN
from pamconf.models.second_factor import FACT
from pamconf.places import world_of
from pamconf.stack import Rule, Service
from pamconf.tree import Kind

_ANYBODYS = {FACT, ORIGIN}
"""Facts about a login that do not hang on whose it is."""


@dataclass(frozen=True)
class Asking:
    """A service that has the module in its auth rules: each with what it makes of its options."""

    explained: Explained
    rules: tuple[tuple[Rule, native.Options], ...]

    @property
    def name(self) -> str:
        """What the service is called."""
        return self.explained.service.name


@dataclass(frozen=True)
class Host:
    """A machine below a root; "/" is this one. `now` is in Unix time."""

    root: str = "/"
    now: int = field(default_factory=lambda: int(time.time()))

    @property
    def is_this(self) -> bool:
        """Whether it is the machine that this runs on."""
        return self.root == "/"

    @property
    def is_root(self) -> bool:
        """Whether this process sees all that there is."""
        return os.geteuid() == 0

    @cached_property
    def machine(self) -> lint.Machine:
        """The machine as checks look at it."""
        return pam_checks.machine(self.root)

    # --- Services ---

    @cached_property
    def services(self) -> Sequence[Explained]:
        """All services, each with what becomes of logins to it. Raises FileError: there is none."""
        return [explained_or_not(name, self.root, None, None) for name in services(self.root)]

    @cached_property
    def stacks(self) -> Mapping[str, Service]:
        """The services that can be read, by their names. Raises FileError: there is none."""
        found = {}
        for name in services(self.root):
            try:
                found[name] = pamconf.load(name, self.root)
            except PamconfError:  # of which the area of services tells
                continue
        return found

    @cached_property
    def asking(self) -> Sequence[Asking]:
        """The services whose auth rules name the module."""
        explained = {one.service.name: one for one in self.services}
        found = [
            Asking(explained[name], tuple(self._rules(one))) for name, one in self.stacks.items()
        ]
        return [one for one in found if one.rules]

    def _rules(self, one: Service) -> Iterable[tuple[Rule, native.Options]]:
        for rule in asking(one):
            yield rule, native.options(rule.arguments, self.now)

    @cached_property
    def linted(self) -> Sequence[lint.Finding]:
        """What is wrong in the services that can be read."""
        found = lint.without_parts([*self.stacks.values()])
        return lint.lint(found, self.machine, pam_checks.ALL.values())

    # --- Users ---

    @cached_property
    def people(self) -> Sequence[Person]:
        """Those whose shell gives a session, in the order of the passwd database."""
        return people.Machine(self.machine.files).people

    # --- What becomes of somebody ---

    def doors(self, one: Explained, account: Account) -> tuple[Door, ...]:
        """Return the doors that a service has for somebody. Raises PamconfError."""
        answer = self.settings.get(account.name) if one.service.name == SSHD else None
        if answer is None and not _hangs_on_user(one):
            return tuple(entrance.door for entrance in one.entrances)
        whose = account if _hangs_on_user(one) else None
        key = (one.service.name, tuple(sshd.ways(answer.effective)) if answer else (), whose)
        if key not in self._doors:
            world = replace(world_of(one.service, self.machine.names), user=whose)
            if answer:
                found = sshd_doors(one.service, answer.effective, world, WITH_DOORWARD)
            else:
                found = own_door(one.service, world, WITH_DOORWARD)
            self._doors[key] = found
        return self._doors[key]

    @cached_property
    def _doors(self) -> dict[object, tuple[Door, ...]]:
        return {}

    @cached_property
    def settings(self) -> Mapping[str, sshd.Answer]:
        """What sshd's settings are for each user; empty where there is no sshd.

        sshd itself is asked for one of those who come out alike by our own reading of its files.
        Raises PamconfError where they are broken.
        """
        if self.machine.files.kind(sshd.PATH) is Kind.NOTHING:
            return {}
        config = sshd.load(self.machine.files)
        alike: dict[object, sshd.Answer] = {}
        found = {}
        for account in (person.account for person in self.people):
            connection = sshd.Connection(account.name, account)
            ways = tuple(sshd.ways(sshd.effective(config, connection)))
            if ways not in alike:
                alike[ways] = sshd.consult(connection, root=self.root)
            found[account.name] = alike[ways]
        return found


def _hangs_on_user(one: Explained) -> bool:
    """Tell whether a service's rules tell users apart."""
    facts = (fact for entry in one.entrances for row in entry.door.decisions for fact in row.facts)
    return any(fact.name not in _ANYBODYS for fact in facts)
