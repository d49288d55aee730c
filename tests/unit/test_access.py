"""The access file, read strictly. tests/pam/test_access.py compares it with the real pam_access."""

import pytest
from doorward.native import access_skips

GROUPS = {"alice": {"alice", "staff"}, "bob": {"bob"}}

# What the file says, who comes from where (no address: ""), and whether they skip the code.
DECISIONS = [
    ("+ : ALL : 10.0.0.0/8", "alice", "10.1.2.3", True),
    ("+ : ALL : 10.0.0.0/8", "alice", "11.1.2.3", False),
    ("+ : ALL : 10.0.0.0/8", "alice", "", False),
    ("+ : ALL : 10.1.2.3/8", "alice", "10.9.9.9", True),  # host bits are fine
    ("+ : ALL : 192.168.1.0/25", "alice", "192.168.1.127", True),
    ("+ : ALL : 192.168.1.0/25", "alice", "192.168.1.128", False),
    ("+ : ALL : 192.168.1.7", "alice", "192.168.1.7", True),
    ("+ : ALL : 192.168.1.7", "alice", "192.168.1.70", False),
    ("+ : ALL : 192.168.1.7/32", "alice", "192.168.1.7", True),
    ("+ : ALL : 0.0.0.0/0", "alice", "203.0.113.9", True),
    ("+ : ALL : 0.0.0.0/0", "alice", "2001:db8::1", False),
    ("+ : ALL : ::/0", "alice", "2001:db8::1", True),
    ("+ : ALL : ::/0", "alice", "203.0.113.9", False),
    ("+ : ALL : ::/0", "alice", "::ffff:203.0.113.9", False),
    ("+ : ALL : 2001:db8::/32", "alice", "2001:db8:1::9", True),
    ("+ : ALL : 2001:db8::/33", "alice", "2001:db8:8000::9", False),
    ("+ : ALL : 10.0.0.0/8", "alice", "::ffff:10.0.0.1", True),
    ("+ : ALL : ::ffff:10.0.0.0/104", "alice", "10.0.0.1", True),
    ("+ : ALL : ::ffff:10.0.0.1", "alice", "10.0.0.1", True),
    ("+ : ALL : LOCAL", "alice", "", True),
    ("+ : ALL : local", "alice", "", True),
    ("+ : ALL : LOCAL", "alice", "localhost", False),
    ("+ : ALL : LOCAL", "alice", "127.0.0.1", False),
    ("+ : ALL : ALL", "alice", "host.example.org", True),
    ("+ : all : all", "alice", "203.0.113.9", True),
    ("+ : alice : ALL", "alice", "203.0.113.9", True),
    ("+ : alice : ALL", "bob", "203.0.113.9", False),
    ("+ : Alice : ALL", "alice", "203.0.113.9", True),  # as pam_access
    ("- : Alice : ALL\n+ : ALL : ALL", "alice", "203.0.113.9", False),
    ("+ : staff : ALL", "alice", "203.0.113.9", True),
    ("+ : (staff) : ALL", "alice", "203.0.113.9", True),
    ("+ : (alice) : ALL", "alice", "203.0.113.9", True),
    ("+ : (staff) : ALL", "bob", "203.0.113.9", False),
    ("+ : bob,alice : ALL", "alice", "203.0.113.9", True),
    ("+ : ALL EXCEPT alice : ALL", "alice", "203.0.113.9", False),
    ("+ : ALL EXCEPT alice : ALL", "bob", "203.0.113.9", True),
    ("+ : ALL EXCEPT ALL EXCEPT alice : ALL", "alice", "203.0.113.9", True),
    ("+ : ALL EXCEPT ALL EXCEPT alice : ALL", "bob", "203.0.113.9", False),
    ("+ : bob EXCEPT bob EXCEPT alice : ALL", "alice", "203.0.113.9", False),
    ("+ : ALL : 10.0.0.0/8 EXCEPT 10.9.0.0/16", "alice", "10.9.1.1", False),
    ("+ : ALL : 10.0.0.0/8 EXCEPT 10.9.0.0/16", "alice", "10.8.1.1", True),
    ("+ : ALL : 192.0.2.1 10.0.0.0/8,LOCAL", "alice", "", True),
    ("- : alice : 10.9.0.0/16\n+ : ALL : 10.0.0.0/8", "alice", "10.9.1.1", False),
    ("+ : alice : 10.9.0.0/16\n- : ALL : 10.0.0.0/8", "alice", "10.9.1.1", True),
    ("- : ALL : ALL\n+ : ALL : ALL", "alice", "10.9.1.1", False),
    ("", "alice", "10.0.0.1", False),
    ("\n\n# + : ALL : ALL\n", "alice", "10.0.0.1", False),
    ("\t\n+:ALL:ALL\r\n", "alice", "10.0.0.1", True),
    ("+\t:\tALL\t:\tALL\t", "alice", "10.0.0.1", True),
]

