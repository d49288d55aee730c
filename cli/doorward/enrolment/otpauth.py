"""The otpauth URI: what a QR code says to an authenticator app."""

import os
from dataclasses import dataclass
from urllib.parse import quote

from doorward.enrolment.account import Account
from doorward.errors import DoorwardError
from doorward.native import DEVICE_FIRST, Algorithm, Device, base32_encode

_NAME_MAX = 100  # bytes in UTF-8, so that any two names still fit in a QR code


@dataclass(frozen=True)
class Entry:
    """One line of an authenticator app: what it shows, and what it needs to make codes."""

    issuer: str
    label: str
    device: Device

    @property
    def secret_text(self) -> str:
        """The secret in base32, as apps take it."""
        return base32_encode(self.device.secret)

    @property
    def uri(self) -> str:
        """The URI, with digits and period even where they are what apps assume: not all do.

        The algorithm is named where it is another than SHA1, which all apps assume. Source:
        google-authenticator's wiki, Key-Uri-Format. pyotp leaves defaults out and slashes bare,
        which apps read in different ways.
        """
        device = self.device
        parameters = {"secret": self.secret_text, "issuer": self.issuer}
        if device.algorithm != Algorithm.SHA1:
            parameters["algorithm"] = device.algorithm
        parameters["digits"] = str(device.digits)
        if device.counter is None:
            parameters["period"] = str(device.step)
        else:
            parameters["counter"] = str(device.counter)
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
        kind = "totp" if device.counter is None else "hotp"
        name = f"{quote(self.issuer, safe='')}:{quote(self.label, safe='')}"
        return f"otpauth://{kind}/{name}?{query}"


def entry_names(
    account: Account, device_name: str, issuer: str | None, label: str | None
) -> tuple[str, str]:
    """Issuer and label as given, or this host's name and ``user@host``.

    The label of any but the first device has its name, too: apps take entries of one name for the
    same. Raises DoorwardError for a name that apps could not show, or would take apart elsewhere.
    """
    host = os.uname().nodename
    which = "" if device_name == DEVICE_FIRST else f" ({device_name})"
    names = (issuer or host, label or f"{account.name}@{host}{which}")
    for name in names:
        if ":" in name or not name.isprintable() or len(name.encode()) > _NAME_MAX:
            raise DoorwardError(
                f"'{name}' cannot be an issuer or a label",
                hint=f"Up to {_NAME_MAX} bytes of letters and the like, without a colon.",
            )
    return names
