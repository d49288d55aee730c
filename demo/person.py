"""Somebody with an account, a password and, once enrolled, an app that makes codes."""

import json
import time
from typing import Any

import pyotp

from demo.process import output_of

_STEP = 30  # seconds that a code lasts


class Person:
    """An account with a password; `name` is its login name."""

    def __init__(self, name: str, password: str) -> None:
        """Make the account (root has one) and set its password."""
        self.name = name
        self.password = password
        self.recovery_codes: list[str] = []
        self._app: pyotp.TOTP | None = None
        self._step_used = 0
        if name != "root":
            output_of("useradd", "--create-home", "--shell", "/bin/sh", name)
        output_of("chpasswd", stdin=f"{name}:{password}\n")

    def enrol(self, *options: str) -> dict[str, Any]:
        """Enrol them by `doorward enroll --json`; return what it said."""
        said: dict[str, Any] = json.loads(
            output_of("doorward", "enroll", self.name, "--json", *options)
        )
        self.scan(said["secret"])
        self.recovery_codes = said["recovery_codes"]
        return said

    def scan(self, secret: str) -> None:
        """Put a secret into their app."""
        self._app = pyotp.TOTP(secret, interval=_STEP)

    def code(self) -> str:
        """Return a code that was not returned before and that a login takes for 30 s at least.

        That is the present step's or, where that is used, the next one's: no waiting, and no harm
        if the step ends meanwhile (the module takes three steps' codes).
        """
        now = int(time.time()) // _STEP
        self._step_used = max(now, self._step_used + 1)
        if self._step_used > now + 1:
            raise RuntimeError(f"too many codes for {self.name} in one step: use somebody else")
        return self._code_of(self._step_used)

    def wrong_code(self) -> str:
        """Return six digits that are no code of any step near this one."""
        now = int(time.time()) // _STEP
        near = {self._code_of(step) for step in range(now - 5, now + 6)}
        return next(code for code in map("{:06}".format, range(len(near) + 1)) if code not in near)

    def _code_of(self, step: int) -> str:
        if self._app is None:
            raise RuntimeError(f"{self.name} has no secret")
        return self._app.generate_otp(step)
