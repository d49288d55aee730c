"""The machine that checks look at, and who can change its files."""

import grp
import os
import shlex
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pamconf import auth_update, loading
from pamconf.access_who import Names
from pamconf.auth_update import Edit
from pamconf.explore import Model
from pamconf.models import MODELS
from pamconf.models.second_factor import SECOND_FACTORS
from pamconf.signatures import SIGNATURES, Signature
from pamconf.stack import File, Rule
from pamconf.tree import Root, Tree, unreadable


@dataclass(frozen=True)
class Machine:
    """The machine whose services are looked at, and what is known of modules.

    `second_factors` are the modules that ask for one. What is handed over here is how a module that
    pamconf knows nothing of becomes known.
    """

    root: Root = "/"
    models: Mapping[str, Model] = field(default_factory=lambda: MODELS)
    signatures: Mapping[str, Signature] = field(default_factory=lambda: SIGNATURES)
    second_factors: frozenset[str] = SECOND_FACTORS
    names: Names = field(default_factory=Names)

    @cached_property
    def files(self) -> Tree:
        """The files below the root."""
        return Tree(self.root)

    @property
    def is_this(self) -> bool:
        """Whether it is the machine that this runs on: what it has can be loaded and asked."""
        return self.files.root == Path("/")

    @cached_property
    def owners(self) -> frozenset[int]:
        """Who may own what logins go by: root, and who owns the folder that stands for /."""
        return frozenset({0, self.files.root.stat().st_uid})

    def real_folder(self, path: str) -> str:
        """Return the folder that a file is in when links are followed; "" where there is none."""
        try:
            folder = str(self.files.follow(path).parent)
        except OSError:
            return ""
        root = "" if self.is_this else str(self.files.root)
        return folder.removeprefix(root)

    @cached_property
    def folders(self) -> tuple[str, ...]:
        """The folders of PAM's modules."""
        return loading.folders(self.files)

    def module_path(self, rule: Rule) -> str | None:
        """Return where a rule's module is, or None where it is not there."""
        name = rule.module or ""
        if name not in self._paths:
            self._paths[name] = loading.find(name, self.folders, self.files)
        return self._paths[name]

    def block_edits(self, file: File) -> Sequence[Edit]:
        """Return what was edited in pam-auth-update's block of a file, if it has one."""
        if file.path not in self._edits:
            is_owned = auth_update.is_owned(file)
            self._edits[file.path] = auth_update.edits(file, self.files) if is_owned else []
        return self._edits[file.path]

    @cached_property
    def _edits(self) -> dict[str, list[Edit]]:
        return {}

    @cached_property
    def _paths(self) -> dict[str, str | None]:
        return {}


def mend(path: str, machine: Machine, owner: str = "root") -> str:
    """Return the command after which nobody but its owner, and root, can change a file."""
    named = shell_path(path, machine)
    return f"Run: chown {shlex.quote(owner)}: {named}; chmod go-w {named}"


def shell_path(path: str, machine: Machine) -> str:
    """Return a path of the machine as somebody can type it here."""
    return shlex.quote(path if machine.is_this else f"{machine.files.root}{path}")


def who_may_write(path: str, machine: Machine, owner: int = 0) -> str | None:
    """Say who may write a file or folder beside root and its owner; None if nobody, or no file."""
    facts = facts_of(path, machine)
    if facts is None:
        return None
    shared = stat.S_ISDIR(facts.st_mode) and facts.st_mode & stat.S_ISVTX
    if facts.st_mode & stat.S_IWOTH and not shared:
        return "everybody can write it"
    if facts.st_uid not in {*machine.owners, owner}:
        return f"it belongs to the user of number {facts.st_uid}, not to root"
    if facts.st_mode & stat.S_IWGRP and facts.st_gid != 0 and not shared:
        return f"the group {_group_name(facts.st_gid, machine)} can write it"
    return None


def _group_name(gid: int, machine: Machine) -> str:
    try:
        return grp.getgrgid(gid).gr_name if machine.is_this else f"of number {gid}"
    except KeyError:
        return f"of number {gid}"


def facts_of(path: str, machine: Machine) -> os.stat_result | None:
    """Return what there is to know of a file, None where it is not there; UnreadableError."""
    try:
        return machine.files.follow(path).stat()
    except PermissionError as error:
        raise unreadable(path, error) from error
    except OSError:
        return None
