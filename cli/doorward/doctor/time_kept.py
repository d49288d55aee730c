"""The clock, which codes of the time hang on."""

from collections.abc import Iterator

from doorward.clock import clock
from doorward.doctor.finding import Finding, Status
from doorward.doctor.host import Host

_SET = "See 'chronyc sources'; if they are right, 'chronyc makestep' sets the clock."
_ASK = "'chronyc sources' says whom it asks, and who answers."
_INSTALL = "Install chrony or systemd-timesyncd, unless something outside keeps it right."


def look(host: Host) -> Iterator[Finding]:
    """Say whether the clock is right, as far as that can be known."""
    if not host.is_this:
        yield Finding(Status.NOTE, "", "it is not looked at below another root")
        return
    known = clock()
    is_measured = known.source == "chronyd"
    if known.is_off:
        what = f"{known}: no code of the time fits"
        mend = _SET if is_measured else "Have chrony or systemd-timesyncd set it, and keep it."
        yield Finding(Status.PROBLEM, "", what, mend, state="off")
    elif known.is_right:
        yield Finding(Status.WELL, "", str(known), state="right")
    elif known.synchronized is None:
        yield Finding(Status.NOTE, "", str(known), state="unknown")
    else:
        mend = _ASK if is_measured else _INSTALL
        yield Finding(Status.WARNING, "", str(known), mend, state="not kept")
