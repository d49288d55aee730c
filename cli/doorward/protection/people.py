"""Who logs in to a machine, and what each of them has to answer with."""

import enum
import re
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from doorward import native
from doorward.enrolment.account import account_find, gives_session
from doorward.enrolment.inspection import Inspection
from doorward.enrolment.store import USUAL, Rights, store_open
from doorward.errors import DoorwardError
from doorward.pam_models import NAME
from pamconf import accounts, sshd
from pamconf.accounts import Account
from pamconf.errors import FileError, PamconfError, UnreadableError
from pamconf.stack import Service
from pamconf.tree import Kind, Tree

_NAMES_SHOWN = 3
_ADMINS = {"admin", "sudo", "wheel"}
_KEYS = (".ssh/authorized_keys", ".ssh/authorized_keys2")  # sshd_config(5), AuthorizedKeysFile
_AT_HOME = {"none", *_KEYS, *(f"%h/{name}" for name in _KEYS)}
_KEYWORDS = {"authorizedkeyscommand", "authorizedkeysfile", "trustedusercakeys"}
_LISTED = {"altfiles", "compat", "db", "files", "systemd"}  # sources that name all their accounts
_LOCKED = ("!", "*")  # shadow(5): what no password fits


class Enrolment(enum.Enum):
    """Whether somebody has a secret that a login can use."""

    YES = "enrolled"
    NO = "not enrolled"
    BROKEN = "with a secret file that a login refuses"


@dataclass(frozen=True)
class Secret:
    """Where a rule has a login look for secrets, as secret= says it, and what it takes there."""

    template: str
    rights: Rights = USUAL

    @classmethod
    def of(cls, options: native.Options) -> "Secret | None":
        """Return where a rule with these options has it; None where it refuses everybody."""
        if options.refused is not None:
            return None
        return cls(options.secret, Rights(options.allowed_perm, options.strict_owner))

    @property
    def is_at_home(self) -> bool:
        """Whether each user has it in their own home."""
        return "~" in self.template or "${HOME}" in self.template


@dataclass(frozen=True)
class Person:
    """Somebody with an account and a shell."""

    account: Account
    machine: "Machine"

    @property
    def name(self) -> str:
        """Their login name."""
        return self.account.name

    @property
    def has_root(self) -> bool:
        """Whether they are root, or in a group that sudo makes it of."""
        return self.account.uid == 0 or bool(_ADMINS & {*self.account.groups})

    @cached_property
    def has_password(self) -> bool:
        """Whether there is a password that fits; so it is where nobody can tell."""
        return not self.machine.passwords.get(self.name, "").startswith(_LOCKED)

    @cached_property
    def has_key(self) -> bool:
        """Whether sshd finds a key of theirs; so it does where nobody can tell."""
        return self.machine.has_keys_elsewhere or any(map(self._has_key_in, _KEYS))

    def _has_key_in(self, name: str) -> bool:
        """Tell whether a file of their home has more in it than comments."""
        try:
            text = self.machine.tree.read(f"{self.account.home or ''}/{name}")
        except UnreadableError:
            return True
        except FileError:
            return False
        lines = (line.strip() for line in text.split("\n"))
        return any(line and not line.startswith("#") for line in lines)

    def secret_path(self, secret: Secret) -> str | None:
        """Return the path of their secret file; None where a login would find none."""
        return native.secret_path(secret.template, self.name, self.account.home)

    def inspect(self, secret: Secret) -> Inspection:
        """Look at their secret file, once; of an image only at whether it is there."""
        if secret not in self._inspected:
            self._inspected[secret] = self._inspect(secret)
        return self._inspected[secret]

    @cached_property
    def _inspected(self) -> dict[Secret, Inspection]:
        return {}

    def _inspect(self, secret: Secret) -> Inspection:
        path = self.secret_path(secret) or ""
        try:
            if self.machine.is_this:
                return store_open(account_find(self.name), secret.template).inspect(secret.rights)
            is_there = self.machine.tree.kind(path) is not Kind.NOTHING
            return Inspection(self.name, path, enrolled=is_there)
        except (DoorwardError, FileError) as error:
            return Inspection(self.name, path, enrolled=None, problems=[error.message])

    def enrolment(self, secret: Secret | None) -> tuple[Enrolment | None, str]:
        """Return whether they are enrolled there, and what is wrong with a file that is refused."""
        if secret is None:
            return None, ""
        found = self.inspect(secret)
        if found.enrolled is False:
            return Enrolment.NO, ""
        if found.problems or found.enrolled is None:
            return Enrolment.BROKEN, "; ".join(found.problems)
        return Enrolment.YES, ""


@dataclass(frozen=True)
class Machine:
    """A machine's accounts. `tree` is its files as they are, not after a change."""

    tree: Tree

    @property
    def is_this(self) -> bool:
        """Whether it is the machine that this runs on."""
        return self.tree.root == Path("/")

    @cached_property
    def people(self) -> tuple[Person, ...]:
        """All whose shell gives a session, each once."""
        found = {one.name: one for one in accounts.everybody(self.tree) if gives_session(one.shell)}
        return tuple(Person(one, self) for one in found.values())

    @property
    def directories(self) -> list[str]:
        """Sources of accounts (nsswitch.conf(5)) that need not list all that they know."""
        try:
            text = self.tree.read("/etc/nsswitch.conf")
        except FileError:
            return []
        found = re.findall(r"^\s*passwd\s*:([^#\n]*)", text, re.MULTILINE)
        words = re.sub(r"\[[^]]*\]", " ", " ".join(found)).split()
        return [word for word in words if word not in _LISTED]

    @cached_property
    def has_keys_elsewhere(self) -> bool:
        """Whether sshd looks for keys in other places than homes, or trusts who signs them."""
        try:
            lines = [node.line for node in sshd.nodes(sshd.load(self.tree))]
        except PamconfError:
            return False
        said = [{*line.arguments} for line in lines if line.name in _KEYWORDS]
        return any(words - _AT_HOME for words in said)

    @cached_property
    def passwords(self) -> dict[str, str]:
        """What shadow(5) has of each account; nothing where it cannot be read."""
        try:
            text = self.tree.read("/etc/shadow")
        except FileError:
            return {}
        rows = (line.split(":") for line in text.split("\n"))
        return {row[0]: row[1] for row in rows if len(row) > 1}


def secrets(service: Service, modules: Collection[str] = (NAME,)) -> Iterator[Secret]:
    """Yield where a service's rules look for secrets, by modules that take the same options."""
    now = int(time.time())
    rules = (rule for rule in service.rules("auth") if rule.name in modules)
    yield from filter(None, (Secret.of(native.options(rule.arguments, now)) for rule in rules))


def listed(names: Sequence[str]) -> str:
    """Return names as one says them: the first few, and how many more there are."""
    more = len(names) - _NAMES_SHOWN
    if more > 1:
        return f"{', '.join(names[:_NAMES_SHOWN])} and {more} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
