"""What sshd's settings, and its rules, come to for each user."""

from collections.abc import Iterator

from doorward.doctor.finding import Finding, Status
from doorward.doctor.host import Host
from doorward.doctor.stacks import as_finding, findings_of
from pamconf import sentences
from pamconf.doors import Door
from pamconf.known_services import SSHD
from pamconf.sentences import Strength


def look(host: Host) -> Iterator[Finding]:
    """Say of each user by what they get in, and what is wrong with the settings."""
    found = next((one for one in host.services if one.service.name == SSHD), None)
    yield from (as_finding(one, host) for one in findings_of(host, "PAM3"))
    if found is None or not host.settings:
        yield Finding(Status.NOTE, "", "there is no sshd here")
        return
    is_asking = SSHD in {one.name for one in host.asking}
    for person in host.people:
        yield _about(person.name, host.doors(found, person.account), is_asking=is_asking)
    yield from _warnings(host)


def _about(name: str, doors: tuple[Door, ...], *, is_asking: bool) -> Finding:
    """Say by what somebody gets in, the ways in the order that sshd has them."""
    usable = [door for door in doors if door.is_usable]
    if not usable:
        return Finding(Status.NOTE, name, "cannot log in by sshd")
    what = "; ".join(f"{door.name} ({_asked(door)})" for door in usable)
    strengths = {sentences.strength(one) for door in usable for one in door.decisions}
    if Strength.NOTHING in strengths:
        return Finding(Status.WARNING, name, what, "'doorward pam explain sshd' says why.")
    is_two = strengths <= {Strength.TWO, Strength.REFUSED}
    return Finding(Status.WELL if is_two and is_asking else Status.NOTE, name, what)


def _asked(door: Door) -> str:
    asked = [sentences.asked(one).replace(", ", " and ") for one in door.decisions if one.gets_in]
    return ", or ".join(dict.fromkeys(asked))


def _warnings(host: Host) -> Iterator[Finding]:
    """Say where sshd itself could not be asked, or says otherwise than our reader."""
    status = Status.NOTE if host.is_root else Status.UNSEEN
    told = dict.fromkeys(told for one in host.settings.values() for told in one.warnings)
    for one in told:
        yield Finding(status, SSHD, one, topic=one.partition(":")[0])
