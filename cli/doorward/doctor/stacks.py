"""What `doorward pam lint` finds: all that no other area tells of."""

from collections.abc import Iterator

from doorward.doctor.finding import Finding, Status
from doorward.doctor.host import Host
from doorward.module import MODULE_NAME
from pamconf import lint
from pamconf.problem import Severity

_NOT_LOOKED_AT = "PAM400"
_ELSEWHERE = ("PAM3", "PAM5", "PAM602", "PAM603", "PAM404")
"""Beginnings of the codes of which other areas tell."""

_MODULE = ("PAM101", "PAM102")
"""That the module of a line is not there, or does not load: of ours its own area tells."""


def look(host: Host) -> Iterator[Finding]:
    """Say what is wrong in the stacks, each thing with its line and how to mend it."""
    found = [one for one in wrong(host) if not _is_told_elsewhere(one)]
    yield from (as_finding(one, host) for one in found)
    if not found:
        yield Finding(Status.WELL, "", "'doorward pam lint' has nothing to say that is not above")


def _is_told_elsewhere(one: lint.Finding) -> bool:
    is_ours = one.code in _MODULE and MODULE_NAME in one.text.split()
    return is_ours or one.code.startswith(_ELSEWHERE)


def wrong(host: Host) -> list[lint.Finding]:
    """Return what lint finds that is more than worth a word."""
    return [one for one in host.linted if one.severity is not Severity.NOTE]


def findings_of(host: Host, *codes: str) -> list[lint.Finding]:
    """Return what is wrong by the checks whose codes begin so."""
    return [one for one in wrong(host) if one.code.startswith(codes)]


def as_finding(one: lint.Finding, host: Host) -> Finding:
    """Return a finding of lint's as one of the doctor's."""
    status = Status.PROBLEM if one.severity is Severity.ERROR else Status.WARNING
    if one.code == _NOT_LOOKED_AT and not host.is_root:
        status = Status.UNSEEN
    line = f"line {one.place.line}: " if one.place.line else ""
    return Finding(
        status,
        one.place.path,
        f"{line}{one.message} ({one.code})",
        one.hint,
        topic=f"{one.code} {one.text.strip()}",
        state=one.message,
    )
