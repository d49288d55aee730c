"""What the doctor finds, and what an area of a machine is."""

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from doorward.doctor.host import Host
from doorward.errors import DoorwardError, as_doorward_error
from pamconf.errors import PamconfError

FAILED = "failed"
"""The topic of the finding that an area could not be looked at."""


class Status(enum.StrEnum):
    """How something is, the best first."""

    WELL = "well"
    NOTE = "note"
    """It is so, and may be meant so."""
    UNSEEN = "unseen"
    """Whoever asks may not look, and root may."""
    WARNING = "warning"
    """It may lock somebody out, or let somebody in, now or soon."""
    PROBLEM = "problem"
    """A door stands otherwise than meant."""

    @property
    def rank(self) -> int:
        """How bad it is, from 0."""
        return [*Status].index(self)


@dataclass(frozen=True)
class Finding:
    """Something looked at, and how it is.

    `who` is whom or what it is about: a user, a service, a file. `what` is the rest of a line about
    it, without a full stop. `mend` is a sentence or a command. `topic` tells apart what is found of
    the same one; what has the same area, `who` and `topic` tomorrow is the same thing, and has
    changed if `state` is another. That is `what`, where it is not given.
    """

    status: Status
    who: str
    what: str
    mend: str | None = None
    topic: str = ""
    state: str = ""

    @property
    def compared(self) -> str:
        """What is compared with the last time."""
        return self.state or self.what


@dataclass(frozen=True)
class Area:
    """A part of a machine: its name, and what looks at it, which may raise any error of ours."""

    name: str
    look: Callable[[Host], Iterator[Finding]]


@dataclass(frozen=True)
class Examined:
    """What was found in an area."""

    area: str
    findings: tuple[Finding, ...]


def examine(host: Host, areas: Iterable[Area]) -> list[Examined]:
    """Look at all areas; one that cannot be looked at does not hide the others."""
    return [Examined(area.name, tuple(_looked_at(area, host))) for area in areas]


def _looked_at(area: Area, host: Host) -> Iterator[Finding]:
    try:
        yield from area.look(host)
    except (DoorwardError, PamconfError, OSError) as failure:
        error = as_doorward_error(failure)
        why = error.message.partition("\n")[0]
        status = Status.WARNING if host.is_root else Status.UNSEEN
        yield Finding(status, "", f"could not be looked at: {why}", error.hint, topic=FAILED)
