"""A change of login files before it is made: which files, which logins, whose."""

import difflib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pamconf
from doorward.explained import explained, services, told
from doorward.protection.changes import Changes
from doorward.protection.effects import Effect, Fate, effects
from doorward.protection.people import Enrolment, Machine
from pamconf.doors import runs_auth
from pamconf.lines import text_of
from pamconf.stack import Service
from pamconf.tree import Tree


@dataclass(frozen=True)
class Plan:
    """A change of a machine's files, for some services."""

    tree: Tree
    named: tuple[str, ...]
    changes: Changes

    @cached_property
    def services(self) -> tuple[str, ...]:
        """The services that were named, and all others whose logins go by a file that changes."""
        others = (
            name
            for name in services(self.tree)
            if name not in self.named
            for service in [pamconf.load(name, self.after)]
            if runs_auth(service) and self._changes_for(service)
        )
        return (*self.named, *others)

    def _changes_for(self, service: Service) -> bool:
        """Tell whether a service goes by a file that changes, maybe by a link to it."""
        files = {*map(self.tree.real, self.changes)} & {*map(self.tree.real, service.files)}
        return bool(files or {*self.changes} & {*_access_files(service)})

    @cached_property
    def read(self) -> Changes:
        """What is in the files that will be other, as it was first looked at, and shown."""
        return {path: self.tree.find(path) for path in self.changes}

    @cached_property
    def after(self) -> Tree:
        """The machine once it is changed."""
        return self.tree.changed(self.changes)

    @cached_property
    def machine(self) -> Machine:
        """Its accounts."""
        return Machine(self.tree)

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """What becomes of everybody at the services."""
        return tuple(effects(self.machine, self.after, self.services))

    def diff(self) -> Iterator[str]:
        """Yield the lines of a unified diff, without line ends."""
        for path, content in self.changes.items():
            sides = (self.read[path], content)
            before, after = (text_of(one or b"").splitlines() for one in sides)
            old, new = (os.devnull if one is None else path for one in sides)
            yield from difflib.unified_diff(before, after, old, new, lineterm="")

    def table(self) -> Iterator[tuple[str, list[str], list[str]]]:
        """Yield for each service what becomes of its logins now, and then, in sentences."""
        for name in self.services:
            now, then = (explained(name, tree, None, None) for tree in (self.tree, self.after))
            if name in self.named or [*told(now)] != [*told(then)]:
                yield name, [*told(now)], [*told(then)]

    def people(self) -> Iterator[tuple[str, str, list[str]]]:
        """Yield for each service what becomes of whom; of those not named, where it is other."""
        for name in self.services:
            kinds: dict[str, list[str]] = {}
            for one in self.effects:
                if one.service == name and (name in self.named or one.was is not one.fate):
                    kinds.setdefault(_kind(one), []).append(one.person.name)
            for kind, names in kinds.items():
                yield name, kind, names


def _access_files(service: Service) -> Iterator[str]:
    for rule in service.rules("auth"):
        for argument in rule.arguments:
            if argument.startswith("accessfile="):
                yield argument.partition("=")[2]


def _kind(one: Effect) -> str:
    """Return what becomes of somebody, and why if it is not as it should be."""
    if one.fate is one.was is Fate.REFUSED:
        return "does not get in, as before"
    if one.enrolment is None or (one.fate is Fate.CODE and one.enrolment is not Enrolment.YES):
        return one.fate.value
    return f"{one.enrolment.value}, {one.fate.value}"
