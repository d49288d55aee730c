"""Whom pam_access lets in by an access file, as `pamconf.access` has read it.

The reading is that of Linux-PAM 1.5.2; see there what newer ones do otherwise.
"""

import itertools
import re
import socket
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pamconf.access import AccessFile, Malformed, Rule, Word, is_word

MAPPED = b"\0" * 10 + b"\xff\xff"
"""What stands before the 4 bytes of an IPv4 address inside IPv6."""

# --- Networks ---


@dataclass(frozen=True)
class Network:
    """An address of 4 or 16 bytes, and which of its bits count; None: the address itself."""

    address: bytes
    mask: bytes | None = None

    def __contains__(self, address: bytes) -> bool:
        if len(address) != len(self.address):
            return False
        mask = self.mask or b"\xff" * len(address)
        return all(a & m == b & m for a, b, m in zip(address, self.address, mask, strict=True))


def read_address(text: str) -> bytes | None:
    """Return the 4 or 16 bytes of an address as inet_pton(3) takes it, or None."""
    if not text.isascii() or "\0" in text:
        return None
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return socket.inet_pton(family, text)
        except OSError:
            continue
    return None


def read_bits(text: str) -> int | None:
    """Return a number as strtol(3) reads it with base 0: 024 is 20, and 0x18 is 24; or None."""
    found = re.fullmatch(
        r"[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]{0,18}))", text
    )
    if not found:
        return None
    sign, hexadecimal, octal, decimal = found.groups()
    number = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
    return -number if sign == "-" else number


def read_network(word: str) -> Network | None:
    """Return what `address`, `address/bits` or `address/mask` means; None where it is none.

    No bits at all (/0), and the mask of another family, count as no mask.
    """
    text, slash, end = word.partition("/")
    address = read_address(text)
    if address is None or not slash:
        return Network(address) if address else None
    mask = read_address(end)
    if mask:
        return Network(address, mask if len(mask) == len(address) else None)
    bits = read_bits(end)
    width = len(address) * 8
    if bits is None or not 0 <= bits <= width:
        return None
    mask = ((1 << width) - (1 << width - bits)).to_bytes(len(address))
    return Network(address, mask if bits else None)


# --- Who is let in ---


def literal_addresses(host: str, *, ipv4_only: bool) -> Sequence[str]:
    """Return the address that `host` is, and none where it is a name.

    As getaddrinfo(3) without a name service: 10.1 is 10.0.0.1, 010.0.0.1 is 8.0.0.1, and where only
    IPv4 is wanted, ::ffff:10.0.0.1 is 10.0.0.1. The zone of a link-local address is left out.
    """
    if re.fullmatch(r"[0-9a-fA-FxX]+(\.[0-9a-fA-FxX]+){0,3}", host):
        try:
            return [socket.inet_ntoa(socket.inet_aton(host))]
        except OSError:
            return []
    address = read_address(re.sub(r"(?i)^(fe[89ab][^%]*)%.+", r"\1", host))
    if address is None:
        return []
    if not ipv4_only:
        return [socket.inet_ntop(socket.AF_INET6, address)]
    return [socket.inet_ntoa(address[12:])] if address[:12] == MAPPED else []


class AddressLookup(Protocol):
    """Says the addresses of a host, as inet_ntop(3) writes them; none: it cannot be found."""

    def __call__(self, host: str, *, ipv4_only: bool) -> Sequence[str]:
        """Return the addresses of `host`, of IPv4 alone, or of both."""


@dataclass(frozen=True)
class Names:
    """What pam_access asks of the name service. As it stands there is none.

    `in_netgroup` is asked for a netgroup, a host and a user, of which each may be None: any
    (innetgr(3)). `host_name` is this machine's own, for user@host; None where it has none.
    """

    addresses: AddressLookup = literal_addresses
    in_netgroup: Callable[[str, str | None, str | None], bool] = lambda *_: False
    host_name: str | None = None


@dataclass(frozen=True)
class Origin:
    """Where a login comes from: PAM_RHOST, PAM_TTY and PAM_SERVICE; what is not set is None.

    Where PAM_TTY is not set, pam_access takes the terminal on the program's standard input for it.
    """

    rhost: str | None = None
    tty: str | None = None
    service: str = ""

    @property
    def is_remote(self) -> bool:
        """Whether there is a remote host. Where not, LOCAL matches, and networks never do."""
        return bool(self.rhost)

    @property
    def name(self) -> str:
        """What origins are compared with: host, terminal (less its /dev/), or service."""
        if self.rhost:
            return self.rhost
        name = self.service if self.tty is None else self.tty
        return re.sub(r"\A/(?:[^/]*/)?", "", name)


