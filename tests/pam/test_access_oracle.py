"""pamconf's reading of access files, side by side with the real pam_access.so."""

import random
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from pamconf.access import CHUNK, Options, parse, read_options
from pamconf.access_who import Names, Origin, literal_addresses, who
from pamconf.lines import bytes_of
from tests.pam.libpam import PAM_RHOST, PAM_TTY, login

FILES = 2000
LOGINS_EACH = 4
SEED = 1097  # as good as any

HOST = socket.gethostname()
GROUPS = {"galuser": {"galstaff", "GalMixed", "gal@staff"}, "galother": {"galprimary"}}
GROUP_LINES = "galstaff:x:4200:galuser\nGalMixed:x:4201:galuser\ngalnone:x:4202:\n"
GROUP_LINES += "gal@staff:x:4203:galuser\n"
GROUP_LINES += "galprimary:x:4102:\n"

HOSTS = {
    HOST: ["10.1.7.7"],
    "v4.example.org": ["10.1.2.3", "192.168.0.9"],
    "v6.example.org": ["2001:db8::6"],
    "both.example.org": ["10.200.0.1", "2001:db8:8000::6"],
    "localhost": ["127.0.0.1", "::1"],
    "short": ["192.168.0.1"],
}
# Of each netgroup its (host, user); None is any, "-" is none.
NETGROUPS: dict[str, list[tuple[str | None, str | None]]] = {
    "people": [("-", "galuser")],
    "machines": [("v4.example.org", "-"), ("10.1.2.3", "-"), (HOST, "-")],
    "anybody": [(None, None)],
    "here": [(HOST, "galother")],
}


def words(text: str, *more: str) -> list[str]:
    """The words of a text, and others."""
    return [*text.replace("HOST", HOST).split(), *more]


USER_WORDS = words(
    """
    ALL all galuser galuser galother GalUser galstaff (galstaff) GALSTAFF (GALSTAFF) GalMixed
    (GalMixed) galnone (galnone) galprimary (galprimary) nobody () ( ) (galstaff galuser) 4101
    (gal@staff) (gal@staff) gal@staff
    @people @machines @anybody @here @@here @@people @none @ @@ galuser@HOST galuser@host ALL@ALL
    galuser@LOCAL galuser@10. galuser@10.1.7.0/24 galuser@2001 ALL@.org galuser@@machines
    @people@HOST @people@@machines galuser@ (galstaff)@HOST galother@HOST galuser@HOST@x NONE LOCAL
    # #galuser galuser# EXCEPTgaluser gal\xfcser
    """,
    "galuser\r",
)
ORIGIN_WORDS = words(
    """
    ALL all LOCAL LOCAL local NONE none 10.0.0.0/8 10.1.0.0/16 10.1.2.3 10.1.2.0/29 192.168.0.1
    2001:db8::/32 2001:db8::1 2001:db8:8000::/33 0.0.0.0/0 ::/0 10.1.2.3/0 10.1.2.3/024 10.0.0.0/010
    10.1.2.0/0x18 10.0.0.0/+8 10.0.0.0/-8 10.0.0.0/08 10.0.0.0/33 10.0.0.0/ 10.0.0.0/8/8
    10.0.0.0/0x 10.0.0.0/99999999999999999999 10.0.0.0/255.0.0.0 10.1.2.3/255.0.255.0
    0.0.0.0/0.0.0.0 10.1.2.3/ff00:: ::/:: 2001:db8::9/ffff:: 2001:db8::1/129 2001:db8::1/128
    2001:db8::/0x20 2001:db8::9/255.0.0.0 ::ffff:10.1.2.3 ::ffff:10.0.0.0/104 ::ffff:0:0/96
    10. 10.1. 10.1.2.3. 1. 10.1 192.168 192.168. 010. 8. . .. .example.org .EXAMPLE.ORG example.org
    .org v4.example.org V4.example.ORG v6.example.org v4.example.org. short localhost tty1 /dev/tty1
    dev/tty1 pts/0 0 :0 y x oracle fe80::/10 fe80::1 fe80::1%lo 127.0.0.0/8 ::1 @machines @people
    @anybody @none @ # #old 10.1.2.3# : :10.1.2.3 \xe9t\xe9 \xc9T\xc9 EXCEPT. 8.0.0.0/5
    """,
    "10.1.2.3\r",
    "10.0.0.0/\r8",
)
RHOSTS = words(
    """
    10.1.2.3 10.1.2.3 10.1.2.9 10.200.0.1 192.168.0.1 203.0.113.9 0.0.0.0 2001:db8::1 2001:DB8::1
    2001:db8:8000::5 2001:db9::1 ::1 :: ::ffff:10.1.2.3 ::ffff:8.8.8.8 v4.example.org V4.EXAMPLE.org
    v6.example.org both.example.org both.example.org localhost short nowhere.example.org
    v4.example.org. 010.1.2.3 10.1 0x0a010203 10.1.2.3.4 fe80::1%lo fe80::1 local all none EXCEPT
    .example.org tty1 :0 \xe9t\xe9 \xe9t\xe9
    """,
    "10.1.2.3 ",
)
TTYS = ["", "tty1", "tty1", "/dev/tty1", "/dev/pts/0", "pts/0", ":0", "/x", "//y", "/dev/", "all"]
OPTIONS: list[list[str]] = [
    *[[]] * 8,
    ["nodefgroup"],
    ["nodefgroup", "accesfile=/none"],
    ["fieldsep=|"],
    ["fieldsep=|:"],
    ["fieldsep="],
    ["fieldsep=+"],
    ["listsep=,"],
    ["listsep=, "],
    ["fieldsep=|", "listsep=;:"],
    ["listsep="],
]

