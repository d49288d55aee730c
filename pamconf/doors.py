"""A service's doors: the ways to come to it, and what becomes of whoever takes one.

sshd has several, of which some ask PAM nothing; every other service has one, PAM's own. What runs
jobs has one too, at which nobody is asked for anything, and what changes passwords has none.

(cron's do_command.c, at's atd.c, systemd's core/execute.c, shadow's passwd.c, chpasswd.c and
newusers.c.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pamconf import sshd
from pamconf.accounts import Account
from pamconf.explain import CALLS, Decision, explain
from pamconf.explore import Model
from pamconf.login import WRONG, World
from pamconf.models import MODELS
from pamconf.models.second_factor import CODE
from pamconf.sshd import Effective, Obstacle, PamAuth, Way

if TYPE_CHECKING:
    from pamconf.stack import Service

KEY = "key"
"""What sshd asks for where somebody logs in by publickey."""

_PROOFS = {
    "publickey": KEY,
    "password": "password",
    "hostbased": "key of the host",
    "gssapi-with-mic": "Kerberos ticket",
    "gssapi-keyex": "Kerberos ticket",
}
"""What sshd asks for by itself."""

_JOBS = ("atd", "cron", "crond", "systemd-user")
"""Services that run something for somebody who is not there: account rules alone count."""

_CHANGERS = ("chpasswd", "newusers", "passwd")
"""Services that only have PAM change passwords."""

SOMEBODY = Account("somebody", 1000, ("somebody",))
"""Stands for whoever may log in, where sshd's settings are for one user or another."""

_CHANGES = "nobody logs in by this: it changes passwords, and PAM's auth rules are not run"
_RUNS_JOBS = "nobody logs in by this: it runs what is due"

_OFF_BY_DEFAULT = ("none", "hostbased", "gssapi-with-mic", "gssapi-keyex")


@dataclass(frozen=True)
class Door:
    """One way to come to a service.

    `name` is sshd's method, or methods; empty for PAM's own door. `asks_pam` says whether the
    service's auth rules are run at all. Where `obstacles` are in the way, nobody gets in by it, and
    there are no `decisions`.
    """

    name: str
    decisions: tuple[Decision, ...]
    asks_pam: bool = True
    obstacles: tuple[Obstacle, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Whether anybody gets in by it."""
        return any(decision.gets_in for decision in self.decisions)


def runs_auth(service: "Service") -> bool:
    """Tell whether a service is there to log somebody in, so that its auth rules are run."""
    return service.name not in (*_CHANGERS, *_JOBS)


def own_door(
    service: "Service", world: World, models: Mapping[str, Model] = MODELS
) -> tuple[Door, ...]:
    """Return the one door of a service that leaves all to PAM."""
    if service.name in _CHANGERS:
        return (Door("", (), asks_pam=False, notes=(_CHANGES,)),)
    if service.name in _JOBS:
        decisions = explain(service, world, models, calls=("account",))
        return (Door("", decisions, asks_pam=False, notes=(_RUNS_JOBS,)),)
    return (Door("", explain(service, world, models)),)


def sshd_doors(
    service: "Service",
    effective: Effective,
    world: World,
    models: Mapping[str, Model] = MODELS,
) -> tuple[Door, ...]:
    """Return sshd's doors for a connection; methods off by default only where they are on."""
    found = (_door(service, way, world, models) for way in sshd.ways(effective))
    return tuple(door for door in found if door.name not in _OFF_BY_DEFAULT or not door.obstacles)


def _door(service: "Service", way: Way, world: World, models: Mapping[str, Model]) -> Door:
    obstacles = (*way.obstacles, *(one for step in way.steps for one in step.obstacles))
    notes = tuple(note for step in way.steps for note in step.notes)
    uses = {step.pam_auth for step in way.steps}
    asks_pam = uses != {PamAuth.UNUSED}
    if obstacles:
        return Door(str(way), (), asks_pam, obstacles, notes)
    made = zip(CALLS, (asks_pam, way.pam_account), strict=True)
    calls = [call for call, is_made in made if is_made]
    fixed: Mapping[str, str] = {}
    if PamAuth.PASSWORD in uses:
        fixed = {CODE: WRONG}
        notes = (*notes, "the password answers every prompt here: no code can be typed")
    proofs = [_PROOFS[step.method] for step in way.steps if step.method in _PROOFS]
    if asks_pam:
        proofs = [one for one in proofs if one != "password"]
    decisions = _explained(service, calls, world, models, fixed)
    return Door(str(way), tuple(_after(proofs, one) for one in decisions), asks_pam, (), notes)


def _explained(
    service: "Service",
    calls: Sequence[str],
    world: World,
    models: Mapping[str, Model],
    fixed: Mapping[str, str],
) -> tuple[Decision, ...]:
    if not calls:
        return (Decision((), (), ((),), None),)
    return explain(service, world, models, calls=calls, fixed=fixed)


def _after(proofs: Sequence[str], decision: Decision) -> Decision:
    """Return a decision to which sshd's own questions have come."""
    return replace(
        decision,
        asked=(*proofs, *decision.asked),
        keys=tuple((*proofs, *key) for key in decision.keys),
    )
