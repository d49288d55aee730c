"""Who is enrolled, whose secret file a login would refuse, and who is locked out without one."""

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from doorward.doctor.finding import Finding, Status
from doorward.doctor.host import Asking, Host
from doorward.enrolment.inspection import Inspection
from doorward.enrolment.places import HOME, SYSTEM, place_switch
from doorward.native import Options
from doorward.protection.people import Person, Secret
from pamconf import sentences
from pamconf.accounts import Account
from pamconf.doors import Door
from pamconf.errors import PamconfError
from pamconf.models.passwords import PASSWORD
from pamconf.models.second_factor import CODES, ENROLLED, FACT, NOT_ENROLLED
from pamconf.stack import Rule

_DAYS_BEFORE = 14
_DAY = 86_400


@dataclass(frozen=True)
class _Place:
    """Where the secrets of some services are."""

    secret: Secret
    services: tuple[Asking, ...]

    @property
    def template(self) -> str:
        """Where that is, as secret= says it."""
        return self.secret.template


@dataclass(frozen=True)
class _Looked:
    """Somebody, and what their secret file of a place is like."""

    person: Person
    found: Inspection


def look(host: Host) -> Iterator[Finding]:
    """Say of each user whether they are enrolled where services look, and what comes of it."""
    if not host.is_this:
        yield Finding(Status.NOTE, "", "who is enrolled is not looked at below another root")
        return
    for place in _places(host):
        people = [_Looked(person, person.inspect(place.secret)) for person in _seen(host)]
        for one in people:
            yield from _about(one, place, host)
        for service in place.services:
            yield from _nobody(service, people, host)
        yield from _days(place, people, host)
    if not host.is_root:
        what = "whether others are enrolled cannot be seen"
        yield Finding(Status.UNSEEN, "", what, "Run this as root.", topic="others")


def _places(host: Host) -> Iterator[_Place]:
    """Yield the places that services name; where none does, those that there are by themselves."""
    services: dict[Secret, dict[str, Asking]] = {}
    for one in host.asking:
        for secret in filter(None, (Secret.of(options) for _, options in one.rules)):
            services.setdefault(secret, {})[one.name] = one
    if not services:
        services = {Secret(HOME): {}}
        if host.is_root and Path(SYSTEM).parent.is_dir():
            services[Secret(SYSTEM)] = {}
    for secret, by in services.items():
        yield _Place(secret, tuple(by.values()))


def _seen(host: Host) -> Sequence[Person]:
    """Return whose files this process may look at."""
    return [one for one in host.people if os.geteuid() in (0, one.account.uid)]


# --- One of them ---


def _about(one: _Looked, place: _Place, host: Host) -> Iterator[Finding]:
    found, name = one.found, one.person.name
    if found.enrolled is False:
        yield _not_enrolled(one.person, place, host)
        return
    for problem, mend in zip_longest(found.problems, found.mends):
        is_unseen = found.enrolled is None and not host.is_root
        status = Status.UNSEEN if is_unseen else Status.PROBLEM
        yield Finding(status, name, problem, mend, topic=place.template)
    if found.problems:
        return
    yield Finding(Status.WELL, name, "enrolled" + _where(place), topic=place.template)
    if found.recovery_codes == 0:
        mend = f"Run: doorward recovery-codes {shlex.quote(name)}{place_switch(place.template)}"
        what = "no recovery code is left"
        yield Finding(Status.NOTE, name, what, mend, topic=f"{place.template} recovery")


def _where(place: _Place) -> str:
    return "" if place.template == HOME else f" ({place.template})"


def _not_enrolled(person: Person, place: _Place, host: Host) -> Finding:
    """Say what becomes of somebody who is not enrolled."""
    refused, let_in = [], []
    for service in place.services:
        refuses, lets_in = _without_code(service, person, host)
        if refuses:
            refused.append(f"{service.name}, from some places" if lets_in else service.name)
        elif lets_in:
            let_in.append(service.name)
    name, what = person.name, f"not enrolled{_where(place)}"
    mend = f"Run: doorward enroll {shlex.quote(name)}{place_switch(place.template)}"
    if refused:
        what += f", and refused by {', '.join(refused)}"
        return Finding(Status.WARNING, name, what, mend, topic=place.template)
    if let_in:
        what += f", and let in without a code by {', '.join(let_in)}"
        return Finding(Status.NOTE, name, what, topic=place.template)
    return Finding(Status.NOTE, name, what, topic=place.template)


def _without_code(service: Asking, person: Person, host: Host) -> tuple[bool, bool]:
    """Tell whether somebody with a password is refused for want of a code; and is let in."""
    refuses = lets_in = False
    for door in _doors(service, person.account, host):
        for one in door.decisions:
            if not one.may_be(FACT, NOT_ENROLLED):
                continue
            if PASSWORD in one.asked and not person.has_password:
                continue
            refuses |= not one.gets_in and bool(CODES & {*one.asked})
            lets_in |= one.gets_in
    return refuses, lets_in


def _doors(service: Asking, account: Account, host: Host) -> Iterator[Door]:
    """Yield the doors at which it is a question of a code whether somebody gets in."""
    try:
        doors = host.doors(service.explained, account)
    except PamconfError:  # of which the areas of services and sshd tell
        return
    for door in doors:
        enrolled = [one for one in door.decisions if one.may_be(FACT, ENROLLED)]
        if door.asks_pam and any(one.gets_in for one in enrolled):
            yield door


# --- All of them ---


def _nobody(service: Asking, people: Iterable[_Looked], host: Host) -> Iterator[Finding]:
    """Yield that nobody gets in by a service, if that is so for want of codes."""
    outside = False
    for one in people:
        refuses, lets_in = _without_code(service, one.person, host)
        is_enrolled = one.found.enrolled and not one.found.problems
        if lets_in or (is_enrolled and one.person.has_password):
            return
        outside |= refuses
    if outside and host.is_root:
        what = "nobody who has a password is enrolled: whoever has to give a code is refused"
        mend = "Run: doorward enroll USER"
        yield Finding(Status.PROBLEM, service.name, what, mend, topic="nobody enrolled")


def _days(place: _Place, people: Iterable[_Looked], host: Host) -> Iterator[Finding]:
    """Yield what is to be known of the last days of nullok_until."""
    missing = [one.person for one in people if not one.found.enrolled]
    late = [one.name for one in missing if one.has_password]
    for service in place.services:
        for rule, options in service.rules:
            if options.until and options.until_end and options.secret == place.template:
                yield _day(service, rule, options, late, host)


def _day(service: Asking, rule: Rule, options: Options, late: Sequence[str], host: Host) -> Finding:
    name, said = service.name, f"nullok_until={options.until}"
    where = f"{said} ({sentences.place(rule)})"
    left = ((options.until_end or 0) - host.now) / _DAY
    topic = f"{said} {place_switch(options.secret)}"
    if left <= 0:
        what = f"{where} is over: who is not enrolled is refused"
        return Finding(Status.NOTE, name, what, topic=topic)
    what = f"who is not enrolled is let in, and refused from then on: {where}"
    if late and left <= _DAYS_BEFORE:
        mend = f"Have them enrol before: {', '.join(late)}"
        return Finding(Status.WARNING, name, what, mend, topic=topic)
    return Finding(Status.NOTE, name, what, topic=topic)