TRAPS: dict[str, Callable[[random.Random, str], str]] = {
    "leading blank": lambda rng, line: rng.choice(" \t\r") + line,
    "leading separator": lambda _, line: ":" + line,
    "two fields": lambda rng, line: rng.choice([":", " ", ": "]).join(line.split(":")[:2]),
    "empty field": lambda rng, line: line.replace(":", rng.choice(["::", ": :", ":::"]), 1),
    "fourth field": lambda _, line: line + " : ALL",
    "comment behind": lambda _, line: line + " # old 10.1.2.3 galuser",
    "commented out": lambda rng, line: rng.choice(["#", "# ", " #"]) + line,
    "long permission": lambda rng, line: line[:1] + rng.choice("+-x#") + line[1:],
    "bad permission": lambda rng, line: rng.choice("xa(~\xe9") + line[1:],
    "NUL": lambda rng, line: inserted(rng, line, "\0"),
    "stray byte": lambda rng, line: inserted(rng, line, rng.choice("\udcff\xe9\v\f\r\x01")),
    "CR": lambda _, line: line + "\r",
    "trailing blanks": lambda rng, line: (
        line + rng.choice([" ", "\t\v", "\x1f", "\xa0", " : ", " :"])
    ),
    "too long by a comment": lambda rng, line: "#" * (CHUNK - rng.choice([0, 0, 0, 1, 2])) + line,
    "too long by blanks": lambda rng, line: line.replace(" ", " " * rng.randint(2000, 9000), 1),
    "just at the limit": lambda rng, line: padded(line, CHUNK - rng.randint(-1, 2)),
    "too long twice": lambda _, line: "\xe9" * CHUNK + line,
    "blank line": lambda rng, _: rng.choice(["", " ", "\t\r", "\0"]),
}


WORDS = {
    "a word EXCEPT": r"(?i)\bexcept\b",
    "a word @netgroup": r"(?<![^ ,;:|])@",
    "a word user@host": r"[^ ,;:|@]@",
    "a word (group)": r"\([^ ]+\)",
    "a prefix of 0 bits": r"/0(?![0-9x.])",
    "a prefix not in plain decimals": r"/[0+-][0-9x]",
    "a prefix too long": r"/(33|129|9{9})",
    "a mask": r"/[0-9a-f]+[.:]",
    "the start of an address": r"\d\.(?![^ ,;:|\n])",
    "a domain": r"(?<![^ ,;:|])\.[a-zA-Z]",
    "IPv4 inside IPv6": r"::ffff:",
}


def inserted(rng: random.Random, line: str, piece: str) -> str:
    """The line with a piece anywhere in it."""
    at = rng.randint(0, len(line))
    return line[:at] + piece + line[at:]


def padded(line: str, length: int) -> str:
    """The line with blanks in its middle, so long."""
    return line.replace(":", ":" + " " * (length - len(line)), 1)


def some_list(rng: random.Random, words: Sequence[str], separator: str) -> str:
    """A list of either field, with up to three EXCEPTs, also where none belongs."""
    parts = [
        separator.join(rng.choices(words, k=rng.choice([0, 1, 1, 2, 2, 3, 4])))
        for _ in range(rng.choice([1, 1, 1, 1, 2, 2, 3, 4]))
    ]
    return rng.choice([" EXCEPT ", " except ", f"{separator}EXCEPT{separator}"]).join(parts)


def some_line(rng: random.Random, options: Options, traps: Counter[str]) -> str:
    """A line of a file, in every third one a trap, counted."""
    field = rng.choice(options.fieldsep or ":")
    separator = rng.choice([*(options.listsep or ","), f"{rng.choice(options.listsep or ',')} "])
    users = rng.choice(["ALL", "galuser", some_list(rng, USER_WORDS, separator)])
    origins = rng.choice(["ALL", *[some_list(rng, ORIGIN_WORDS, separator)] * 4])
    line = rng.choice([f" {field} ", field]).join([rng.choice("+-"), users, origins])
    if rng.random() < 1 / 3:
        name = rng.choice(list(TRAPS))
        traps[name] += 1
        line = TRAPS[name](rng, line)
    return line


