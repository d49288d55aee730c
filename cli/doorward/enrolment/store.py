"""The secret file of one user: read, written and looked at by whoever handles it (`as_user`).

Each thing done here is one trip of a child process, which holds the lock while it decides and
writes. Nobody is asked anything meanwhile.
"""

import contextlib
import json
import os
import shlex
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from doorward import files
from doorward.enrolment.account import Account, secret_path
from doorward.enrolment.as_user import UserFile, user_file
from doorward.enrolment.inspection import DeviceInspection, Inspection, inspected
from doorward.enrolment.places import place_switch
from doorward.errors import AlreadyEnrolledError, DoorwardError, NotEnrolledError
from doorward.native import CredentialError, credential_parse

_MODE_CHECKED = 0o3777  # the bits that the module looks at


@dataclass(frozen=True)
class Rights:
    """What a login takes of a secret file: the bits of its mode, and whether it minds the owner.

    As they are here, they are the module's own where allowed_perm= and no_strict_owner say nothing.
    """

    mode: int = 0o600
    is_strict: bool = True


USUAL = Rights()


@dataclass(frozen=True)
class Store:
    """A user's secret file. `switch` is what a command for it needs, with a blank before it."""

    file: UserFile
    switch: str

    def exists(self) -> bool:
        """Tell whether there is a secret file, be it as broken as it may.

        Raises FileError where none could be put there either.
        """

        def work(at: files.Place) -> bytes:
            try:
                with files.opened(at):
                    return b"yes"
            except files.MissingError:
                return b""

        try:
            return bool(self.file.handle(work))
        except files.MissingError:
            if self.file.by_root:
                return False
            raise

    def read(self) -> bytes:
        """Return the file's content; raises NotEnrolledError where there is none."""

        def work(at: files.Place) -> bytes:
            with files.opened(at) as file:
                return files.read(at, file)

        with self.enrolled():
            return self.file.handle(work)

    def write(self, text: bytes, *, replacing: bool) -> None:
        """Put the file there; AlreadyEnrolledError where there is one, unless `replacing`."""

        def work(at: files.Place) -> None:
            if replacing:
                with contextlib.suppress(files.MissingError), files.locked(at):
                    files.replace(at, text)
                    return
            files.create(at, text)

        try:
            self.file.handle(work, make_folders=True)
        except files.ExistsError as error:
            raise self.already_enrolled() from error

    def change(self, change: Callable[[bytes], bytes]) -> None:
        """Put what `change` makes of the file in its place; raises NotEnrolledError.

        Raises CredentialError, and leaves the file alone, where a login would refuse it, and what
        `change` raises.
        """

        def work(at: files.Place) -> None:
            with files.locked(at) as file:
                text = files.read(at, file)
                credential_parse(text)
                changed = change(text)
                facts = os.fstat(file)
                mode, owner = stat.S_IMODE(facts.st_mode), (facts.st_uid, facts.st_gid)
                files.replace(at, changed, mode=mode, owner=owner)

        with self.enrolled():
            self.file.handle(work)

    def devices(self) -> list[DeviceInspection]:
        """Return what may be told of the devices; raises NotEnrolledError and CredentialError."""

        def work(at: files.Place) -> bytes:
            with files.opened(at) as file:
                return json.dumps(inspected(credential_parse(files.read(at, file)))).encode()

        with self.enrolled():
            return _devices(json.loads(self.file.handle(work)))

    def remove(self) -> None:
        """Remove the file; raises NotEnrolledError."""

        def work(at: files.Place) -> None:
            with files.locked(at):
                files.remove(at)

        with self.enrolled():
            self.file.handle(work)

    def inspect(self, rights: Rights = USUAL) -> Inspection:
        """Look at the file as a login would. What stands in the way is told, not raised."""
        nothing = Inspection(self.file.account.name, self.file.path, enrolled=False)
        is_theirs = os.geteuid() == 0 and not self.file.by_root
        run_as = f"runuser -u {shlex.quote(self.file.account.name)} -- " if is_theirs else ""
        try:
            found = json.loads(self.file.handle(partial(self._inspect, rights, run_as)))
            return replace(nothing, **found | {"devices": _devices(found)})
        except files.MissingError:
            if self.file.by_root:
                return nothing
            folder, _ = os.path.split(self.file.path)
            return replace(nothing, problems=[f"{folder}: there is no such folder"])
        except DoorwardError as error:
            mends = [error.hint] if error.hint else []
            return replace(nothing, enrolled=None, problems=[error.message], mends=mends)

    def already_enrolled(self) -> AlreadyEnrolledError:
        """Make the error for an enrolment that is in the way of a new one."""
        who = f"{self.file.account.name}{self.switch}"
        return AlreadyEnrolledError(
            f"{self.file.account.name} is enrolled already: {self.file.path}",
            hint=f"'doorward show {who}' shows the QR code again. --device NAME adds a phone. "
            "--force starts anew, and what the phone has now stops working.",
        )

    def not_enrolled(self) -> NotEnrolledError:
        """Make the error for an enrolment that is not there."""
        return NotEnrolledError(
            f"{self.file.account.name} is not enrolled: there is no {self.file.path}",
            hint=f"'doorward enroll {self.file.account.name}{self.switch}' does that.",
        )

    @contextlib.contextmanager
    def enrolled(self) -> Iterator[None]:
        """Raise NotEnrolledError where what is done in here finds no file."""
        try:
            yield
        except files.MissingError as error:
            raise self.not_enrolled() from error

    def _inspect(self, rights: Rights, run_as: str, at: files.Place) -> bytes:
        """Return what is known of the file, as the JSON of some fields of an Inspection.

        `run_as` is what whoever reads of it puts before a command to run it as the file's owner.
        """
        try:
            with files.opened(at) as file:
                facts = os.fstat(file)
                text = files.read(at, file)
        except files.MissingError:
            return b"{}"
        found: dict[str, object] = {"file": at.path, "enrolled": True}
        troubles = [*self._rights_troubles(rights, facts, run_as, shlex.quote(at.path))]
        try:
            found |= inspected(credential_parse(text))
        except CredentialError as error:
            force = f"doorward enroll --force {self.file.account.name}{self.switch}"
            troubles.append((error.message, f"Begin anew, and scan the new code: {force}"))
        found["problems"] = [f"{at.path}: {problem}" for problem, _ in troubles]
        found["mends"] = [mend for _, mend in troubles]
        return json.dumps(found).encode()

    def _rights_troubles(
        self, rights: Rights, facts: os.stat_result, run_as: str, path: str
    ) -> Iterator[tuple[str, str]]:
        """Yield why a login refuses a file of such rights, and the command that mends it.

        No command has root follow a link that the user may have put there meanwhile.
        """
        owner = 0 if self.file.by_root else self.file.account.uid
        if rights.is_strict and facts.st_uid != owner:
            problem = f"belongs to user id {facts.st_uid}, and a login wants {owner}"
            yield problem, f"Run: chown --no-dereference {owner} {path}"
        if facts.st_mode & _MODE_CHECKED & ~rights.mode:
            mode = stat.S_IMODE(facts.st_mode)
            problem = f"has mode {mode:04o}, and a login takes {rights.mode:04o} at most"
            yield problem, f"Run: {run_as}chmod 0600 {path}"


def store_open(account: Account, template: str) -> Store:
    """Open the store of an account. `template` is as in `secret_path`, whose errors it raises."""
    return Store(user_file(account, secret_path(template, account)), place_switch(template))


def _devices(found: dict[str, list[dict[str, Any]]]) -> list[DeviceInspection]:
    return [DeviceInspection(**device) for device in found.get("devices", [])]
