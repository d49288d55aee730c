"""What may be told of a secret file: nothing in here is secret."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from doorward.native import Credential, Device

_TIME_MAX = 253_402_300_799  # the last second of the year 9999: what is later is no date


@dataclass(frozen=True)
class DeviceInspection:
    """A device as it may be shown.

    `type` is ``totp``, with a `step` in seconds, or ``hotp``, with the `counter` of the next code.
    `reuse` says whether a code of the time opens the door more than once; where not, `last_code`
    (Unix time of its step) is of the last one accepted.
    """

    name: str
    type: str
    algorithm: str
    digits: int
    step: int | None
    counter: int | None
    reuse: bool
    last_code: int | None


@dataclass(frozen=True)
class Inspection:
    """What a login would find.

    `enrolled` says whether something is there (None: that cannot be told), `problems` why a login
    would refuse it, and `mends` what to do about each of those that something can be done about.
    `type` is that of the first device, `last_code` the latest of all devices, and
    `last_attempt` (Unix time) the last login tried, with whatever code, where there is a rate
    limit. `foreign_keys` are those in the file that google-authenticator does not know.
    """

    user: str
    file: str
    enrolled: bool | None
    problems: Sequence[str] = ()
    mends: Sequence[str] = ()
    type: str | None = None
    devices: Sequence[DeviceInspection] = ()
    recovery_codes: int | None = None
    last_code: int | None = None
    last_attempt: int | None = None
    foreign_keys: Sequence[str] = ()


def inspected(credential: Credential) -> dict[str, object]:
    """Return what a credential adds to an Inspection, ready for JSON."""
    devices = [_device(device) for device in credential.devices]
    limit = credential.rate_limit
    return {
        "type": devices[0].type,
        "devices": [asdict(device) for device in devices],
        "recovery_codes": credential.recovery_codes,
        "last_code": max((one.last_code for one in devices if one.last_code), default=None),
        "last_attempt": _last(limit.history if limit else ()),
        "foreign_keys": credential.foreign_keys,
    }


def _device(device: Device) -> DeviceInspection:
    by_time = device.counter is None
    return DeviceInspection(
        name=device.name,
        type="totp" if by_time else "hotp",
        algorithm=device.algorithm,
        digits=device.digits,
        step=device.step if by_time else None,
        counter=device.counter,
        reuse=by_time and not device.disallow_reuse,
        last_code=_last(step * device.step for step in device.used_steps) if by_time else None,
    )


def _last(times: Iterable[int]) -> int | None:
    return max((time for time in times if 0 < time <= _TIME_MAX), default=None)
