"""The services, and which of them ask for a second factor."""

from collections.abc import Iterator

from doorward.doctor.finding import Finding, Status
from doorward.doctor.host import Host
from doorward.explained import Explained, Factor

_TOLD = {
    Factor.ALL: (Status.WELL, "everybody is asked for a second factor"),
    Factor.SOME: (Status.WELL, "some are asked for a second factor, or by some ways"),
    Factor.NONE: (Status.NOTE, "no second factor: one right answer will do"),
    Factor.UNASKED: (Status.NOTE, "no second factor: nothing is asked"),
    Factor.SHUT: (Status.NOTE, "nobody gets in"),
}
_IN_VAIN = {
    Factor.NONE: "pam_doorward is there, and one right answer will do all the same",
    Factor.UNASKED: "pam_doorward is there, and nothing is asked all the same",
    Factor.SHUT: "pam_doorward is there, and nobody gets in",
}


def look(host: Host) -> Iterator[Finding]:
    """Say of each service whom it asks for a second factor; of those with the module, if in vain.

    A service that logs nobody in is not told of.
    """
    asking = {one.name for one in host.asking}
    for one in host.services:
        if one.factor is not Factor.NO_LOGIN:
            yield _found(one, is_asking=one.service.name in asking)
    if not asking:
        what = "no service has pam_doorward in its rules: nobody is asked for a code"
        mend = "'sudo doorward pam enable sshd --nullok', say, has one ask, on trial."
        yield Finding(Status.WARNING, "", what, mend, topic="none")


def _found(one: Explained, *, is_asking: bool) -> Finding:
    name, factor = one.service.name, one.factor
    if factor is Factor.UNKNOWN:
        what = f"could not be followed: {one.problem}"
        return Finding(Status.WARNING, name, what, f"'doorward pam explain {name}' says more.")
    if is_asking and factor in _IN_VAIN:
        mend = f"'doorward pam explain {name}' says by which line."
        return Finding(Status.PROBLEM, name, _IN_VAIN[factor], mend)
    status, what = _TOLD[factor]
    mend = f"'doorward pam explain {name}' says what is asked, and by which line."
    return Finding(status, name, what, mend)
