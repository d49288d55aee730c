"""pam-auth-update, by which Debian's packages change the rules of all services."""

import re
from collections.abc import Iterator
from dataclasses import replace

from doorward.doctor.finding import Finding, Status
from doorward.doctor.host import Host
from doorward.doctor.stacks import as_finding, findings_of
from doorward.module import MODULE_NAME
from doorward.pam_models import NAME
from pamconf.errors import FileError

_PROFILES = "/usr/share/pam-configs/"
_RECORD = "/var/lib/pam/auth"
_COMMON_AUTH = "/etc/pam.d/common-auth"
_EDITED = "PAM404"
_MEND = "Put lines of your own below the block: 'doorward pam lint --explain PAM404'."


def look(host: Host) -> Iterator[Finding]:
    """Say whether pam-auth-update still writes its files, and where our profile stands."""
    profiles = host.machine.files.glob(f"{_PROFILES}*")
    if not profiles:
        yield Finding(Status.NOTE, "", "this machine has none")
        return
    edited = findings_of(host, _EDITED)
    yield from (replace(as_finding(one, host), mend=_MEND) for one in edited)
    if not edited:
        yield Finding(Status.WELL, "", "it still writes its blocks in /etc/pam.d/common-*")
    for path in profiles:
        if MODULE_NAME in _text(path, host):
            yield _profile(path, host)


def _profile(path: str, host: Host) -> Finding:
    """Say whether a profile with the module is on, and its rule where it belongs."""
    name = path.rpartition("/")[2]
    is_on = re.search(rf"^Module: {re.escape(name)}$", _text(_RECORD, host), re.MULTILINE)
    if not is_on:
        return Finding(Status.NOTE, path, "is off", "'pam-auth-update' switches it on.")
    if NAME not in _text(_COMMON_AUTH, host):
        what = f"is on, and its rule is gone from {_COMMON_AUTH}"
        return Finding(Status.PROBLEM, path, what, f"Run: pam-auth-update --enable {name}")
    return Finding(Status.WELL, path, "is on")


def _text(path: str, host: Host) -> str:
    try:
        return host.machine.files.read(path)
    except FileError:
        return ""
