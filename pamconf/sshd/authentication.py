"""How a connection may authenticate, and what PAM has to do with it.

(auth2.c, auth2-chall.c, auth2-none.c, auth-passwd.c, auth-pam.c of OpenSSH 9.2.)
"""

import enum
from dataclasses import dataclass

from pamconf.sshd.admit import admission
from pamconf.sshd.config import METHODS, Effective, Setting, Source

_UNASKED = ("publickey", "gssapi-with-mic", "hostbased")  # root's, with prohibit-password


class PamAuth(enum.Enum):
    """What a method does with the service's auth lines."""

    UNUSED = "unused"
    """They are not run, so no module of theirs can ask or refuse."""

    PROMPTS = "prompts"
    """They are run, and each prompt reaches the user."""

    PASSWORD = "password"  # noqa: S105 - no secret, a method's name
    """They are run, and the password answers every prompt.

    That is every hidden one; one that would be echoed fails. So no code can be typed.
    """


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why something cannot succeed (one line), and the configuration's line, if one does it."""

    reason: str
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A method that must succeed. `device` is what follows the colon: `pam`."""

    method: str
    pam_auth: PamAuth
    device: str | None = None
    obstacles: tuple[Obstacle, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def possible(self) -> bool:
        """Whether it can succeed."""
        return not self.obstacles

    def __str__(self) -> str:
        return self.method if self.device is None else f"{self.method}:{self.device}"


@dataclass(frozen=True, slots=True)
class Way:
    """Methods that let in when all have succeeded, in this order.

    `source` is the line of AuthenticationMethods. `pam_account` says whether the service's account
    and session lines are run too. `obstacles` are those of the whole, not of its steps.
    """

    steps: tuple[Step, ...]
    pam_account: bool
    source: Source | None = None
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def possible(self) -> bool:
        """Whether somebody who can do all that the steps ask for is let in."""
        return not self.obstacles and all(step.possible for step in self.steps)

    def __str__(self) -> str:
        return ",".join(map(str, self.steps))


def ways(effective: Effective) -> list[Way]:
    """Return all ways, those that cannot be gone too, with what is in the way.

    Without AuthenticationMethods each method is a way of its own.
    """
    source = effective["AuthenticationMethods"].source
    verdict = admission(effective)
    barred = () if verdict.allowed else (Obstacle(verdict.reason, verdict.source),)
    return [
        Way(
            tuple(_step(effective, word) for word in way.split(",")),
            pam_account=effective.yes("UsePAM"),
            source=source,
            obstacles=barred,
        )
        for way in effective.alternatives or METHODS
    ]


def _step(effective: Effective, word: str) -> Step:
    method, colon, device = word.partition(":")
    obstacles = (
        *_disabled(effective, method),
        *_no_device(effective, method, device if colon else None),
        *_root_barred(effective, method),
    )
    return Step(
        method,
        _pam_auth(effective, method),
        device if colon else None,
        obstacles,
        tuple(_notes(effective, method)),
    )


def _disabled(effective: Effective, method: str) -> list[Obstacle]:
    """Find out whether a method is off. `none` tries the empty password."""
    if method not in METHODS:
        return [Obstacle(f"no method that we know: {method!r}")]
    keyword = METHODS[method]
    wanted = (keyword,) if keyword else ("PermitEmptyPasswords", "PasswordAuthentication")
    return [_because(name, effective[name]) for name in wanted if not effective.yes(name)]


def _because(keyword: str, setting: Setting) -> Obstacle:
    return Obstacle(f"{keyword} {setting.value}", setting.source)


def _no_device(effective: Effective, method: str, device: str | None) -> list[Obstacle]:
    """Find out whether there is nobody to ask: PAM is the one device that Linux has."""
    if method == "keyboard-interactive" and not effective.yes("UsePAM"):
        return [_because("UsePAM", effective["UsePAM"])]
    if device is None or (method == "keyboard-interactive" and device == "pam"):
        return []
    return [Obstacle(f"{method} has no {device!r}", effective["AuthenticationMethods"].source)]


def _root_barred(effective: Effective, method: str) -> list[Obstacle]:
    """Find out whether PermitRootLogin bars: it does so by asking, and always refusing."""
    account, permit = effective.connection.account, effective["PermitRootLogin"]
    if account is None or account.uid != 0 or permit.value == "yes":
        return []
    allowed = {"prohibit-password": _UNASKED, "forced-commands-only": ("publickey",)}
    if method in allowed.get(permit.value, ()):
        return []
    return [_because("PermitRootLogin", permit)]


def _pam_auth(effective: Effective, method: str) -> PamAuth:
    if effective.yes("UsePAM") and method == "keyboard-interactive":
        return PamAuth.PROMPTS
    if effective.yes("UsePAM") and method in {"password", "none"}:
        return PamAuth.PASSWORD
    return PamAuth.UNUSED


def _notes(effective: Effective, method: str) -> list[str]:
    notes = []
    account = effective.connection.account
    if method in {"password", "none"} and effective.yes("KerberosAuthentication"):
        notes.append("where Kerberos knows the password, PAM's auth lines are not run")
    if method == "none":
        notes.append("logs in whoever has an empty password, with nothing asked")
    forced = effective["PermitRootLogin"].value == "forced-commands-only"
    if method == "publickey" and forced and account is not None and account.uid == 0:
        notes.append("only with a key for one command")
    return notes