@dataclass(frozen=True)
class Decision:
    """What pam_access says: `rule` is the one that decided, None where none matched.

    `warnings` say where this may be otherwise than somebody meant it, `remarks` only what it was
    that lines were compared with.
    """

    granted: bool
    rule: Rule | None
    warnings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def who(
    file: AccessFile,
    user: str,
    groups: Container[str],
    origin: Origin,
    names: Names | None = None,
    *,
    nodefgroup: bool = False,
) -> Decision:
    """Say what pam_access returns for a login of `user`, who is in these groups.

    `nodefgroup` is the module's option. Others make no difference (`noaudit`, `debug`), or are
    those of `parse` (`fieldsep=`, `listsep=`). Where the module has no `accessfile=` and there is
    no rule in the decision, it goes on to /etc/security/access.d/*.conf.
    """
    names = names or Names()
    place = _Place(origin.name, names, is_remote=origin.is_remote)
    login = _Login(user, groups, place, names, nodefgroup)
    decisive = next((rule for rule in file.rules if login.meets(rule)), None)
    granted = decisive is None or decisive.grants
    warnings = tuple(_warnings(file, decisive, origin))
    return Decision(granted, decisive, warnings, tuple(_remarks(origin)))


@dataclass(frozen=True)
class _Login:
    """A login, as words are compared with it."""

    user: str
    groups: Container[str]
    place: "_Place"
    names: Names
    nodefgroup: bool

    def meets(self, rule: Rule) -> bool:
        """Whether a rule is about this login."""
        return _matches(rule.user_words, self._is) and _matches(rule.origin_words, self.place.is_at)

    def _is(self, word: str) -> bool:
        """Compare with the user; an @ that does not stand first makes `user@this-host`."""
        found = re.fullmatch(r"(?s)(@*[^@]+)@(.*)", word)
        if found and not _is_group(word):
            return self._is_named(found[1]) and self._is_on(found[2])
        return self._is_named(word)

    def _is_named(self, word: str) -> bool:
        if _is_group(word):
            return word[1:-1] in self.groups
        if word.startswith("@"):
            return self._is_in_netgroup(word[1:])
        if is_word(word, "ALL") or is_word(word, self.user):
            return True
        return not self.nodefgroup and word in self.groups

    def _is_in_netgroup(self, netgroup: str) -> bool:
        if not netgroup.startswith("@"):
            return self.names.in_netgroup(netgroup, None, self.user)
        host = self.names.host_name
        return host is not None and self.names.in_netgroup(netgroup[1:], host, self.user)

    def _is_on(self, word: str) -> bool:
        host = self.names.host_name
        return host is not None and _Place(host, self.names, is_remote=True).is_at(word)


def _is_group(word: str) -> bool:
    return word.startswith("(") and word.endswith(")")


class _Place:
    """Where a login comes from, or this host, as words are compared with it."""

    def __init__(self, name: str, names: Names, *, is_remote: bool) -> None:
        self._name = name
        self._names = names
        self._is_remote = is_remote
        self._found: Sequence[str] | None = None

    def is_at(self, word: str) -> bool:
        """Whether a word of a list of origins is about this place."""
        if word.startswith("@"):
            return self._names.in_netgroup(word[1:], self._name, None)
        if is_word(word, "ALL") or is_word(word, self._name):
            return True
        if is_word(word, "LOCAL"):
            return not self._is_remote
        return self._is_remote and self._is_host(word)

    def _is_host(self, word: str) -> bool:
        if word.startswith("."):
            return is_word(self._name[-len(word) :], word)
        if word.endswith("."):
            return any(f"{one}.".startswith(word) for one in self._addresses(ipv4_only=True))
        network = read_network(word)
        if network is None:
            return False
        itself = read_address(self._name)
        if itself:
            return itself in network
        found = map(read_address, self._addresses(ipv4_only=False))
        return any(one in network for one in found if one)

    def _addresses(self, *, ipv4_only: bool) -> Sequence[str]:
        """Look the host up, once: the first answer stays, whichever addresses were asked for."""
        if self._found is None:
            self._found = self._names.addresses(self._name, ipv4_only=ipv4_only)
        return self._found


def _matches(words: Sequence[Word], matches: Callable[[str], bool]) -> bool:
    """Whether a list matches: `a EXCEPT b EXCEPT c` is a, but not (b, but not c).

    So it does where an odd number of its parts, from the first on, match without a gap.
    """
    matching = itertools.takewhile(lambda part: any(map(matches, part)), _parts(words))
    return sum(1 for _ in matching) % 2 == 1


def _parts(words: Sequence[Word]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in words:
        if is_word(word.text, "EXCEPT"):
            yield part
            part = []
        else:
            part.append(word.text)
    yield part


def _warnings(file: AccessFile, decisive: Rule | None, origin: Origin) -> Iterator[str]:
    before = itertools.takewhile(lambda line: line is not decisive, file.lines)
    for line in before:
        if isinstance(line, Malformed):
            yield f"line {line.number} is passed over: {line.what}"
    if decisive is None:
        yield "whom no line matches is let in"
    elif decisive.permission.column != decisive.column:
        yield f"line {decisive.number} begins with a separator, and so it refuses"
    if origin.is_remote:
        yield from _host_warnings(origin.name)


def _remarks(origin: Origin) -> Iterator[str]:
    if not origin.is_remote:
        called = f", and the origin is called {origin.name!r}" if origin.name else ""
        yield f"there is no remote host: LOCAL matches, networks do not{called}"


def _host_warnings(host: str) -> Iterator[str]:
    address = read_address(host)
    if address is None:
        yield f"{host} is no address: it is looked up, and what its owner's DNS says counts"
    elif address[:12] == MAPPED:
        yield f"{host} is IPv4 inside IPv6, and matches no address or network of IPv4"
