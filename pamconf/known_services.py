"""Services that one logs in by: what each can do, and where in its rules the password is asked for.

Sources beside the programs' own: SDDM and xrdp have one field for the password and show no second
prompt (sddm issues 722 and 1491, xrdp issue 736); i3lock and swaylock answer each prompt with the
same password (i3lock.c:conv_callback, swaylock's pam.c:handle_conversation); polkit's helper never
calls pam_setcred (polkitagenthelper-pam.c).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pamconf.errors import UsageError
from pamconf.lines import Entry, module_name
from pamconf.login import DIRECTORIES
from pamconf.stack import File, Service, load

SSHD = "sshd"


@dataclass(frozen=True)
class Needs:
    """What a service can do.

    `has_prompts` says whether it shows whatever PAM asks for, and not the password alone.
    `sets_credentials` says whether it calls pam_setcred when somebody has got in, `runs_as_user`
    whether it runs with the rights of who uses it, and reads no file of root's. `companions` are
    services of the same program.
    """

    has_prompts: bool = True
    sets_credentials: bool = True
    runs_as_user: bool = False
    companions: tuple[str, ...] = ()


SERVICES: Mapping[str, Needs] = {
    "cockpit": Needs(),
    "gdm-password": Needs(),  # GNOME's login screen
    "i3lock": Needs(has_prompts=False, runs_as_user=True),
    "lightdm": Needs(),
    "login": Needs(),  # at a console
    "polkit-1": Needs(sets_credentials=False),  # asks for an administrator on a desktop
    "sddm": Needs(has_prompts=False),  # KDE's login screen
    SSHD: Needs(),
    "su": Needs(companions=("su-l",)),
    "sudo": Needs(companions=("sudo-i",)),
    "swaylock": Needs(has_prompts=False, runs_as_user=True),
    "xrdp-sesman": Needs(has_prompts=False),  # logins over RDP
}
"""Services that are known well enough to add a question to."""


def needs(name: str) -> Needs:
    """Return what is known of a service; of one that nobody knows, what most are like."""
    return SERVICES.get(name, Needs())


_PARTS = ("common-auth", "system-auth", "password-auth", "system-login", "system-remote-login")
"""Files of distributions that ask for the password, and are included in services."""

_MODULES = {*DIRECTORIES, "pam_systemd_home", "pam_unix"}
"""Modules that ask for the password."""


def password_part(service: Service, file: File) -> tuple[int, int]:
    """Return the first and the last entry of the service's own file that asks for the password.

    A file that distributions include for it comes before modules in the file itself, and these
    before other files that are included. Raises UsageError where there is none.
    """
    for found in (_parts(file), _modules(file), _includes(service, file)):
        if places := [*found]:
            return places[0], places[-1]
    raise UsageError(
        f"{file.path}: there is no rule that asks for the password",
        hint="Say with --after which line the new one goes below.",
    )


def _parts(file: File) -> Iterator[int]:
    for at, entry in _auth(file):
        if entry.included.rpartition("/")[2] in _PARTS:
            yield at


def _modules(file: File) -> Iterator[int]:
    for at, entry in _auth(file):
        if not entry.included and entry.target and module_name(entry.target.text) in _MODULES:
            yield at


def _includes(service: Service, file: File) -> Iterator[int]:
    for at, entry in _auth(file):
        included = entry.included.rpartition("/")[2]
        if included and any(
            rule.name in _MODULES for rule in load(included, service.root).rules("auth")
        ):
            yield at


def _auth(file: File) -> Iterator[tuple[int, Entry]]:
    for at, entry in enumerate(file.entries):
        if entry.target and (entry.is_include or entry.type == "auth"):
            yield at, entry
