"""One login, as the models of modules ask about it; a fact that nobody knows has all its values.

A *fact* is something that a login hangs on and that no file says: is the password right, is there a
second factor, where does it come from. It has a name, and values that are phrases of a sentence
about whoever logs in: "enrolled", "not enrolled". Each value gets its turn, and only where
something hangs on it.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pamconf import accounts
from pamconf.access_who import Names, Origin
from pamconf.accounts import Account
from pamconf.errors import PamconfError
from pamconf.tree import Root, Tree

if TYPE_CHECKING:
    from pamconf.stack import Rule

RIGHT, WRONG = "right", "wrong"

DIRECTORIES = ("pam_sss", "pam_ldap", "pam_krb5", "pam_winbind")
"""Modules that ask for accounts elsewhere."""

ORIGIN = "origin"
"""The fact where somebody comes from."""

NOBODY = "\x01"
"""Stands for a user whom no file names."""

_UID_MAX = 2**32 - 1

STEPS_MAX = 300_000
"""More than this is not done to follow the logins to a service; it takes about a second."""

SAY_MORE = "Say more about the login: who it is, and where they come from."
"""What to try where logins can go too many ways."""

_STEPS_OF_A_PATH = 6  # to find what there is at a path, or an account, takes as long as that
_CHARACTERS_OF_A_STEP = 8
_COMMENT_OF_A_STEP = 64  # characters


@dataclass
class Work:
    """What has been done to follow logins: `steps`, each a rule, a fact or as much of a file."""

    service: str = "a service"
    steps: float = 0

    def add(self, steps: float = 1) -> None:
        """Note what is done. Raises PamconfError where it is more than STEPS_MAX."""
        self.steps += steps
        if self.steps > STEPS_MAX:
            raise PamconfError(
                f"{self.service}: to follow its logins takes more than {STEPS_MAX} steps",
                hint=SAY_MORE,
            )


class MeteredTree(Tree):
    """Files below a root; `steps` is how much has been read of them, as Work counts it."""

    def __init__(self, root: Root) -> None:
        super().__init__(root)
        self.steps = 0

    def read(self, path: str) -> str:
        """See Files. Comments count little: whoever reads the file passes them over."""
        text = super().read(path)
        said = sum(len(line) for line in text.split("\n") if not line.startswith("#"))
        self.steps += said // _CHARACTERS_OF_A_STEP + len(text) // _COMMENT_OF_A_STEP
        return text

    def follow(self, path: str) -> Path:
        """See Tree."""
        self.steps += _STEPS_OF_A_PATH
        return super().follow(path)


@dataclass(frozen=True)
class World:
    """The machine whose files count, and what is known of who logs in, and from where.

    `user` is None for anybody. `places` are the origins to follow, by phrases ("from 10.0.0.0/8");
    with one of them it is known. `names` is what pam_access may ask the name service.
    """

    root: Root = "/"
    user: Account | None = None
    places: Mapping[str, Origin] = field(default_factory=dict)
    names: Names = field(default_factory=Names)

    @cached_property
    def files(self) -> MeteredTree:
        """The files below the root."""
        return MeteredTree(self.root)

    @property
    def is_image(self) -> bool:
        """Whether it is another root, whose directory of accounts cannot be asked."""
        return self.files.root != Path("/")

    @cached_property
    def _accounts(self) -> dict[str, Account]:
        return {}

    @cached_property
    def _groups(self) -> dict[str, bool]:
        return {}

    def account(self, name: str) -> Account:
        """Return somebody's account; of whom there is none, one in no group. It is kept."""
        if name not in self._accounts:
            nobody = Account(name, _UID_MAX, ())
            self._accounts[name] = accounts.find(name, self.root) or nobody
        return self._accounts[name]

    def has_group(self, name: str) -> bool:
        """Tell whether there is a group of that name. The answer is kept."""
        if name not in self._groups:
            self._groups[name] = accounts.has_group(name, self.root)
        return self._groups[name]


