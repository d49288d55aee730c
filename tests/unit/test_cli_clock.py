"""What is known of the clock."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from doorward.clock import STEP, Clock, behind, clock, of_chronyc, of_kernel

NOW = 1_795_666_381

# What chronyd 4.3 said: that knows nothing yet, whose source is two minutes ahead of it, that
# serves its own clock.
UNSYNCHRONISED = (
    "00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,"
    "1.000000000,1.000000000,0.0,Not synchronised\n"
)
BEHIND = (
    "7F000001,127.0.0.1,2,1795666381.588427261,120.000221252,0.000027171,0.000228219,"
    "-25.606,0.511,64.149,0.000396513,0.000131250,1.0,Normal\n"
)
ITSELF = BEHIND.replace("7F000001,127.0.0.1", "7F7F0101,").replace("120.000221252", "0.0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UNSYNCHRONISED, Clock(synchronized=False, source="chronyd")),
        (ITSELF, Clock(synchronized=False, source="chronyd")),
        (BEHIND, Clock(synchronized=True, offset=-120.000221252, source="chronyd")),
        ("506 Cannot talk to daemon\n", None),
        ("", None),
        ("7F000001,127.0.0.1,2,1.5,0.25,Normal\n", None),
    ],
)
def test_what_chronyd_says(text: str, expected: Clock | None) -> None:
    """A clock would be trusted that nobody has set, or taken for as far ahead as it is behind."""
    assert of_chronyc(text) == expected


@pytest.mark.parametrize(
    ("error", "daemon", "expected"),
    [
        (16_000_000, None, Clock(synchronized=False, source="the kernel")),
        (16_000_000, "timesyncd", Clock(synchronized=False, source="the kernel")),
        (250_000, None, Clock(synchronized=True, error=0.25, source="the kernel")),
        (500, "timesyncd", Clock(synchronized=True, error=0.0005, source="timesyncd")),
    ],
)
def test_what_the_kernel_says(error: int, daemon: str | None, expected: Clock) -> None:
    """A machine would be warned of whose clock is right, or not warned of one that drifts."""
    assert of_kernel(error, daemon) == expected


def test_a_clock_that_lost_its_battery(tmp_path: Path) -> None:
    """After a boot in 1970 everybody would be locked out, and the doctor find nothing."""
    missing, written = tmp_path / "missing", tmp_path / "clock"
    written.touch()
    os.utime(written, (NOW + 3600, NOW + 3600))
    found = behind([missing, written], NOW)
    assert found == Clock(synchronized=False, offset=-3600.0, source=str(written))
    assert behind([missing, written], NOW + 3600 - STEP) is None
    assert behind([missing], NOW) is None


def kept(offset: float | None = None, error: float | None = None) -> Clock:
    """A clock that chronyd keeps."""
    return Clock(synchronized=True, offset=offset, error=error, source="chronyd")


@pytest.mark.parametrize(
    ("known", "is_off", "is_right", "told"),
    [
        (kept(-120.4), True, False, "the clock is 120 seconds behind, by chronyd"),
        (kept(31), True, False, "the clock is 31 seconds ahead, by chronyd"),
        (kept(30), False, True, "the clock is right to 30.000 s, by chronyd"),
        (kept(0), False, True, "the clock is right to 0.001 s, by chronyd"),
        (kept(None, 0.25), False, True, "the clock is right to 0.250 s, by chronyd"),
        (replace(kept(-60), synchronized=False), True, False, "the clock is 60 seconds behind"),
        (
            replace(kept(), synchronized=False),
            False,
            False,
            "nobody keeps the clock right, as far as chronyd knows",
        ),
        (Clock(), False, False, "whether the clock is right cannot be told"),
    ],
)
def test_what_it_comes_to(known: Clock, *, is_off: bool, is_right: bool, told: str) -> None:
    """Somebody would switch codes on where the clock locks everybody out."""
    assert (known.is_off, known.is_right) == (is_off, is_right)
    assert told in str(known)


def test_this_machine_can_be_asked() -> None:
    """The kernel would be asked with a buffer that is too small, or its time be set."""
    before = time.time() - time.monotonic()
    known = clock()
    assert known.source or known.synchronized is None
    assert abs(time.time() - time.monotonic() - before) < 1
