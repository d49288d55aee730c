"""What is wrong in login stacks, and in what they go by: each with its line, and how to mend it.

    for finding in pamconf.lint.lint([pamconf.load("sshd")]):
        print(finding.place.path, finding.place.line, finding.code, finding.message)

A line `# pamconf: ignore PAM007` above silences a check.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pamconf import loading
from pamconf.errors import FileError, UsageError
from pamconf.lines import printable
from pamconf.lint import access, files, logic, modules, sshd, syntax
from pamconf.lint.check import Check
from pamconf.lint.finding import Finding, Found, Place, merged
from pamconf.lint.ignores import ignored
from pamconf.lint.logic import DOORS
from pamconf.lint.machine import Machine, who_may_write
from pamconf.lint.subject import Subject
from pamconf.stack import OTHER, Service
from pamconf.tree import Tree

__all__ = [
    "CHECKS",
    "Check",
    "Finding",
    "Found",
    "Machine",
    "Place",
    "Subject",
    "lint",
    "without_parts",
]

_ROOMS = (syntax, modules, logic, sshd, files, access)

CHECKS: Mapping[str, Check] = {
    one.code: one for room in _ROOMS for one in vars(room).values() if isinstance(one, Check)
}
"""All checks of pamconf's own, by their codes."""


def lint(
    services: Iterable[Service],
    machine: Machine | None = None,
    checks: Iterable[Check] = tuple(CHECKS.values()),
) -> list[Finding]:
    """Return what is wrong in services, in the order of files and lines, each thing once.

    `machine` is the one that they were loaded from, if it is None. There, modules are loaded to see
    whether they do, if it is the one that this runs on. Raises ToolError where that cannot be tried
    at all, UsageError where services are from elsewhere.
    """
    services, checks = tuple(services), tuple(checks)
    machine = machine or Machine(next((one.root for one in services), "/"))
    for service in services:
        if Tree(service.root).root != machine.files.root:
            raise UsageError(f"{service.name} is from below {service.root}, not {machine.root}")
    tried = _loaded(services, machine)
    subjects = (Subject(service, machine, tried) for service in services)
    return merged(found for one in subjects for found in _findings(one, checks))


def without_parts(services: Sequence[Service]) -> list[Service]:
    """Return services without those that are there to be included by others.

    What stands in them is looked at where it is included: by themselves they log nobody in.
    """
    included = {path for one in services for path in one.files if path != one.path}
    kept = {*DOORS, OTHER}
    return [one for one in services if one.path not in included or one.name in kept]


def _loaded(services: Iterable[Service], machine: Machine) -> Mapping[str, loading.Loaded]:
    """Load the modules that services name: of this machine's own, what root alone can change."""
    if not machine.is_this:
        return {}
    subjects = (Subject(service, machine) for service in services)
    paths = dict.fromkeys(path for one in subjects for path in one.modules)
    return loading.load(path for path in paths if not who_may_write(path, machine))


def _findings(one: Subject, checks: Iterable[Check]) -> Iterator[Finding]:
    lines: dict[str, list[str]] = {}
    for check in checks:
        for by, found in _found(check, one):
            place = found.place
            if place.path not in lines:
                lines[place.path] = _lines(place.path, one)
            if by.code not in ignored(lines[place.path], place.line):
                yield _finding(by, found, lines[place.path], one.service.name)


def _found(check: Check, one: Subject) -> Iterator[tuple[Check, Found]]:
    """Yield what a check finds, or that it could not look at a file; and which check says so."""
    try:
        for found in check.function(one):
            yield check, found
    except FileError as error:
        yield files.not_looked_at, files.found_unreadable(error)


def _finding(check: Check, found: Found, lines: list[str], service: str) -> Finding:
    line = found.place.line
    text = lines[line - 1] if line is not None and line <= len(lines) else ""
    severity, place = found.severity or check.severity, found.place.within(text)
    said = printable(found.message), printable(found.hint)
    return Finding(check.code, check.name, severity, place, text, *said, (service,))


def _lines(path: str, one: Subject) -> list[str]:
    try:
        return one.machine.files.read(path).split("\n")
    except FileError:
        return []
