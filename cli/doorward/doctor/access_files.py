"""The access files that rules name: who is let in, or skips the code, by them."""

from collections.abc import Iterator

from doorward.doctor.finding import Finding, Status
from doorward.doctor.host import Host
from doorward.doctor.stacks import as_finding, findings_of
from pamconf.access import read_options
from pamconf.errors import PamconfError
from pamconf.places import reads_access_file


def look(host: Host) -> Iterator[Finding]:
    """Say of each access file which services go by it, and what is wrong in it."""
    named = _named(host)
    if not named:
        yield Finding(Status.NOTE, "", "no rule names one")
    wrong = findings_of(host, "PAM5", "PAM602", "PAM603")
    yield from (as_finding(one, host) for one in wrong)
    for path, services in named.items():
        if not any(path == one.place.path or path in one.message for one in wrong):
            yield _not_wrong(path, services, host)


def _not_wrong(path: str, services: list[str], host: Host) -> Finding:
    """Return that nothing is wrong in a file, if it could be looked at."""
    try:
        host.machine.files.read(path)
    except PamconfError as error:
        status = Status.WARNING if host.is_root else Status.UNSEEN
        return Finding(status, path, error.message, error.hint)
    return Finding(Status.WELL, path, f"nothing is wrong in it ({', '.join(services)})")


def _named(host: Host) -> dict[str, list[str]]:
    """Return the access files that services name, each with those services."""
    found: dict[str, list[str]] = {}
    for name, service in host.stacks.items():
        for rule in filter(reads_access_file, (*service.rules("auth"), *service.rules("account"))):
            services = found.setdefault(read_options(rule.arguments).accessfile, [])
            if name not in services:
                services.append(name)
    return found
