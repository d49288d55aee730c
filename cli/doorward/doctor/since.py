"""What has changed since the last time the doctor looked, which is kept in a file of root's.

What has changed is told once: the next time it is how things were. So nothing is kept before it has
been told. But what was well once, and is now only so that it may be meant so, is told each time,
until it is well again, or somebody accepts it: a second factor that has gone must not be forgotten
because nobody read of it on the day.
"""

import enum
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from doorward import files
from doorward.doctor.finding import FAILED, Examined, Finding, Status
from doorward.errors import FileError

STATE = "/var/lib/doorward/doctor.json"
"""Where the last look is kept."""

_VERSION = 1
"""Of the file; one of another is no last look."""

_SIZE_MAX = 16 * 2**20  # bytes


Thing = tuple[str, str, str, int]
"""What a finding is about, by which it is found again: area, who, topic, number."""


class Kind(enum.StrEnum):
    """What kind of change it is."""

    WORSE = "worse"
    MENDED = "mended"
    CHANGED = "changed"
    NEW = "new"
    GONE = "gone"


@dataclass(frozen=True)
class Seen:
    """A finding as it is kept. `number` tells apart those that agree in all before it.

    `well` is what was said of it when it was well the last time, empty where that never was.
    """

    area: str
    who: str
    topic: str
    number: int
    status: Status
    what: str
    state: str
    well: str = ""

    @property
    def thing(self) -> Thing:
        """What it is about."""
        return self.area, self.who, self.topic, self.number


@dataclass(frozen=True)
class Look:
    """All that was found, at a Unix time."""

    time: int
    seen: tuple[Seen, ...]


@dataclass(frozen=True)
class Change:
    """Something that is otherwise than before.

    `before` is what was said of it then, None where it is new. Of what is gone, `now` is None.
    """

    kind: Kind
    area: str
    who: str
    now: str | None
    before: str | None = None
    mend: str | None = None


def look(examined: Iterable[Examined], now: int, last: Look | None, *, accept: bool) -> Look:
    """Return what is to be kept: what was found, and of areas that could not be seen the last.

    With `accept`, all is meant to be as it is.
    """
    known = _known(last)
    seen: list[Seen] = []
    for area in examined:
        if _is_blind(area):
            seen += [one for one in known.values() if one.area == area.area]
            continue
        for one, _ in _numbered(area):
            before = known.get(one.thing)
            well = one.what if one.status is Status.WELL else ""
            if not (well or accept) and before:
                well = before.well
            seen.append(replace(one, well=well))
    return Look(now, tuple(seen))


def changes(last: Look | None, examined: Iterable[Examined]) -> list[Change]:
    """Return what is otherwise than the last time; the first time, what is not well."""
    known = _known(last)
    found: list[Change] = []
    for area in examined:
        here = [*_numbered(area)]
        for seen, finding in here:
            before = known.get(seen.thing)
            if before:
                found += _changed(before, seen, finding.mend)
            elif last or _is_bad(seen):
                found += _new(seen, finding.mend)
        if not _is_blind(area):
            found += _gone(known, area.area, {seen.thing for seen, _ in here})
    return found


def _known(last: Look | None) -> dict[Thing, Seen]:
    return {one.thing: one for one in last.seen} if last else {}


def _numbered(area: Examined) -> Iterator[tuple[Seen, Finding]]:
    count: dict[tuple[str, str], int] = {}
    for one in area.findings:
        thing = (one.who, one.topic)
        count[thing] = number = count.get(thing, 0) + 1
        yield Seen(area.area, *thing, number, one.status, one.what, one.compared), one


def _is_blind(area: Examined) -> bool:
    """Tell whether an area could not be looked at, so that nothing is known of what is gone."""
    return any(one.topic == FAILED for one in area.findings)


def _is_bad(one: Seen) -> bool:
    return one.status in {Status.WARNING, Status.PROBLEM}


def _is_filler(one: Seen) -> bool:
    """Tell whether it only says that there is nothing to say."""
    return not one.who and not _is_bad(one)


def _changed(before: Seen, now: Seen, mend: str | None) -> Iterator[Change]:
    """Yield what has changed, if it has, of what was there before."""
    is_lost = now.status is Status.NOTE and bool(before.well)
    if is_lost:
        yield Change(Kind.WORSE, now.area, now.who, now.what, before.well, mend)
    elif now.status.rank > before.status.rank:
        yield Change(Kind.WORSE, now.area, now.who, now.what, before.what, mend)
    elif now.status.rank < before.status.rank:
        kind = Kind.MENDED if _is_bad(before) or before.well else Kind.CHANGED
        yield Change(kind, now.area, now.who, now.what, before.what)
    elif now.state != before.state:
        hint = mend if _is_bad(now) else None
        yield Change(Kind.CHANGED, now.area, now.who, now.what, before.what, hint)


def _new(now: Seen, mend: str | None) -> Iterator[Change]:
    if not _is_filler(now):
        hint = mend if _is_bad(now) else None
        yield Change(Kind.NEW, now.area, now.who, now.what, None, hint)


def _gone(known: Mapping[Thing, Seen], area: str, here: Iterable[Thing]) -> Iterator[Change]:
    still = {*here}
    for thing, before in known.items():
        if before.area == area and thing not in still and not _is_filler(before):
            kind = Kind.MENDED if _is_bad(before) else Kind.GONE
            yield Change(kind, before.area, before.who, None, before.what)


# --- The file -------------------------------------------------------------------------------------


def load(path: str = STATE) -> Look | None:
    """Return the last look, None where there is none of this version. Raises FileError."""
    try:
        with files.place_of_root(path) as at, files.opened(at) as file:
            text = files.read(at, file, size_max=_SIZE_MAX)
    except files.MissingError:
        return None
    return read(text, path)


def save(kept: Look, path: str = STATE) -> None:
    """Put a look in the place of the last one, for root alone. Raises FileError."""
    with files.place_of_root(path, make_folders=True) as at:
        files.replace(at, written(kept))


def read(text: bytes, path: str = STATE) -> Look | None:
    """Read what `written` wrote; None where that is of another version. Raises FileError."""
    try:
        told = json.loads(text)
        if told["version"] != _VERSION:
            return None
        seen = tuple(Seen(**one | {"status": Status(one["status"])}) for one in told["seen"])
        return Look(int(told["time"]), seen)
    except (ValueError, LookupError, TypeError) as error:
        raise FileError(
            f"{path}: no last look of the doctor's: {error}",
            hint="Move it away; the next look is the first one then.",
        ) from error


def written(kept: Look) -> bytes:
    """Write a look down, a line for each finding."""
    rows = ",\n".join(json.dumps(asdict(one)) for one in kept.seen)
    return f'{{"version": {_VERSION}, "time": {kept.time}, "seen": [\n{rows}\n]}}\n'.encode()
