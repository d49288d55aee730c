"""What a new secret file says."""

import secrets
from dataclasses import dataclass

from doorward.errors import InternalError
from doorward.native import Credential, credential_parse

STEP_DEFAULT = 30
"""Seconds. What a file means that says nothing of it."""

WINDOW_DEFAULT = 3
"""Steps. What a file means that says nothing of it."""


@dataclass(frozen=True)
class Settings:
    """What somebody chose for a credential. `step` in seconds, `window` in steps.

    `rate_limit` is how many attempts in how many seconds, or None for no limit.
    """

    step: int = STEP_DEFAULT
    window: int = WINDOW_DEFAULT
    rate_limit: tuple[int, int] | None = (3, 30)


def recovery_codes_new(count: int) -> list[str]:
    """Make so many different recovery codes, of eight digits each, the first of them not 0."""
    codes = secrets.SystemRandom().sample(range(10_000_000, 100_000_000), count)
    return [str(code) for code in codes]


def secret_file_text(
    secret_text: str, settings: Settings, used_step: int | None, recovery_codes: list[str]
) -> bytes:
    """Compose the file for a new time-based credential, in google-authenticator's order.

    `used_step` is that of a code that must not work a second time. The text is read again with the
    module's own parser, so what would be refused at a login is never written.
    """
    lines = [secret_text]
    if settings.rate_limit:
        lines.append('" RATE_LIMIT {} {}'.format(*settings.rate_limit))
    if settings.window != WINDOW_DEFAULT:
        lines.append(f'" WINDOW_SIZE {settings.window}')
    if settings.step != STEP_DEFAULT:
        lines.append(f'" STEP_SIZE {settings.step}')
    lines.append('" DISALLOW_REUSE' + ("" if used_step is None else f" {used_step}"))
    lines.append('" TOTP_AUTH')
    text = "".join(f"{line}\n" for line in [*lines, *recovery_codes]).encode("ascii")
    _check(credential_parse(text), settings, used_step, recovery_codes)
    return text


def _check(
    parsed: Credential, settings: Settings, used_step: int | None, recovery_codes: list[str]
) -> None:
    limit = parsed.rate_limit
    meant = (settings, True, True, () if used_step is None else (used_step,), len(recovery_codes))
    said = (
        Settings(parsed.step, parsed.window, (limit.attempts, limit.seconds) if limit else None),
        parsed.time_based,
        parsed.disallow_reuse,
        parsed.used_steps,
        parsed.recovery_codes,
    )
    if said != meant:
        raise InternalError(f"the new secret file would mean {said} and not {meant}")
