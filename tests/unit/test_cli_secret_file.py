"""The text of a secret file: what google-authenticator writes, to the byte, and devices beside."""

from dataclasses import replace

import pytest
from doorward.enrolment import secret_file
from doorward.enrolment.secret_file import (
    device_find,
    secret_file_text,
    with_device,
    without_device,
)
from doorward.errors import (
    AlreadyEnrolledError,
    DoorwardError,
    InternalError,
    NotEnrolledError,
)
from doorward.native import (
    DEVICES_MAX,
    Algorithm,
    Device,
    RateLimit,
    credential_parse,
    credential_set,
)
from hypothesis import given
from hypothesis import strategies as st

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
MAIN = Device("main", b"12345678901234567890")
LIMIT = RateLimit(3, 30)

devices = st.builds(
    Device,
    name=st.just("main") | st.from_regex(r"[A-Za-z0-9._-]{1,32}", fullmatch=True),
    secret=st.binary(min_size=1, max_size=70),
    step=st.integers(1, 60),
    window=st.integers(1, 100),
    skew=st.integers(-1500, 1500),
    digits=st.integers(6, 8),
    algorithm=st.sampled_from(Algorithm),
    disallow_reuse=st.just(True),  # noqa: FBT003 - it builds, and means nothing
    used_steps=st.lists(st.integers(0, 10**9), max_size=4).map(tuple),
) | st.builds(
    Device,
    name=st.just("token"),
    secret=st.binary(min_size=1, max_size=70),
    counter=st.integers(1, 10**9),
    disallow_reuse=st.booleans(),
)


def _text(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in [SECRET, *lines]).encode()


@pytest.mark.parametrize(
    ("device", "limit", "codes", "lines"),
    [
        (MAIN, LIMIT, [], ['" RATE_LIMIT 3 30', '" DISALLOW_REUSE', '" TOTP_AUTH']),
        (
            replace(MAIN, used_steps=(58_000_000,)),
            LIMIT,
            ["12345678", "87654321"],
            [
                '" RATE_LIMIT 3 30',
                '" DISALLOW_REUSE 58000000',
                '" TOTP_AUTH',
                "12345678",
                "87654321",
            ],
        ),
        (
            replace(MAIN, step=60, window=17, used_steps=(1,)),
            RateLimit(100, 3600),
            [],
            [
                '" RATE_LIMIT 100 3600',
                '" WINDOW_SIZE 17',
                '" STEP_SIZE 60',
                '" DISALLOW_REUSE 1',
                '" TOTP_AUTH',
            ],
        ),
        (MAIN, None, [], ['" DISALLOW_REUSE', '" TOTP_AUTH']),
        (replace(MAIN, disallow_reuse=False), None, [], ['" TOTP_AUTH']),
        (replace(MAIN, counter=1, disallow_reuse=False), None, [], ['" HOTP_COUNTER 1']),
        (
            replace(MAIN, algorithm=Algorithm.SHA256, digits=8, disallow_reuse=False),
            None,
            [],
            ['" ALGORITHM SHA256', '" DIGITS 8', '" TOTP_AUTH'],
        ),
    ],
)
def test_text(device: Device, limit: RateLimit | None, codes: list[str], lines: list[str]) -> None:
    """The lines are the reference's, in its order, and defaults are not written."""
    assert secret_file_text(device, limit, codes) == _text(*lines)


@given(device=devices, limit=st.none() | st.builds(RateLimit, st.integers(1, 100), st.just(60)))
def test_every_choice_means_itself(device: Device, limit: RateLimit | None) -> None:
    """Whatever may be chosen is what the module reads."""
    main = replace(device, name="main")
    parsed = credential_parse(secret_file_text(main, limit, []))
    assert (parsed.devices, parsed.rate_limit) == ((main,), limit)


@given(first=devices, others=st.lists(devices, max_size=5), leaver=st.data())
def test_devices_come_and_go_alone(
    first: Device, others: list[Device], leaver: st.DataObject
) -> None:
    """A device that comes, changes or goes would take another one, or a code, with it."""
    there = {"main": replace(first, name="main")}
    text = secret_file_text(there["main"], LIMIT, ["12345678"]) + b'" FUTURE thing'
    for device in others:
        text = with_device(text, device, replacing=True)
        there[device.name] = device
    while True:
        parsed = credential_parse(text)
        assert {device.name: device for device in parsed.devices} == there
        assert (parsed.rate_limit, parsed.recovery_codes) == (LIMIT, 1)
        assert text.count(b'" FUTURE thing\n') + text.endswith(b'" FUTURE thing') == 1
        if len(there) == 1:
            break
        name = leaver.draw(st.sampled_from(sorted(there)))
        text = without_device(text, name)
        if name == "main":
            heir = parsed.devices[1]
            there["main"] = replace(there.pop(heir.name), name="main")
        else:
            del there[name]


def test_the_lines_of_a_device() -> None:
    """The reference would not read the file any more, or other lines than meant be changed."""
    text = _text('" DISALLOW_REUSE 7', '" TOTP_AUTH', "12345678")
    tablet = Device("tablet", b"12345678901234567890", digits=8, used_steps=(5,))
    more = with_device(text, tablet, replacing=False)
    assert (
        more
        == text
        + (
            f'" DEVICE tablet SECRET {SECRET}\n" DEVICE tablet DIGITS 8\n'
            '" DEVICE tablet DISALLOW_REUSE 5\n'
        ).encode()
    )
    assert without_device(more, "tablet") == text
    assert without_device(more, "main") == _text(
        '" DIGITS 8', '" DISALLOW_REUSE 5', '" TOTP_AUTH', "12345678"
    )


def test_what_cannot_come_or_go() -> None:
    """A device would be lost unasked, or a user be left with none."""
    text = secret_file_text(MAIN, None, [])
    with pytest.raises(AlreadyEnrolledError, match="there is a device 'main' already"):
        with_device(text, MAIN, replacing=False)
    with pytest.raises(DoorwardError, match="'main' is the only device"):
        without_device(text, "main")
    with pytest.raises(NotEnrolledError, match="there is no device 'tablet'") as caught:
        without_device(text, "tablet")
    assert caught.value.hint == "There is main."
    for number in range(1, DEVICES_MAX):
        text = with_device(text, replace(MAIN, name=str(number)), replacing=False)
    with pytest.raises(DoorwardError, match="there are 16 devices already"):
        with_device(text, replace(MAIN, name="tablet"), replacing=True)
    assert device_find(credential_parse(text).devices, "15").name == "15"


def test_a_text_that_means_something_else_is_not_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the parser to read the text otherwise than it was meant, it would never be written."""

    def parse_otherwise(text: bytes) -> object:
        return credential_parse(credential_set(text, "WINDOW_SIZE", "5"))

    monkeypatch.setattr(secret_file, "credential_parse", parse_otherwise)
    with pytest.raises(InternalError):
        secret_file_text(MAIN, None, [])
