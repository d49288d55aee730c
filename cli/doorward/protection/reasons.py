"""Why a change of login files had better not be made, and what to know of it beside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import pamconf
from doorward import clock, pam_checks
from doorward.clock import Clock
from doorward.enrolment.places import HOME, SYSTEM, place_switch
from doorward.protection import mounts
from doorward.protection.effects import Effect, Fate
from doorward.protection.people import Enrolment, Secret, listed, secrets
from doorward.protection.plan import Plan
from pamconf.doors import KEY
from pamconf.known_services import SSHD
from pamconf.lint import Finding, lint
from pamconf.models.passwords import PASSWORD
from pamconf.models.second_factor import CODE, PASSWORD_AND_CODE
from pamconf.problem import Severity
from pamconf.stack import Service
from pamconf.tree import Tree

_NOLOGIN = ("/etc/nologin", "/run/nologin", "/var/run/nologin")  # pam_nologin(8)


@dataclass(frozen=True)
class Reason:
    """Why a change had better not be made, or what to know of it; and what to do about it."""

    message: str
    mend: str


@dataclass(frozen=True)
class Reasons:
    """What speaks against a plan."""

    plan: Plan

    @cached_property
    def refusals(self) -> tuple[Reason, ...]:
        """Why this change had better not be made."""
        errors = self._new(Severity.ERROR)
        people = (*self._shut(), *self._locked_out(), *self._let_in(), *self._left_out())
        return (*people, *errors, *self._late(), *self._clock_off())

    @cached_property
    def warnings(self) -> tuple[Reason, ...]:
        """What to know beside."""
        return (*self._new(Severity.WARNING), *self._unlisted(), *self._clock_unknown())

    def _locked_out(self) -> Iterator[Reason]:
        groups: dict[tuple[object, ...], list[Effect]] = {}
        for one in self.plan.effects:
            if one.lost:
                alike = (one.service, one.lost, _why(one), self._mend(one, []))
                groups.setdefault(alike, []).append(one)
        for first, *others in groups.values():
            names = [one.person.name for one in (first, *others)]
            where = "" if first.lost == ("",) else f" {' or '.join(first.lost)}"
            who = f"{first.service}: {listed(names)} would not get in any more{where}"
            yield Reason(f"{who}: {_why(first)}", self._mend(first, names))
        admins = [one for one in self.plan.effects if one.person.has_root]
        then = any(one.fate is not Fate.REFUSED for one in admins)
        if not then and any(one.was is not Fate.REFUSED for one in admins):
            message = "nobody who can become root would get in any more"
            yield Reason(message, "Enrol one of them first, and see that they do get in.")

    def _shut(self) -> Iterator[Reason]:
        """Yield what keeps everybody out for a while, so that nobody can tell whom this would."""
        there = [one for one in _NOLOGIN if self.plan.tree.find(one) is not None]
        for name, found in self._secrets.items():
            service = self._service(name)
            rules = (*service.rules("auth"), *service.rules("account"))
            if found and there and any(rule.name == "pam_nologin" for rule in rules):
                message = f"{name}: {there[0]} keeps all but root out now: whom this would, nobody"
                yield Reason(f"{message} can tell", "Do it once that file is gone.")

    def _let_in(self) -> Iterator[Reason]:
        """Yield who would get in by another way than now, where a code is to be asked for."""
        groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for one in self.plan.effects:
            if one.gained is not None and self._secrets[one.service]:
                groups.setdefault((one.service, one.gained), []).append(one.person.name)
        for (service, gained), names in groups.items():
            by = " and ".join(gained) or "nothing"
            message = f"{service}: {listed(names)} would get in with {by}, and do not now"
            mend = f"'doorward pam explain {service}' says how they do."
            if service == SSHD:
                mend += " '--methods publickey,keyboard-interactive:pam' asks for a key as well."
            yield Reason(message, mend)

    def _left_out(self) -> Iterator[Reason]:
        """Yield who is asked for a code now, and would not be where their secret is looked for."""
        for name in self.plan.services:
            found = [
                one.person.name
                for one in self.plan.effects
                if (one.service, one.was, one.fate) == (name, Fate.CODE, Fate.WITHOUT)
                and one.enrolment is Enrolment.NO
            ]
            if found:
                switch = place_switch(self._secrets[name][0].template)
                yield Reason(
                    f"{name}: {listed(found)} would not be asked for a code any more: no secret "
                    "of theirs is there",
                    f"'doorward enroll{switch} {found[0]}' makes one.",
                )

    def _mend(self, one: Effect, names: Sequence[str]) -> str:
        """Return what to do about somebody who is locked out, and others of these names."""
        name = names[0] if len(names) == 1 else "NAME"
        secret = next(iter(self._secrets[one.service]), None)
        switch = place_switch(secret.template) if secret else ""
        if one.enrolment is Enrolment.BROKEN:
            return f"'doorward status{switch} {name}' says what is wrong with the file."
        is_on = any(
            secrets(pamconf.load(one.service, self.plan.tree))
        )  # then the one at home is needed
        can_move = not is_on and secret and secret.template == SYSTEM and self._is_at_home(one)
        if one.lacks_code and can_move:
            everybody = " ".join(names)
            return (
                f"'doorward move {everybody} --system' takes the secret along that they have at "
                "home."
            )
        if one.lacks_code:
            return (
                f"'doorward enroll{switch} {name}' enrols them; --nullok lets in who has not yet."
            )
        if KEY in one.lacks:
            return "'ssh-copy-id' puts a key there; or leave them out, with --match."
        return f"'doorward pam explain {one.service} --user {name}' says how it is now."

    @staticmethod
    def _is_at_home(one: Effect) -> bool:
        return one.person.enrolment(Secret(HOME))[0] is Enrolment.YES

    def _new(self, severity: Severity) -> Iterator[Reason]:
        """Yield what lint finds in the services then, and does not find now."""
        now, then = self._findings
        known = {(one.code, one.message) for one in now}
        for one in then:
            if one.severity is severity and (one.code, one.message) not in known:
                place = one.place.path + (f":{one.place.line}" if one.place.line else "")
                yield Reason(f"{place}: {one.message} ({one.code})", one.hint)

    @cached_property
    def _findings(self) -> tuple[list[Finding], list[Finding]]:
        """What lint finds now, and then."""
        return self._found_in(self.plan.tree), self._found_in(self.plan.after)

    def _found_in(self, tree: Tree) -> list[Finding]:
        loaded = [pamconf.load(name, tree) for name in self.plan.services]
        return lint(loaded, pam_checks.machine(tree), pam_checks.ALL.values())

    def _late(self) -> Iterator[Reason]:
        for name, found in self._secrets.items():
            for secret in found:
                yield from self._late_secrets(self._service(name), secret)

    def _late_secrets(self, service: Service, secret: Secret) -> Iterator[Reason]:
        """Yield why a secret file may not be there yet when somebody logs in."""
        what = "who logs in before it is there is let in without a code, or refused"
        mend = "--system-secrets keeps secrets in /var/lib/doorward/secrets."
        at_login = mounts.brings_home(service)
        if at_login and secret.is_at_home:
            yield Reason(
                f"{at_login} brings homes, and secrets in them, with the login: {what}", mend
            )
        paths = (person.secret_path(secret) for person in self.plan.machine.people)
        late = (mounts.late_mount(path, self.plan.tree) for path in paths if path)
        for mount in dict.fromkeys(one for one in late if one):
            message = f"secrets below {mount.folder} may come late ({mount.why_late} in /etc/fstab)"
            yield Reason(f"{message}: {what}", mend)

    def _service(self, name: str) -> Service:
        return pamconf.load(name, self.plan.after)

    @cached_property
    def _secrets(self) -> dict[str, list[Secret]]:
        return {name: [*secrets(self._service(name))] for name in self.plan.services}

    @cached_property
    def _clock(self) -> Clock | None:
        """The clock, where it matters: the machine is this one, and codes are asked for."""
        return clock.clock() if self.plan.machine.is_this and any(self._secrets.values()) else None

    def _clock_off(self) -> Iterator[Reason]:
        if self._clock and self._clock.is_off:
            yield Reason(f"{self._clock}: right codes would be refused", "Set it right first.")

    def _unlisted(self) -> Iterator[Reason]:
        directories = self.plan.machine.directories
        if directories and any(self._secrets.values()):
            yield Reason(
                f"not all accounts of {listed(directories)} may be listed here: whom of them this "
                "locks out is not known",
                f"'doorward pam explain {self.plan.named[0]} --user NAME' says of one how it is.",
            )

    def _clock_unknown(self) -> Iterator[Reason]:
        if self._clock and not self._clock.is_off and not self._clock.is_right:
            yield Reason(f"{self._clock}; codes hang on it", "'timedatectl' says more.")


def _why(one: Effect) -> str:
    if one.enrolment is Enrolment.BROKEN and one.lacks_code:
        return one.problem
    if one.lacks_code and one.enrolment is not Enrolment.NO:
        return "nothing but the password can be typed there"
    lacks = [said for answer, said in _LACKS.items() if answer in one.lacks]
    return ", ".join(lacks) or "there is no way left for them"


_LACKS = {
    CODE: "not enrolled",
    PASSWORD_AND_CODE: "not enrolled",
    PASSWORD: "without a password",
    KEY: "without an SSH key",
}
