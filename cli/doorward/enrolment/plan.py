"""What an enrolment is going to write: found possible before anybody is asked for a code."""

from dataclasses import asdict, dataclass
from typing import Protocol

from doorward.enrolment.inspection import Inspection
from doorward.enrolment.secret_file import secret_file_text, with_device
from doorward.enrolment.store import Store
from doorward.native import Device, RateLimit


class Plan(Protocol):
    """Where a device will be, and what comes or goes with it."""

    @property
    def recovery_codes(self) -> list[str]:
        """The new ones, to be shown."""

    @property
    def goes(self) -> str | None:
        """A sentence on what has to make room, or None."""

    @property
    def done(self) -> str:
        """What is true once it is written, without a full stop."""

    def write(self, device: Device) -> None:
        """Do it; raises what the store raises, and then nothing has changed."""

    def as_json(self) -> dict[str, object]:
        """Return all this, for `say_json`."""


@dataclass(frozen=True)
class NewFile:
    """A file of its own for the device, in place of `before` where somebody was enrolled."""

    store: Store
    rate_limit: RateLimit | None
    recovery_codes: list[str]
    force: bool
    before: Inspection | None

    @property
    def goes(self) -> str | None:
        """What the file has that goes."""
        if self.before is None:
            return None
        if self.before.problems:
            return f"This takes the place of {self.before.file}, which no login takes."
        names = [device.name for device in self.before.devices]
        devices = f"{len(names)} devices ({', '.join(names)})" if names[1:] else "the device"
        codes = self.before.recovery_codes
        return (
            f"This takes the place of {devices} and {codes} recovery code{'s'[: codes != 1]} "
            f"that {self.before.user} has now."
        )

    @property
    def done(self) -> str:
        """Who is enrolled."""
        return f"{self.store.file.account.name} is enrolled"

    def write(self, device: Device) -> None:
        """Make the file."""
        text = secret_file_text(device, self.rate_limit, self.recovery_codes)
        self.store.write(text, replacing=self.force)

    def as_json(self) -> dict[str, object]:
        """Return what the file has beside the device, and what it had."""
        limit = self.rate_limit
        return {
            "rate_limit": limit and {"attempts": limit.attempts, "seconds": limit.seconds},
            "recovery_codes": self.recovery_codes,
            "replaced": self.before
            and {
                "devices": [asdict(device) for device in self.before.devices],
                "recovery_codes": self.before.recovery_codes,
            },
        }


@dataclass(frozen=True)
class OneOfSeveral:
    """A device in the file of somebody who is enrolled, in place of one of its name by `force`."""

    store: Store
    name: str
    force: bool

    @property
    def recovery_codes(self) -> list[str]:
        """None: those of the file stay."""
        return []

    @property
    def goes(self) -> str | None:
        """The device that had the name."""
        if not self.force:
            return None
        return f"What is called '{self.name}' now will not work any more."

    @property
    def done(self) -> str:
        """Which device is enrolled."""
        return f"the device '{self.name}' of {self.store.file.account.name} is enrolled"

    def write(self, device: Device) -> None:
        """Put the device into the file."""
        self.store.change(lambda text: with_device(text, device, replacing=self.force))

    def as_json(self) -> dict[str, object]:
        """Return nothing: all else is as it was."""
        return {}


def plan_new_file(
    store: Store, rate_limit: RateLimit | None, recovery_codes: list[str], *, force: bool
) -> Plan:
    """Plan a file with one device; AlreadyEnrolledError where there is one, unless `force`."""
    before = None
    if store.exists():
        if not force:
            raise store.already_enrolled()
        before = store.inspect()
    return NewFile(store, rate_limit, recovery_codes, force, before)


def plan_one_of_several(store: Store, device: Device, *, force: bool) -> Plan:
    """Plan one more device.

    Raises NotEnrolledError where there is no file, and what `with_device` raises.
    """
    with_device(store.read(), device, replacing=force)
    return OneOfSeveral(store, device.name, force)
