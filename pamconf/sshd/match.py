"""What sshd's patterns match, and when a Match block holds.

A match is True, a match that `!` turns round False, and no match None: `!` says only whom a list
leaves out, so a list of nothing else matches nobody.

(match.c, addrmatch.c, addr.c, groupaccess.c and servconf.c:match_cfg_line of OpenSSH 9.2.)
"""

import fnmatch
import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import NamedTuple

from pamconf.accounts import Account
from pamconf.sshd.words import folded, next_word

_SUBPATTERN_MAX = 1022  # bytes; a longer one makes sshd give up the list
_ADDRESS_MAX = 63
_LENGTH_MAX = 128
_PORT_MAX = 65535
_IPV6 = 6


@dataclass(frozen=True, slots=True)
class Connection:
    """Who logs in, and from where to where.

    `account` is None where there is no such user. `address` is the client's, `host` the name that
    sshd has for it: with `UseDNS no` that is the address again, which stands here if nothing does.
    What is None is unknown, and no criterion that asks for it holds.
    """

    user: str
    account: Account | None = None
    address: str | None = None
    host: str | None = None
    local_address: str | None = None
    local_port: int = 22
    rdomain: str | None = None

    @property
    def name(self) -> str | None:
        """The client's name, or its address where that is its name."""
        return self.address if self.host is None else self.host


class UnknownCriterionError(ValueError):
    """A criterion that the sshd imitated here does not have; a newer one may."""


class Criterion(NamedTuple):
    """One of those that a Match line joins by "and": `User a,b` is ("user", "a,b")."""

    name: str
    argument: str


def wildcard(text: str, pattern: str) -> bool:
    """Tell whether a text matches a pattern with `*` and `?`, each of which is for bytes."""
    return fnmatch.fnmatchcase(_bytes(text), _bytes(pattern).replace(b"[", b"[[]"))


def in_list(text: str, patterns: str) -> bool | None:
    """Match a text with patterns that commas part."""
    found = None
    for entry in patterns.removesuffix(",").split(",") if patterns else []:
        pattern = entry.removeprefix("!")
        if len(_bytes(pattern)) > _SUBPATTERN_MAX:
            return None
        if wildcard(text, pattern):
            if pattern != entry:
                return False
            found = True
    return found


def in_hosts(host: str, patterns: str) -> bool | None:
    """Match a host's name, in whatever case."""
    return in_list(folded(host), folded(patterns))


def in_addresses(address: str | None, patterns: str) -> bool | None:
    """Match an address with networks and wildcards that commas part.

    Raises ValueError on an entry that sshd would not take. Without an address that is all.
    """
    mine = _parse_ip(address) if address is not None else None
    if address is not None and mine is None:
        return None
    found = None
    for entry in patterns.split(","):
        pattern = entry.removeprefix("!")
        if not pattern:
            raise ValueError("an empty address")
        network = _parse_network(pattern)
        if mine is None or address is None:
            continue
        if mine in network if network else wildcard(address, pattern):
            if pattern != entry:
                return False
            found = True
    return found


def in_user(connection: Connection, pattern: str) -> bool | None:
    """Match a connection with a pattern of AllowUsers or DenyUsers: USER or USER@HOSTS.

    Raises ValueError on an address that sshd would not take.
    """
    user, at, hosts = pattern.partition("@")
    if not wildcard(connection.user, user):
        return None
    return _from_host(connection, hosts) if at else True


def check_user(pattern: str) -> None:
    """Raise ValueError where a pattern of AllowUsers or DenyUsers makes no sense."""
    _, at, hosts = pattern.partition("@")
    if at:
        in_addresses(None, hosts)


def _from_host(connection: Connection, patterns: str) -> bool | None:
    by_address = in_addresses(connection.address, patterns)
    if by_address is False or connection.name is None or connection.address is None:
        return None
    by_name = in_hosts(connection.name, patterns)
    return True if by_name is not False and (by_name or by_address) else None


