"""How far this machine's clock is off, as far as that can be known without asking the network.

A code is of a step of 30 seconds. The phone's clock is right as a rule, and where this machine's is
off by more than a step, a login takes none of the phone's codes: everybody is locked out.

Two are asked:

- chronyd, which measures the offset all the time (chronyc(1), `tracking`);
- the kernel, which every other daemon tells how good its clock is (adjtimex(2)). Its `maxerror`
  counts, not STA_UNSYNC: that one is also set where a daemon only keeps the kernel from writing to
  the hardware clock. So does systemd's timedated (src/timedate/timedated.c:ntp_synced), which is
  where `timedatectl` has NTPSynchronized from.
"""

import ctypes
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from doorward import process
from doorward.errors import DoorwardError

STEP = 30.0
"""Seconds of a step, unless a device says otherwise."""

_SECONDS = 2.0
"""How long chronyd may take to answer."""

_SHOWN_MIN = 0.001  # seconds

_CHRONY_FIELDS = 14
_OWN_CLOCK = "7F7F0101"
"""What chronyd takes for its source where it is to serve its own clock, right or wrong."""
_UNSYNCHRONISED = "Not synchronised"

_UNSYNC_FROM = 16_000_000
"""Microseconds: the kernel's NTP_PHASE_LIMIT, which its error grows to where nobody sets it."""

_TIMESYNCD = Path("/run/systemd/timesync")
_LAST_KNOWN = (
    Path("/var/lib/systemd/timesync/clock"),
    Path("/var/lib/chrony/chrony.drift"),
)
"""Files that a daemon writes, or touches, only while it knows the time."""


@dataclass(frozen=True)
class Clock:
    """What is known of this machine's clock.

    `synchronized` says whether somebody keeps it right, None where that cannot be told. `offset` is
    how many seconds it is ahead, and below 0 behind, None where nobody has measured that; `error`
    is how many it is off at the most, by the kernel's account. `source` is who says so: a daemon,
    the kernel, or a file that is newer than now.
    """

    synchronized: bool | None = None
    offset: float | None = None
    error: float | None = None
    source: str | None = None

    @property
    def is_off(self) -> bool:
        """Whether it is known to be off by more than a step."""
        return self.offset is not None and abs(self.offset) > STEP

    @property
    def is_right(self) -> bool:
        """Whether it is known to be off by no more than a step."""
        return bool(self.synchronized) and not self.is_off

    def __str__(self) -> str:
        if self.offset is not None and self.is_off:
            way = "ahead" if self.offset > 0 else "behind"
            return f"the clock is {abs(self.offset):.0f} seconds {way}, by {self.source}"
        if self.synchronized:
            error = abs(self.offset if self.offset is not None else self.error or 0)
            return f"the clock is right to {max(error, _SHOWN_MIN):.3f} s, by {self.source}"
        if self.synchronized is None:
            return "whether the clock is right cannot be told: the kernel may not be asked here"
        return f"nobody keeps the clock right, as far as {self.source} knows"


def clock() -> Clock:
    """Return what is known of the clock. Raises nothing; what cannot be asked is passed over."""
    known = _chronyd() or _kernel()
    if known.is_right or known.is_off:
        return known
    return behind(_LAST_KNOWN, time.time()) or known


def _chronyd() -> Clock | None:
    """Ask chronyd; None where it is not there, or says nothing."""
    argv = ["chronyc", "-c", "tracking"]
    try:
        return of_chronyc(process.filtered(argv, b"", hint="", seconds=_SECONDS).decode())
    except (DoorwardError, UnicodeDecodeError):
        return None


def of_chronyc(text: str) -> Clock | None:
    """Read what `chronyc -c tracking` writes: one line, with commas. None where it is none of that.

    The 1st field is the source, in hexadecimals, the 5th the seconds that the clock is slow, the
    last the leap status (client.c:process_cmd_tracking of chrony 4.3).
    """
    fields = text.strip().split(",")
    try:
        reference, slow, leap = fields[0], float(fields[4]), fields[-1]
    except (IndexError, ValueError):
        return None
    if len(fields) != _CHRONY_FIELDS:
        return None
    if leap == _UNSYNCHRONISED or reference == _OWN_CLOCK:
        return Clock(synchronized=False, source="chronyd")
    return Clock(synchronized=True, offset=-slow, source="chronyd")


class _Timex(ctypes.Structure):
    """``struct timex`` of sys/timex.h, up to what is read here, with room for all of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_long * 60),
    )


def _kernel() -> Clock:
    """Ask the kernel, which changes nothing where no mode is set; in some sandboxes one may not."""
    buffer = _Timex()
    if ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(buffer)) < 0:
        return Clock()
    return of_kernel(buffer.maxerror, "systemd-timesyncd" if _TIMESYNCD.is_dir() else None)


def of_kernel(error: int, daemon: str | None) -> Clock:
    """Return what the kernel's maximum error, in microseconds, means; `daemon` is who set it."""
    if error >= _UNSYNC_FROM:
        return Clock(synchronized=False, source="the kernel")
    return Clock(synchronized=True, error=error / 1e6, source=daemon or "the kernel")


def behind(paths: Iterable[Path], now: float) -> Clock | None:
    """Return a clock that is behind a file of the past, as one is that lost its battery.

    `now` is in Unix time. It is behind by as much at least; None where it is not by a step.
    """
    for path in paths:
        try:
            written = path.stat().st_mtime
        except OSError:
            continue
        if written - now > STEP:
            return Clock(synchronized=False, offset=now - written, source=str(path))
    return None
