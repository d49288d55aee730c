"""Makes sshd configurations up: trees of files, and connections to ask about."""

import random

from pamconf.sshd import Connection, connect

FOLDER = "/etc/ssh/oracle"
SSHD_CONFIG = "/etc/ssh/oracle_config"

USERS = ["root", "ann", "bob", "Eve-x", "nobody-there"]
ADDRESSES = ["10.1.2.3", "192.168.7.9", "127.0.0.1", "2001:db8::7", "::1", "fe80::9"]
HOSTS = [None, "box.example.org", "BOX.lan", "10.1.2.3"]

PATTERNS = [
    "ann",
    "a*",
    "?ob",
    "*",
    "!bob,*",
    "!a*",
    "staff",
    "wh*l",
    "root,ann",
    "Eve-?",
    "eve*",
    "",
]
NETWORKS = [
    "10.0.0.0/8",
    "10.1.2.3",
    "10.1.*",
    "!10.1.2.0/24,*",
    "192.168.0.0/16,!192.168.7.0/24",
    "*,!2001:db8::/32",
    "2001:db8::/32",
    "fe80::/10",
    "::/0",
    "0.0.0.0/0",
    "127.1",
    "not-an-address",
    "10.1.2.3/8",  # sshd refuses it
    "10.0.0.0/33",  # this too
]
HOSTNAMES = ["*.example.org", "BOX.*", "*.lan,!box.*", "10.1.?.*", "*"]
WAYS = [
    "publickey",
    "password",
    "publickey,password",
    "keyboard-interactive:pam",
    "publickey,keyboard-interactive:pam",
    "keyboard-interactive,publickey:x",
    "hostbased",
    "gssapi-with-mic",
    "any",
    "nonsense",
]
FLAGS = [
    "KbdInteractiveAuthentication",
    "ChallengeResponseAuthentication",
    "SkeyAuthentication",
    "PasswordAuthentication",
    "PubkeyAuthentication",
    "HostbasedAuthentication",
    "GSSAPIAuthentication",
    "KerberosAuthentication",
    "PermitEmptyPasswords",
]
AT_START = ["UsePAM", "UseDNS", "DSAAuthentication"]
OTHERS = [
    "X11Forwarding no",
    "MaxAuthTries 3",
    'Banner "/etc/a b"',
    "AcceptEnv LANG LC_*",
    "",
    "# comment",
    "#",
    '"unclosed yes',
    "   ",
]

BAD = ['Banner a"b', "Banner 'a", 'Banner "a" \\"b"', "UsePAM", "UsePAM yes no", "Include", "Match"]


