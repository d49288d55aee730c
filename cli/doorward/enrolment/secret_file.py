"""What a secret file says: a new one, and one whose devices change.

Each text is read again with the module's own parser before it is returned, so that what would be
refused at a login, or mean something else there, is never written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from doorward.enrolment.recovery import with_recovery_codes
from doorward.errors import (
    AlreadyEnrolledError,
    DoorwardError,
    InternalError,
    NotEnrolledError,
)
from doorward.native import (
    DEVICE_FIRST,
    DEVICES_MAX,
    Algorithm,
    Credential,
    Device,
    RateLimit,
    base32_encode,
    credential_parse,
    credential_unset,
)

_PLAIN = Device(DEVICE_FIRST, b"")  # what a file means that says nothing of it

_FIRST_KEYS = (  # of the first device; those of others are behind DEVICE and the name
    "ALGORITHM",
    "DIGITS",
    "DISALLOW_REUSE",
    "HOTP_COUNTER",
    "RESETTING_TIME_SKEW",
    "STEP_SIZE",
    "TIME_SKEW",
    "TOTP_AUTH",
    "WINDOW_SIZE",
)


def secret_file_text(
    device: Device, rate_limit: RateLimit | None, recovery_codes: Sequence[str]
) -> bytes:
    """Compose the file for a new credential with one device, in google-authenticator's order."""
    lines = [base32_encode(device.secret)]
    if rate_limit:
        lines.append(f'" RATE_LIMIT {rate_limit.attempts} {rate_limit.seconds}')
    text = with_recovery_codes(_joined([*lines, *_lines(device)]), recovery_codes)
    return _checked(text, Credential((device,), rate_limit, len(recovery_codes)))


def with_device(text: bytes, device: Device, *, replacing: bool) -> bytes:
    """Return the file with this device, and all else as it is.

    Raises AlreadyEnrolledError where it has one of that name, unless `replacing`, and DoorwardError
    where it can have no more.
    """
    names = [one.name for one in credential_parse(text).devices]
    if device.name in names:
        if not replacing:
            raise AlreadyEnrolledError(
                f"there is a device '{device.name}' already",
                hint="Choose another name. --force puts this one in its place, and what it has now "
                "stops working.",
            )
    elif len(names) == DEVICES_MAX:
        raise DoorwardError(
            f"there are {DEVICES_MAX} devices already, the most that there can be",
            hint="'doorward unenroll --device NAME' removes one.",
        )
    return _put(text, device)


def without_device(text: bytes, name: str) -> bytes:
    """Return the file without that device, and all else as it is.

    Where it is the first one, the next takes its place and name. Raises NotEnrolledError where
    there is none of that name, and DoorwardError where there is no other.
    """
    before = credential_parse(text)
    device_find(before.devices, name)
    others = [device for device in before.devices if device.name != name]
    if not others:
        raise DoorwardError(
            f"'{name}' is the only device",
            hint="'doorward unenroll' without --device removes it, and the recovery codes with it.",
        )
    if name == DEVICE_FIRST:
        heir = others[0]
        return _put(credential_unset(text, _key(heir.name)), replace(heir, name=DEVICE_FIRST))
    return _checked(credential_unset(text, _key(name)), replace(before, devices=tuple(others)))


def device_find(devices: Sequence[Device], name: str) -> Device:
    """Return the device of that name; raises NotEnrolledError."""
    for device in devices:
        if device.name == name:
            return device
    raise NotEnrolledError(
        f"there is no device '{name}'",
        hint=f"There is {', '.join(device.name for device in devices)}.",
    )


def _key(name: str) -> str:
    return f"DEVICE {name}"


def _put(text: bytes, device: Device) -> bytes:
    before = credential_parse(text)
    if device.name == DEVICE_FIRST:
        _, _, rest = credential_unset(text, *_FIRST_KEYS).partition(b"\n")
        after = _joined([base32_encode(device.secret), *_lines(device)]) + rest
    else:
        rest = credential_unset(text, _key(device.name))
        lines = [f"SECRET {base32_encode(device.secret)}", *(line[2:] for line in _lines(device))]
        end = b"" if rest.endswith(b"\n") else b"\n"
        after = rest + end + _joined([f'" {_key(device.name)} {line}' for line in lines])
    others = [one for one in before.devices if one.name != device.name]
    return _checked(after, replace(before, devices=(*others, device)))


def _lines(device: Device) -> Iterator[str]:
    """The device's settings and state, as the first one's; defaults are not said."""
    if device.window != _PLAIN.window:
        yield f'" WINDOW_SIZE {device.window}'
    if device.step != _PLAIN.step:
        yield f'" STEP_SIZE {device.step}'
    if device.algorithm != Algorithm.SHA1:
        yield f'" ALGORITHM {device.algorithm}'
    if device.digits != _PLAIN.digits:
        yield f'" DIGITS {device.digits}'
    if device.skew:
        yield f'" TIME_SKEW {device.skew}'
    if device.disallow_reuse:
        yield " ".join(['" DISALLOW_REUSE', *map(str, device.used_steps)])
    if device.counter is not None:
        yield f'" HOTP_COUNTER {device.counter}'
    elif device.name == DEVICE_FIRST:
        yield '" TOTP_AUTH'


def _joined(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _checked(text: bytes, meant: Credential) -> bytes:
    """Return the text, which has to mean that; the order of the devices does not matter."""

    def meaning(credential: Credential) -> object:
        devices = {device.name: device for device in credential.devices}
        return devices, credential.rate_limit, credential.recovery_codes

    if meaning(credential_parse(text)) != meaning(meant):
        raise InternalError("the new secret file would mean something else than it should")
    return text