def criteria(rest: str) -> tuple[Criterion, ...]:
    """Read what follows `Match`. Raises ValueError where sshd would not take it."""
    found: list[Criterion] = []
    left: str | None = rest
    while True:
        word, left = next_word(left)
        if not word or word.startswith("#"):
            break
        name = folded(word)
        argument, left = next_word(left)
        given = bool(argument) and not str(argument).startswith("#")
        if name == "all":
            if found or given:
                raise ValueError("'all' goes with no other criterion")
            return (Criterion(name, ""),)
        if not given:
            raise ValueError(f"nothing follows {word!r}")
        found.append(_checked(name, str(argument)))
    if not found:
        raise ValueError("no criterion")
    if left and not word:
        raise ValueError("something follows an empty criterion")
    return tuple(found)


def _checked(name: str, argument: str) -> Criterion:
    if name not in _HOLDS:
        raise UnknownCriterionError(f"no criterion of sshd 9.2: {name!r}")
    if name in {"address", "localaddress"}:
        in_addresses(None, argument)
    if name == "localport" and _port(argument) is None:
        raise ValueError(f"no port: {argument!r}")
    return Criterion(name, argument)


def holds(wanted: tuple[Criterion, ...], connection: Connection | None) -> bool:
    """Tell whether all criteria hold. At sshd's start there is no connection: `all` does then."""
    if wanted[0].name == "all":
        return True
    if connection is None:
        return False
    return all(_HOLDS[name](connection, argument) for name, argument in wanted)


def _user(connection: Connection, patterns: str) -> bool:
    return bool(in_list(connection.user, patterns))


def _group(connection: Connection, patterns: str) -> bool:
    groups = connection.account.groups if connection.account else ()
    matches = [in_list(group, patterns) for group in groups]
    return True in matches and False not in matches


def _host(connection: Connection, patterns: str) -> bool:
    return connection.name is not None and bool(in_hosts(connection.name, patterns))


def _address(connection: Connection, patterns: str) -> bool:
    return bool(in_addresses(connection.address, patterns))


def _local_address(connection: Connection, patterns: str) -> bool:
    return bool(in_addresses(connection.local_address, patterns))


def _local_port(connection: Connection, port: str) -> bool:
    return _port(port) == connection.local_port


def _rdomain(connection: Connection, patterns: str) -> bool:
    return connection.rdomain is not None and bool(in_list(connection.rdomain, patterns))


_HOLDS = {
    "user": _user,
    "group": _group,
    "host": _host,
    "address": _address,
    "localaddress": _local_address,
    "localport": _local_port,
    "rdomain": _rdomain,
}


def _port(text: str) -> int | None:
    """Return a port's number, also of a service that this machine knows by name (a2port)."""
    try:
        if re.fullmatch(r"[ \t\n\v\f\r]*[+-]?[0-9]+", text):
            return number if 0 <= (number := int(text)) <= _PORT_MAX else None
        return socket.getservbyname(text, "tcp")
    except (OSError, ValueError):
        return None


class _Ip(NamedTuple):
    bits: int
    value: int
    scope: int


class _Network(NamedTuple):
    first: _Ip
    length: int

    def __contains__(self, address: object) -> bool:
        """Tell whether an address, of whatever family, lies in the network."""
        if not isinstance(address, _Ip) or address.bits != self.first.bits:
            return False
        rest = self.first.bits - self.length
        return address._replace(value=address.value >> rest << rest) == self.first


def _parse_ip(text: str) -> _Ip | None:
    """Read an address as the C library does, old spellings (10.1) and scopes too."""
    try:
        sockaddr = socket.getaddrinfo(_bytes(text), None, flags=socket.AI_NUMERICHOST)[0][4]
    except (OSError, ValueError):
        return None
    ip = ipaddress.ip_address(str(sockaddr[0]).partition("%")[0])
    return _Ip(ip.max_prefixlen, int(ip), int(sockaddr[-1]) if ip.version == _IPV6 else 0)


def _parse_network(text: str) -> _Network | None:
    """Read ADDRESS or ADDRESS/LENGTH; None where it is neither, so a wildcard.

    Raises ValueError where bits of the address lie outside the length.
    """
    address, slash, length = text.partition("/")
    if len(_bytes(text)) > _ADDRESS_MAX or (slash and not re.fullmatch("[0-9]+", length)):
        return None
    ip = _parse_ip(address)
    if ip is None or (slash and int(length) > _LENGTH_MAX):
        return None
    network = _Network(ip, int(length) if slash else ip.bits)
    if network.length > ip.bits or ip not in network:
        raise ValueError(f"the address does not fit its length: {text}")
    return network


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