class Maker:
    """Makes configurations up. Every choice is the random generator's."""

    def __init__(self, seed: int) -> None:
        self.any = random.Random(seed)  # noqa: S311 - examples, no secrets
        self.files: dict[str, str] = {}

    def tree(self) -> dict[str, str]:
        """A configuration: path to text."""
        self.files = {}
        self.files[SSHD_CONFIG] = self.file(0, blocks=True)
        return self.files

    def file(self, depth: int, *, blocks: bool) -> str:
        """A file: some lines, then perhaps some Match blocks."""
        lines = self.lines(depth, at_start=depth == 0 or self.any.random() < 0.1)
        for _ in range(self.any.randrange(4) if blocks else 0):
            lines += [self.spelt("Match", self.criteria()), *self.lines(depth, at_start=False)]
        return "".join(
            line + self.any.choice(["\n", "\n", "\n", " \n", "\r\n", " # x\n"]) for line in lines
        )

    def lines(self, depth: int, *, at_start: bool) -> list[str]:
        """Up to five lines; those for the start alone are rare in Match blocks: sshd dies."""
        kinds = [self.flag] * 8
        kinds += [self.methods, self.root, self.users, self.groups, self.other] * 2
        kinds += [self.at_start] * 3 if at_start or self.any.random() < 0.01 else []
        lines = [self.any.choice(kinds)() for _ in range(self.any.randrange(6))]
        if depth < 3 and self.any.random() < 0.3:
            lines.insert(self.any.randrange(len(lines) + 1), self.include(depth))
        return lines

    def flag(self) -> str:
        """A keyword that is on or off."""
        return self.spelt(self.any.choice(FLAGS), self.any.choice(["yes", "no"]))

    def at_start(self) -> str:
        """A keyword that has no place in a Match block."""
        return self.spelt(self.any.choice(AT_START), self.any.choice(["yes", "no"]))

    def root(self) -> str:
        """PermitRootLogin."""
        values = ["yes", "no", "prohibit-password", "without-password", "forced-commands-only"]
        return self.spelt("PermitRootLogin", self.any.choice(values))

    def methods(self) -> str:
        """AuthenticationMethods, now and then with one that sshd does not take."""
        ways = WAYS[: self.any.choice([5] * 12 + [8, 9, 10])]
        return self.spelt(
            "AuthenticationMethods", *self.any.choices(ways, k=self.any.choice([1, 1, 2]))
        )

    def users(self) -> str:
        """AllowUsers or DenyUsers."""
        users = [self.user() for _ in range(self.any.randrange(1, 3))]
        return self.spelt(self.any.choice(["AllowUsers", "DenyUsers"]), *users)

    def groups(self) -> str:
        """AllowGroups or DenyGroups."""
        groups = self.any.choices(PATTERNS[:-1], k=self.any.randrange(1, 3))
        return self.spelt(self.any.choice(["AllowGroups", "DenyGroups"]), *groups)

    def other(self) -> str:
        """A line that says nothing about authentication."""
        return self.any.choice(OTHERS if self.any.random() < 0.95 else BAD)

    def user(self) -> str:
        """A pattern of AllowUsers."""
        pattern = self.any.choice(PATTERNS[:-1])
        hosts = self.any.choice([*HOSTNAMES, *NETWORKS[:-2]])
        return f"{pattern}@{hosts}" if self.any.random() < 0.4 else pattern

    def include(self, depth: int) -> str:
        """An Include of new files, by name or by a glob."""
        name = f"{depth}-{len(self.files)}"
        count = self.any.choice([0, 1, 1, 2, 3])
        for at in range(count):
            path = f"{FOLDER}/{name}-{at}.conf"
            self.files[path] = ""
            self.files[path] = self.file(depth + 1, blocks=self.any.random() < 0.5)
        where = self.any.choice(["oracle", FOLDER])
        patterns = [
            f"{where}/{name}-*.conf",
            f"{where}/{name}-[!x]*",
            f"{where}/?-*{name[1:]}-?.conf",
        ]
        if count and self.any.random() < 0.5:
            return self.spelt(
                "Include", *[f"{where}/{name}-{at}.conf" for at in reversed(range(count))]
            )
        return self.spelt("Include", self.any.choice(patterns))

    def criteria(self) -> str:
        """What follows Match."""
        if self.any.random() < 0.15:
            return self.any.choice(["all", "All", "all # all"])
        return " ".join(self.criterion() for _ in range(self.any.choice([1, 1, 2])))

    def criterion(self) -> str:
        """One criterion."""
        fine = self.any.random() < 0.97
        networks, names = (NETWORKS[:-2], PATTERNS[:-1]) if fine else (NETWORKS, PATTERNS)
        name, arguments = self.any.choice(
            [
                ("User", names),
                ("Group", names),
                ("Host", HOSTNAMES),
                ("Address", networks),
                ("LocalAddress", networks),
                ("LocalPort", ["22", "2222", "0022"]),
                ("RDomain", ["*"]),
            ]
        )
        argument = self.any.choice(arguments)
        quote = '"' if " " in argument or not argument or self.any.random() < 0.2 else ""
        between = self.any.choice([" ", " ", "\t", "=", " = "])
        return f"{self.cased(name)}{between}{quote}{argument}{quote}"

    def spelt(self, keyword: str, *arguments: str) -> str:
        """A line, in one of the spellings that sshd takes."""
        quoted = [
            self.quoted(argument) if keyword != "Match" else argument for argument in arguments
        ]
        word = self.cased(keyword)
        word = f'"{word}"' if self.any.random() < 0.05 else word
        between = self.any.choice([" ", " ", " ", "\t", "  ", "=", " = ", "= "])
        lead = self.any.choice(["", "", "", " ", "\t", "\r"])
        return lead + word + between + self.any.choice([" ", " ", "\t"]).join(quoted)

    def quoted(self, argument: str) -> str:
        """An argument, perhaps in quotes."""
        spelt = [argument] * 6 + [
            f'"{argument}"',
            f"'{argument}'",
            f'{argument[:1]}"{argument[1:]}"',
        ]
        return self.any.choice(spelt)

    def cased(self, word: str) -> str:
        """A word in some case."""
        return self.any.choice([word, word, word.lower(), word.upper(), word.swapcase()])

    def connection(self) -> Connection:
        """Somebody, known or not, from somewhere."""
        return connect(
            self.any.choice(USERS),
            self.any.choice(ADDRESSES),
            host=self.any.choice(HOSTS),
            local_address=self.any.choice([None, *ADDRESSES]),
            local_port=self.any.choice([22, 2222]),
        )