# What cannot be decided on asks: whether the host is in a network, or the user in a group.
UNDECIDED = [
    ("+ : ALL : 10.0.0.0/8", "host.example.org"),
    ("+ : ALL : 10.0.0.0/8", "10.0.0.1.example.org"),
    ("+ : ALL : 10.0.0.0/8", "010.0.0.1"),
    ("+ : ALL : ALL EXCEPT 127.0.0.0/8", "localhost"),
    ("- : ALL : 127.0.0.0/8\n+ : ALL : ALL", "localhost"),
    ("- : ALL : fe80::/10\n+ : ALL : ALL", "fe80::1%eth0"),
    ("- : (down) : ALL\n+ : ALL : ALL", "10.0.0.1"),
    ("- : down : ALL\n+ : ALL : ALL", "10.0.0.1"),
    ("+ : ALL EXCEPT (down) : ALL", "10.0.0.1"),
    ("- : (no-such) : ALL\n+ : ALL : ALL", "10.0.0.1"),
    ("+ : ALL EXCEPT (no-such) : ALL", "10.0.0.1"),
]

# One of these anywhere makes everybody be asked.
MALFORMED = [
    "+ : ALL",
    "+",
    "ALL : ALL : ALL",
    "x : ALL : ALL",
    "+- : ALL : ALL",
    "++ : ALL : ALL",
    " + : ALL : ALL",
    " # a comment that does not begin in the first column",
    "+ :  : ALL",
    "+ : ALL : ",
    "+ : ALL : EXCEPT 10.0.0.1",
    "+ : ALL EXCEPT : ALL",
    "+ : ALL : ALL EXCEPT",
    "+ : ALL : 10.0.0.0/24 # old",
    "+ : ALL # everybody : ALL",
    "+ : @netgroup : ALL",
    "+ : 1000 : ALL",
    "+ : alice@host : ALL",
    "+ : (staff : ALL",
    "+ : () : ALL",
    "+ : (a( : ALL",
    "+ : (a# : ALL",
    "+ : st)aff : ALL",
    "+ : ALL : host.example.org",
    "+ : ALL : .example.org",
    "+ : ALL : tty1",
    "+ : ALL : 10.0.0.",
    "+ : ALL : 10.0.0.0/255.0.0.0",
    "+ : ALL : 10.0.0.0/33",
    "+ : ALL : 10.0.0.0/024",
    "+ : ALL : 10.0.0.0/",
    "+ : ALL : 10.0.0.0/-8",
    "+ : ALL : 10.0.0.0/8/8",
    "+ : ALL : 10.0.0.0/4294967304",
    "+ : ALL : 10.0.0",
    "+ : ALL : 2001:db8::/129",
    "+ : ALL : 2001:db8:::/32",
    "+ : ALL : @netgroup",
    "+ : ALL : " + "1" * 300,
    "+ : " + "a" * 300 + " : ALL",
    "+ : ALL : ALL\0",
]


def membership(user: str, group: str) -> bool | None:
    """Whether a user is in a group; None where there is no such group, OSError for "down"."""
    if group == "down":
        raise OSError
    return group in GROUPS[user] if group in set.union(*GROUPS.values()) else None


def skips(text: str, user: str, host: str) -> bool:
    """Whether the user skips the code; the file must be well-formed."""
    verdict = access_skips(text.encode(), user, host, lambda group: membership(user, group))
    assert verdict.problem is None
    return verdict.skips


@pytest.mark.parametrize(("text", "user", "host", "expected"), DECISIONS)
def test_decisions(text: str, user: str, host: str, *, expected: bool) -> None:
    """Somebody would be let in without a code, or asked in spite of the file."""
    assert skips(text, user, host) == expected
    assert skips(text + "\n", user, host) == expected


@pytest.mark.parametrize("line", MALFORMED)
@pytest.mark.parametrize("before", [True, False])
def test_one_bad_line_asks_everybody(line: str, *, before: bool) -> None:
    """A slip in a file would open the door further than its author meant."""
    good = "+ : ALL : ALL"
    text = "\n".join([line, good] if before else [good, "", line])
    verdict = access_skips(text.encode(), "alice", "10.0.0.1", lambda _: True)
    assert not verdict.skips
    assert verdict.problem
    number, what = verdict.problem
    assert number == (1 if before else 3)
    assert what


def test_groups_are_looked_up_no_more_than_needed() -> None:
    """Each login would wait for a directory server that it need not ask."""
    asked: set[str] = set()
    text = b"+ : alice : ALL\n+ : (staff) : ALL\n- : other : 10.0.0.1\n"

    def in_group(group: str) -> bool:
        asked.add(group)
        return False

    assert access_skips(text, "alice", "10.0.0.1", in_group).skips
    assert not asked


@pytest.mark.parametrize(("text", "host"), UNDECIDED)
def test_what_cannot_be_decided_on_asks(text: str, host: str) -> None:
    """A directory that is down, or a name server, would open the door."""
    verdict = access_skips(text.encode(), "alice", host, lambda name: membership("alice", name))
    assert not verdict.skips
    assert verdict.problem


def test_what_does_not_matter_any_more_is_not_decided_on() -> None:
    """A directory that is down would close the door that a line above had opened."""
    text = b"+ : alice : ALL\n- : (down) : 10.0.0.0/8\n"
    assert access_skips(text, "alice", "host.example.org", lambda _: None).skips
