"""pam_usertype: accounts of the system, and those of people.

Source: modules/pam_usertype/pam_usertype.c; the defaults are Debian's.
"""

import re
from typing import TYPE_CHECKING

from pamconf.errors import FileError
from pamconf.login import Login

if TYPE_CHECKING:
    from pamconf.stack import Rule

_RESERVED_MAX = 99
_SYSTEM_MIN, _REGULAR_MIN = 101, 1000
_OVERFLOW = 65534
_UID_MAX = 2**32 - 1
_LOGIN_DEFS = "/etc/login.defs"


def usertype(rule: "Rule", login: Login) -> str:
    """Model pam_usertype: `issystem` or `isregular`, whichever stands last.

    Of anybody, only the limit between both is looked at: the few uids between 99 and SYS_UID_MIN,
    and nobody's, are passed over.
    """
    if login.call == "setcred":
        return "ignore"
    wanted = [one for one in rule.arguments if one in {"issystem", "isregular"}]
    if not wanted:
        return "service_err"
    if "use_uid" in rule.arguments:
        system, regular = "asked by an account of the system", "asked by a person"
        is_system = login.fact("type of the caller", regular, system) == system
    else:
        is_system = _is_system(login)
    return "success" if is_system == (wanted[-1] == "issystem") else "auth_err"


def _is_system(login: Login) -> bool:
    minimum = _setting("UID_MIN", _REGULAR_MIN, login)
    first = _setting("SYS_UID_MIN", _SYSTEM_MIN, login)
    end = _setting("SYS_UID_MAX", minimum - 1, login)
    if login.user is None:
        return login.uid_below(end + 1)
    uid = login.user.uid
    return uid <= _RESERVED_MAX or uid == _OVERFLOW or first <= uid <= end


def _setting(key: str, default: int, login: Login) -> int:
    """Return a uid that login.defs(5) sets; what is no number is passed over."""
    try:
        text = login.world.files.read(_LOGIN_DEFS)
    except FileError:
        return default
    for line in text.split("\n"):
        words = re.match(r"\s*([^\s=#]+)(?:[ \t=][\s=]*([^#]*))?", line)
        if words and words[1].upper() == key:
            number = re.fullmatch(r"\+?([0-9]{1,10})", (words[2] or "").rstrip())
            return int(number[1]) if number and int(number[1]) < _UID_MAX else default
    return default