def some_file(rng: random.Random, options: Options, traps: Counter[str]) -> str:
    """A whole file, also an empty one, or one without its last newline or a line for the rest."""
    lines = [some_line(rng, options, traps) for _ in range(rng.randint(0, 7))]
    if rng.random() < 2 / 3:
        lines.append(f" {options.fieldsep[:1]} ".join([rng.choice("--+"), "ALL", "ALL"]))
    else:
        traps["no line for the rest"] += 1
    text = "".join(f"{line}\n" for line in lines)
    if rng.random() < 1 / 8:
        traps["no last newline"] += 1
        text = text.removesuffix("\n")
    return text


def some_origin(rng: random.Random, service: str) -> Origin:
    """Where somebody comes from: mostly a remote host."""
    rhost = rng.choice([rng.choice([None, ""]), *[rng.choice(RHOSTS)] * 3])
    return Origin(rhost, rng.choice([None, *TTYS]), service)


def addresses(host: str, *, ipv4_only: bool) -> Sequence[str]:
    """What this private host's /etc/hosts and no name server say."""
    found = HOSTS.get(host.lower(), [])
    return [one for one in found if "." in one or not ipv4_only] or literal_addresses(
        host, ipv4_only=ipv4_only
    )


def in_netgroup(netgroup: str, host: str | None, user: str | None) -> bool:
    """What this private host's /etc/netgroup says."""
    return any(
        (their_host is None or host is None or their_host.lower() == host.lower())
        and (their_user is None or user is None or their_user == user)
        for their_host, their_user in NETGROUPS.get(netgroup, [])
    )


@pytest.fixture(autouse=True)
def name_service() -> Iterator[None]:
    """GROUPS, HOSTS and NETGROUPS in this private host's /etc."""
    hosts = "".join(f"{one} {name}\n" for name, found in HOSTS.items() for one in found)
    netgroups = "".join(
        f"{name} {' '.join(f'({host or str()},{user or str()},)' for host, user in triples)}\n"
        for name, triples in NETGROUPS.items()
    )
    switch = "passwd: files\ngroup: files\nhosts: files\nnetgroup: files\n"
    texts = {
        "group": Path("/etc/group").read_text() + GROUP_LINES,
        "hosts": hosts,
        "netgroup": netgroups,
        "nsswitch.conf": switch,
    }
    paths = {name: Path("/etc", name) for name in texts}
    before = {name: path.read_text() for name, path in paths.items() if path.exists()}
    for name, text in texts.items():
        paths[name].write_text(text)
    yield
    for name, path in paths.items():
        if name in before:
            path.write_text(before[name])
        else:
            path.unlink()


def theirs(confdir: Path, user: str, origin: Origin) -> int:
    """What pam_acct_mgmt returns for a login."""
    with login(origin.service, confdir, user) as handle:
        for item, value in ((PAM_RHOST, origin.rhost), (PAM_TTY, origin.tty)):
            if value is not None:
                handle.set_item(item, value)
        return handle.call("acct_mgmt")


def write_service(confdir: Path, arguments: Sequence[str]) -> str:
    """Write a service whose accounts are pam_access's alone; returns its name."""
    words = " ".join(f"[{argument}]" for argument in arguments)
    (confdir / "other").touch()
    (confdir / "oracle").write_text(f"account required pam_access.so {words}\n")
    return "oracle"


def test_it_is_pam_access(confdir: Path) -> None:
    """Somebody would be told that a login is refused, which is let in."""
    rng = random.Random(SEED)  # noqa: S311  reproducible, not secret
    access_file = confdir / "access.conf"
    names = Names(addresses, in_netgroup, HOST)
    traps, outcomes = Counter[str](), Counter[str]()
    for _ in range(FILES):
        arguments = [*rng.choice(OPTIONS), f"accessfile={access_file}", "noaudit"]
        options = read_options(arguments)
        text = some_file(rng, options, traps)
        traps.update(name for name, pattern in WORDS.items() if re.search(pattern, text))
        access_file.write_bytes(bytes_of(text))
        service = write_service(confdir, arguments)
        file = parse(text, fieldsep=options.fieldsep, listsep=options.listsep)
        for _ in range(LOGINS_EACH):
            user, origin = rng.choice(list(GROUPS)), some_origin(rng, service)
            result = theirs(confdir, user, origin)
            assert result in {0, 6}
            ours = who(file, user, GROUPS[user], origin, names, nodefgroup=options.nodefgroup)
            assert ours.granted == (result == 0), f"{user} {origin} {arguments}:\n{text!a}\n{ours}"
            kind = "by none" if ours.rule is None else "by a rule"
            outcomes[f"{'let in' if ours.granted else 'refused'} {kind}"] += 1
    print(*(f"{count:6} {name}" for name, count in (outcomes + traps).most_common()), sep="\n")  # noqa: T201  for who asks with -s
    assert min(outcomes.values()) > FILES * LOGINS_EACH // 10  # the generator is not one-sided
    assert min(traps[name] for name in [*TRAPS, *WORDS]) > FILES // 40
