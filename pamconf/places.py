"""Where logins to a service may come from, as far as its rules tell places apart."""

import ipaddress
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pamconf.access import parse, read_options
from pamconf.access_who import Names, Network, Origin, read_address, read_network
from pamconf.accounts import Account
from pamconf.errors import PamconfError, UnreadableError
from pamconf.login import World
from pamconf.models.succeed_if import conditions

if TYPE_CHECKING:
    from pamconf.stack import Rule, Service

_HERE = "at the machine itself"
_ELSEWHERE = "from elsewhere"
_REMOTE = ("sshd",)
_TERMINALS = {"sshd": "ssh", "cron": "cron"}
_DISPLAYS = ("lightdm", "gdm", "sddm", "xdm")
_LOCAL = ("su", "sudo", "login", "cron", "atd", "polkit", "runuser", "systemd", "chsh", "passwd")
"""Beginnings of the names of services that never say a remote host (see _DISPLAYS, too)."""

OUTSIDE = ("203.0.113.7", "198.51.100.7", "192.0.2.7", "8.8.8.8", "100.64.0.7", "2001:db8::7")
"""Addresses that stand for elsewhere: the first that no rule names (RFC 5737, RFC 3849)."""


def world_of(service: "Service", names: Names | None = None, user: Account | None = None) -> World:
    """Return the world that logins to a service come from: its root, with all of its places.

    `names` are what pam_access may ask there, `user` is who logs in, None for anybody.
    """
    names = names or Names()
    bare = World(service.root, names=names)
    return World(service.root, user, places(service, bare), names)


def places(service: "Service", world: World) -> Mapping[str, Origin]:
    """Return an origin for each place that the rules may treat in its own way, by a phrase.

    Networks and addresses in access files that the rules name are places; so is what lies outside
    all of them, and the machine itself, for services that one can use there.
    """
    known = dict(networks(service, world))
    found = {}
    terminal = _terminal(service.name)
    if not service.name.startswith((*_LOCAL, *_DISPLAYS)):
        for word, network in known.items():
            found[f"from {word}"] = Origin(_inside(network), terminal, service.name)
        for word in dict.fromkeys(_hosts(service, world)):
            found[f"from {word}"] = Origin(_sample(word), terminal, service.name)
        outside = next(
            text
            for text in (*OUTSIDE, "::7")
            if not any((read_address(text) or b"") in one for one in known.values())
        )
        found[_ELSEWHERE] = Origin(outside, terminal, service.name)
    if service.name not in _REMOTE:
        found[_HERE] = Origin(None, terminal, service.name)
        for word in dict.fromkeys(_origins(service, world)):
            if re.fullmatch(r"tty\d+", word) and word != terminal:
                found[f"at {word}"] = Origin(None, word, service.name)
    return found


def _hosts(service: "Service", world: World) -> Iterator[str]:
    """Yield names, domains and beginnings of addresses that rules compare a host with."""
    for word in _origins(service, world):
        if "." in word and not word.startswith("@") and read_network(word) is None:
            yield word
    for rule in _rules(service):
        if rule.name == "pam_succeed_if":
            for _, field, test, value in conditions(rule.arguments):
                if field == "rhost" and value:
                    yield from value.split(":") if test in {"in", "notin"} else [value]


def _sample(word: str) -> str:
    """Return a host that such a word is about."""
    if word.endswith("."):
        return ".".join((*word.split(".")[:-1], "1", "1", "1")[:4])
    if word.startswith("."):
        return f"host{word}"
    for filled in (word.replace("*", part) for part in ("1", "1.1", "1.1.1")):
        if read_address(filled):
            return filled
    return word.replace("*", "x").replace("?", "x")


def _rules(service: "Service") -> "Iterator[Rule]":
    yield from dict.fromkeys((*service.rules("auth"), *service.rules("account")))


def is_at_the_machine(service: str) -> bool:
    """Tell whether a service is for who sits at the machine, not for who is logged in already."""
    return service == "login" or service.startswith(_DISPLAYS)


def is_never_remote(service: str) -> bool:
    """Tell whether a service never says a remote host, wherever somebody comes from."""
    return service.startswith((*_LOCAL, *_DISPLAYS, "xrdp"))


def _terminal(name: str) -> str:
    return ":0" if name.startswith(_DISPLAYS) else _TERMINALS.get(name, "tty1")


def _inside(network: Network) -> str:
    """Return an address of a network: its first that is no network's own name."""
    first = ipaddress.ip_address(network.address)
    if network.mask is None or network.mask == b"\xff" * len(network.mask):
        return str(first)
    base = int.from_bytes(network.address) & int.from_bytes(network.mask)
    return str(type(first)(base + 1))


def networks(service: "Service", world: World) -> Iterator[tuple[str, Network]]:
    """Yield the networks and addresses of access files that a service's rules name, as written."""
    for word in _origins(service, world):
        network = read_network(word)
        if network:
            yield word, network


def _origins(service: "Service", world: World) -> Iterator[str]:
    """Yield the words for origins in the access files that a service's rules name."""
    rules = filter(reads_access_file, _rules(service))
    read = (read_options(arguments) for arguments in dict.fromkeys(one.arguments for one in rules))
    for path, *separators in dict.fromkeys(
        (one.accessfile, one.fieldsep, one.listsep) for one in read
    ):
        try:
            file = parse(world.files.read(path), path, *separators)
        except UnreadableError:
            raise
        except PamconfError:
            continue
        for word in itertools.chain.from_iterable(line.origin_words for line in file.rules):
            yield word.text


def reads_access_file(rule: "Rule") -> bool:
    """Tell whether a rule's module reads an access file: pam_access, and others that name one."""
    named = any(argument.startswith("accessfile=") for argument in rule.arguments)
    return named or rule.name == "pam_access"
