"""The measurements. The peers take turns, so that a drift of the machine hits them alike."""

import re
import statistics
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import host
from bench.rows import (
    ALL,
    BOTH,
    CROWDS,
    MEMORY_LIMIT,
    PAM_SUCCESS,
    REWRITE,
    ROWS,
    SEARCH,
    SIZE_LIMIT,
    Peer,
    Row,
)
from bench.timer import Login, check, log_in

_ON_TIMES = """\
- Each login is one more of the same process, which must connect to the log anew; the log is read.
  google-authenticator does not log who is not enrolled, and oath logs nothing at all.
- What libpam itself does is in all numbers, as its message to the audit system.
- oath has a number where it does the same, but it keeps the secrets and last codes of all users in
  one file of root's. It rewrites that for every right code, and never searches for a skew.
"""
_ON_INSTRUCTIONS = """\
- callgrind's processor has no instructions for SHA-1. Where there are any, doorward uses them, and
  its search for the skew takes fewer than this.
"""


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    rounds: int
    logins: int  # in each of them
    counted: int  # logins whose instructions are counted
    crowd_rounds: int
    crowd_logins: int  # in each of them, of all processes together
    crowd_rewrites: int  # the same, where each login rewrites the file
    processes: int  # whose memory is looked at


FULL = Plan(20, 25, 5, 5, 3200, 640, 11)
QUICK = Plan(1, 2, 1, 1, 32, 32, 1)


@dataclass(frozen=True)
class Line:
    """One line of a table: for each peer, a median a round.

    Ours should be at most `limit` times google-authenticator's; with `more_is_better` at least.
    """

    name: str
    limit: float | None
    more_is_better: bool = False
    rounds: dict[Peer, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, peer: Peer, values: Iterable[float]) -> None:
        """Add a round."""
        self.rounds[peer].append(statistics.median(values))


@dataclass(frozen=True)
class Table:
    """Lines whose numbers are of the same kind, and what to say of them."""

    title: str
    lines: Sequence[Line]
    notes: str = ""


def times(plan: Plan) -> list[Table]:
    """Measure how long one login takes."""
    authenticate = {row: Line(row.name, row.limit) for row in ROWS}
    whole = {row: Line(row.name, row.limit) for row in ROWS}
    for number in range(plan.rounds):
        for row in ROWS:
            for peer in _in_turn(row.peers, number):
                logins = _log_in(peer, row, plan.logins)
                authenticate[row].add(peer, (login.authenticate / 1000 for login in logins))
                whole[row].add(peer, (login.whole / 1000 for login in logins))
    return [
        Table("pam_authenticate, µs", [*authenticate.values()], _ON_TIMES),
        Table("pam_start to pam_end, µs", [*whole.values()]),
    ]


def instructions(plan: Plan) -> Table:
    """Count the instructions that a login takes."""
    lines = [Line(row.name, None if row is SEARCH else row.limit) for row in ROWS]
    for row, line in zip(ROWS, lines, strict=True):
        for peer in row.peers:
            line.add(peer, _instructions(peer, row, plan.counted))
    return Table("pam_authenticate, thousands of instructions", lines, _ON_INSTRUCTIONS)


def _instructions(peer: Peer, row: Row, count: int) -> list[float]:
    """Return how many thousands callgrind counted in each login's pam_authenticate."""
    with tempfile.TemporaryDirectory() as folder:
        out, function = Path(folder) / "out", "pam_authenticate"
        valgrind = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={out}"]
        switches = [f"--toggle-collect={function}", f"--dump-after={function}"]
        _log_in(peer, row, count, under=[*valgrind, *switches])
        dumps = [Path(f"{out}.{number}").read_text() for number in range(1, count + 2)]
    totals = re.findall("^totals: ([0-9]+)$", "".join(dumps), re.MULTILINE)
    return [int(total) / 1000 for total in totals[1:]]  # the first one is the warm-up's


def crowds(plan: Plan) -> Table:
    """Measure how many right codes a second are accepted, from pam_start to pam_end."""
    lines = {crowd: Line(crowd.name, 1 / crowd.row.limit, more_is_better=True) for crowd in CROWDS}
    made: Counter[tuple[Peer, str]] = Counter()
    refused: Counter[tuple[Peer, str]] = Counter()
    for number in range(plan.crowd_rounds):
        for crowd in CROWDS:
            total = plan.crowd_rewrites if crowd.row.rewritten else plan.crowd_logins
            users = host.USERS[:1] * crowd.processes if crowd.one_user else host.USERS
            for peer in _in_turn(BOTH, number):
                count = total // crowd.processes
                logins = log_in(peer, crowd.row, users[: crowd.processes], count)
                if not crowd.one_user:
                    check(peer, crowd.row, logins)
                accepted = sum(login.result == PAM_SUCCESS for login in logins)
                made[peer, crowd.name] += len(logins)
                refused[peer, crowd.name] += len(logins) - accepted
                begin = min(login.begin for login in logins)
                end = max(login.begin + login.whole for login in logins)
                lines[crowd].add(peer, [accepted / (end - begin) * 1e9])
    notes = [
        f"- {peer.name} refused {count} of {made[peer, name]}: {name}."
        for (peer, name), count in refused.items()
        if count
    ]
    return Table("Right codes accepted a second", [*lines.values()], "\n".join(notes))


def memory_and_size(plan: Plan) -> Table:
    """Measure what a process grows by in its first login, and how large the modules are."""
    resident = Line("memory that the first login adds", MEMORY_LIMIT)
    dirty = Line("of that, pages written to, which no two processes share", MEMORY_LIMIT)
    size = Line("the module's file, stripped", SIZE_LIMIT)
    for number in range(plan.processes):
        for peer in _in_turn(ALL, number):
            logins = _log_in(peer, REWRITE, 1, memory=True)
            resident.add(peer, (login.resident for login in logins))
            dirty.add(peer, (login.dirty for login in logins))
    for peer in ALL:
        size.add(peer, [host.stripped(peer).stat().st_size / 1024])
    return Table("Memory and size, kB", [resident, dirty, size])


def _log_in(
    peer: Peer, row: Row, count: int, *, memory: bool = False, under: Sequence[str] = ()
) -> list[Login]:
    """Log in as one user, and check that it is what the row says."""
    logins = log_in(peer, row, host.USERS[:1], count, memory=memory, under=under)
    check(peer, row, logins)
    return logins


def _in_turn(peers: Sequence[Peer], number: int) -> Sequence[Peer]:
    """Return the peers in another order each round."""
    first = number % len(peers)
    return [*peers[first:], *peers[:first]]
