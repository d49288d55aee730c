"""Connections that stand for all others: one for each Match line, for which it holds."""

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from pamconf.sshd import match
from pamconf.sshd.config import File, Node
from pamconf.sshd.match import Connection, Criterion

_PLAIN = str.maketrans({"*": "", "?": "x"})


def samples(config: File, whoever: Connection) -> Iterator[tuple[Connection, Node]]:
    """Yield a connection for each Match line for which one can be made up, `whoever`'s changed.

    `whoever` needs an account. What a line does not ask about stays as it is.
    """
    for node in nodes(config):
        if not node.criteria or node.criteria[0].name == "all":
            continue
        connection = whoever
        for criterion in node.criteria:
            connection = _changed(connection, criterion)
        if match.holds(node.criteria, connection):
            yield connection, node


def nodes(config: File) -> Iterator[Node]:
    """Yield the lines of a configuration in the order in which they are read."""
    for node in config.nodes:
        yield node
        for inner in node.files:
            yield from nodes(inner)


def _changed(connection: Connection, criterion: Criterion) -> Connection:
    """Return a connection for which a criterion may hold."""
    wanted = next((one for one in criterion.argument.split(",") if not one.startswith("!")), "")
    return _CHANGES[criterion.name](connection, wanted)


def _plain(pattern: str) -> str:
    return pattern.translate(_PLAIN) or "somebody"


def _as_user(connection: Connection, pattern: str) -> Connection:
    account = connection.account and replace(connection.account, name=_plain(pattern))
    return replace(connection, user=_plain(pattern), account=account)


def _in_group(connection: Connection, pattern: str) -> Connection:
    account = connection.account
    groups = (_plain(pattern), *(account.groups if account else ()))
    return replace(connection, account=account and replace(account, groups=groups))


def _to_port(connection: Connection, port: str) -> Connection:
    return replace(connection, local_port=int(port)) if port.isdecimal() else connection


_CHANGES: Mapping[str, Callable[[Connection, str], Connection]] = {
    "user": _as_user,
    "group": _in_group,
    "host": lambda connection, pattern: replace(connection, host=_plain(pattern)),
    "address": lambda connection, pattern: replace(connection, address=_address(pattern)),
    "localaddress": lambda connection, pattern: replace(
        connection, local_address=_address(pattern)
    ),
    "localport": _to_port,
    "rdomain": lambda connection, pattern: replace(connection, rdomain=_plain(pattern)),
}


def _address(pattern: str) -> str:
    """Return an address that a pattern of sshd's matches: a network's, or by its wildcards."""
    try:
        return str(ipaddress.ip_network(pattern).network_address)
    except ValueError:
        return pattern.replace("*", "1").replace("?", "1")