@dataclass
class Login:
    """What a model may ask, and say, of one login.

    `service` is its name, `call` what goes on just now (one of simulate.CALLS), `rule` the rule
    whose module is asked. `authtok` is the password that modules hand on: RIGHT, WRONG, or None
    where there is none yet. `has_directory` says whether any
    rule's module is one of DIRECTORIES.

    `asked` are the prompts so far, in order. `known` are the facts that something hung on, and
    `sources` the rules that they were first asked by. `unsure` are rules whose module nobody has a
    model of, `notes` what whoever reads of this login should know. `work` is what has been done for
    this login and those before it.
    """

    service: str
    world: World = field(default_factory=World)
    fixed: Mapping[str, str] = field(default_factory=dict)
    call: str = "auth"
    rule: "Rule | None" = None
    authtok: str | None = None
    has_directory: bool = False
    asked: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    sources: dict[str, "Rule | None"] = field(default_factory=dict)
    unsure: dict["Rule", None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    work: Work = field(default_factory=Work)
    _choices: list[tuple[str, ...]] = field(default_factory=list)
    _chosen: list[int] = field(default_factory=list)
    _user: Account | None = None
    _uids: tuple[int, int] = (0, _UID_MAX)

    def fact(self, name: str, *values: str) -> str:
        """Return a fact: what was fixed for it, or one of `values`; each of them gets its turn."""
        self.work.add()
        if name in self.fixed:
            return self.fixed[name]
        if name not in self.known:
            place = len(self._choices)
            self._choices.append(values)
            if place == len(self._chosen):
                self._chosen.append(0)
            self.known[name] = values[self._chosen[place]]
            self.sources[name] = self.rule
        return self.known[name]

    def ask(self, prompt: str) -> str:
        """Note that somebody is asked for something, once; return whether it is RIGHT or WRONG."""
        if prompt not in self.asked:
            self.asked.append(prompt)
        return self.fact(prompt, RIGHT, WRONG)

    def agrees(self, who: str, place: str) -> bool:
        """Follow both, that something agrees and that it refuses: what nobody can know."""
        agrees, refuses = (f"{who} {verb} ({place})" for verb in ("agrees", "refuses"))
        return self.fact(place, agrees, refuses) == agrees

    def note(self, text: str) -> None:
        """Note what whoever reads of this login should know, once."""
        self.notes.setdefault(text)

    # --- Who logs in ---

    @property
    def user(self) -> Account | None:
        """Who logs in, as far as that is known."""
        return self.world.user or self._user

    def user_is(self, name: str) -> bool:
        """Tell whether the user has that name."""
        if self.user is None and self.fact(f"user {name}", name, f"not {name}") == name:
            self._user = self.world.account(name)
        return self.user is not None and self.user.name == name

    def name_among(self, names: Iterable[str]) -> str:
        """Return the user's name, found out among those that a file may name; else NOBODY."""
        if self.user is None:
            any(self.user_is(name) for name in dict.fromkeys(names) if _may_be_user(name))
        return self.user.name if self.user else NOBODY

    @property
    def is_local(self) -> bool:
        """Whether the account is one of this machine's own."""
        if self.user is not None:
            return accounts.in_files(self.user.name, self.world.files) is not None
        local, elsewhere = "with a local account", "with an account of a directory"
        return self.fact("account", local, elsewhere) == local

    def in_group(self, name: str) -> bool:
        """Tell whether the user is in a group; nobody is in one that is not there."""
        if self.user is not None:
            return name in self.user.groups
        if not self.world.has_group(name) and not (self.has_directory and self.world.is_image):
            return False
        return (
            self.fact(f"group {name}", f"in group {name}", f"not in group {name}")
            == f"in group {name}"
        )

    def uid_below(self, limit: int) -> bool:
        """Tell whether the user's uid is below a limit."""
        low, high = self._uids if self.user is None else (self.user.uid, self.user.uid)
        if high < limit or low >= limit:
            return high < limit
        below, above = (f"with a uid below {limit}", f"with a uid from {limit} on")
        if self.fact(f"uid below {limit}", above, below) == below:
            self._uids = (low, limit - 1)
            return True
        self._uids = (limit, high)
        return False

    @property
    def groups(self) -> Container[str]:
        """The user's groups, each found out about when it is asked for."""
        return _Groups(self)

    # --- From where ---

    @property
    def origin(self) -> Origin:
        """Where the login comes from, one of the world's places."""
        if not self.world.places:
            return Origin(service=self.service)
        known = self.known.get(ORIGIN)
        return self.world.places[known or self.fact(ORIGIN, *self.world.places)]

    # --- The next one ---

    def next(self) -> "Login | None":
        """Return the login to follow after this one, None when all have had their turn."""
        chosen = self._chosen[: len(self._choices)]
        while chosen and chosen[-1] + 1 == len(self._choices[len(chosen) - 1]):
            chosen.pop()
        if not chosen:
            return None
        chosen[-1] += 1
        return Login(
            self.service,
            self.world,
            self.fixed,
            has_directory=self.has_directory,
            work=self.work,
            _chosen=chosen,
        )


def _may_be_user(word: str) -> bool:
    return (
        word.isprintable()
        and word[:1] not in {"", "(", "@"}
        and word.upper() not in {"ALL", "EXCEPT"}
    )


@dataclass(frozen=True)
class _Groups:
    login: Login

    def __contains__(self, name: object) -> bool:
        return self.login.in_group(str(name))
