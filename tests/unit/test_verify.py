"""The decision on a reply, against pyotp and a slow, obvious oracle."""

import pyotp
import pytest
from doorward.native import (
    base32_decode,
    credential_parse,
    credential_set_recovery,
    otp_code,
    verify,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
KEY = base32_decode(SECRET)
SKEW_REACH = 1500

times = st.integers(min_value=10**6, max_value=4 * 10**9)


def secret_file(*options: str) -> bytes:
    """A time-based secret file with these option lines."""
    return "".join(f"{line}\n" for line in [SECRET, '" TOTP_AUTH', *options]).encode()


@given(
    now=times,
    offset=st.integers(min_value=-60, max_value=60),
    step=st.integers(min_value=1, max_value=60),
    window=st.integers(min_value=1, max_value=100),
)
def test_the_window_is_the_documented_one(now: int, offset: int, step: int, window: int) -> None:
    """A code would open the door too early or too late, or not when it should."""
    text = secret_file(f'" STEP_SIZE {step}', f'" WINDOW_SIZE {window}')
    otp = pyotp.TOTP(SECRET, interval=step)
    here = now // step
    code = otp.generate_otp(max(here + offset, 0))
    inside = range(here - (window - 1) // 2, here + window // 2 + 1)
    fits = here > 0 and code in {otp.generate_otp(max(one, 0)) for one in inside}
    assert (verify(text, code, now, learn_skew=False).reason is None) == fits


@settings(max_examples=25, deadline=None)
@given(now=times, offset=st.integers(min_value=-SKEW_REACH - 100, max_value=SKEW_REACH + 100))
def test_the_nearest_step_within_reach_is_found(now: int, offset: int) -> None:
    """A phone whose clock is off by just so much would never be taken along."""
    here = now // 30
    otp = pyotp.TOTP(SECRET)
    code = otp.generate_otp(here + offset)
    reach = range(-SKEW_REACH + 1, SKEW_REACH)
    fitting = [at for at in reach if otp.generate_otp(here + at) == code]
    nearest = min(fitting, key=lambda at: (abs(at), at), default=None)
    verdict = verify(secret_file(), code, now)
    if nearest is None:
        assert verdict.reason == "wrong-code"
    elif abs(nearest) <= 1:
        assert verdict.reason is None
    else:
        assert verdict.reason == "phone-clock-off"
        assert f'" RESETTING_TIME_SKEW {here}{nearest:+}\n'.encode() in verdict.text


@given(now=times, order=st.permutations([-1, 0, 1]))
def test_a_code_is_used_once(now: int, order: list[int]) -> None:
    """A code seen over a shoulder would work a second time."""
    text = secret_file('" DISALLOW_REUSE')
    otp = pyotp.TOTP(SECRET)
    for offset in order:
        code = otp.generate_otp(now // 30 + offset)
        first = verify(text, code, now)
        assert first.reason is None
        again = verify(first.text, code, now)
        assert again.reason == "code-used-before"
        text = first.text
    used = credential_parse(text).first.used_steps
    assert sorted(used) == [now // 30 + one for one in (-1, 0, 1)]


@given(
    limit=st.tuples(st.integers(min_value=1, max_value=5), st.integers(min_value=1, max_value=60)),
    gaps=st.lists(st.integers(min_value=0, max_value=40), min_size=1, max_size=20),
)
def test_the_rate_limit_counts_every_attempt(limit: tuple[int, int], gaps: list[int]) -> None:
    """Somebody would get more guesses than the limit says."""
    attempts, seconds = limit
    text = secret_file(f'" RATE_LIMIT {attempts} {seconds}')
    now, seen = 10**9, []
    for gap in gaps:
        now += gap
        seen.append(now)
        recent = [one for one in seen if one >= now - seconds]
        verdict = verify(text, "000", now)
        assert (verdict.reason == "rate-limit") == (len(recent) > attempts)
        text = verdict.text


@given(
    codes=st.lists(
        st.integers(min_value=10_000_000, max_value=99_999_999).map(str),
        min_size=1,
        max_size=6,
        unique=True,
    ),
    data=st.data(),
)
def test_a_recovery_code_is_used_once(codes: list[str], data: st.DataObject) -> None:
    """A recovery code would work twice, or take another one with it."""
    text = secret_file(*codes)
    for left in range(len(codes), 0, -1):
        assert credential_parse(text).recovery_codes == left
        code = data.draw(st.sampled_from(codes))
        codes.remove(code)
        verdict = verify(text, code, 10**9)
        assert verdict.reason is None
        assert verdict.recovery
        assert verify(verdict.text, code, 10**9).reason == "wrong-code"
        text = verdict.text
    assert text == secret_file()


@given(now=times, skew=st.integers(min_value=-SKEW_REACH - 5, max_value=SKEW_REACH + 5))
def test_a_steady_skew_is_learned_once_and_its_codes_cannot_be_replayed(
    now: int, skew: int
) -> None:
    """A phone with a wrong clock could not log in, or the code that taught it would work twice."""
    text = secret_file('" DISALLOW_REUSE')
    otp = pyotp.TOTP(SECRET)
    reasons = []
    nearer = range(-abs(skew) + 1, abs(skew))
    for at in (now, now + 30, now + 60):
        code = otp.generate_otp(max(at // 30 + skew, 0))
        assume(code not in {otp_code(KEY, at // 30 + offset) for offset in nearer})
        verdict = verify(text, code, at)
        reasons.append(verdict.reason)
        text = verdict.text
    if abs(skew) <= 1:
        assert reasons == [None] * 3
    elif abs(skew) < SKEW_REACH:
        assert reasons == ["phone-clock-off", "phone-clock-off", None]
        assert credential_parse(text).first.skew == skew
        assert verify(text, code, now + 60).reason == "code-used-before"
    else:
        assert reasons == ["wrong-code"] * 3


@pytest.mark.parametrize(
    ("samples", "learned"),
    [
        ("9998+4 9999+4", 4),
        ("9998+3 9999+4", 3),
        ("9998+5 9999+4", 4),
        ("9996+4 9998+4", 4),
        ("9990+9 9998+4 9999+4", 4),
        ("9990+9 9991+9 9998+4 9999+4", 4),
        ("9998+4 \t9999+4\t", 4),
        ("9998+4 9999+4 7", 4),
        ("9998+2 9999+4", 0),  # not steady
        ("9998+6 9999+4", 0),
        ("9998+4 10000+5", 0),  # twice at the same time
        ("9995+4 9998+4", 0),  # too long ago
        ("9999+4", 0),
        ("9998+4 9999", 0),  # not what a login writes
        ("9998+4 9999*4", 0),
        ("9998+4 9999-", 0),
        ("9998+4 9999+4x", 0),
    ],
)
def test_a_skew_is_learned_from_three_codes_in_a_row(samples: str, learned: int) -> None:
    """Somebody with a code or two, or with old ones, could move the window to where they fit."""
    now = 300_000  # step 10000
    text = secret_file(f'" RESETTING_TIME_SKEW {samples}')
    verdict = verify(text, pyotp.TOTP(SECRET).generate_otp(10_004), now)
    assert verdict.reason == (None if learned else "phone-clock-off")
    assert credential_parse(verdict.text).first.skew == learned


def test_a_code_that_two_steps_have_is_the_nearer_ones() -> None:
    """The skew would be learned wrong, or the wrong step be used up."""
    steps: dict[str, list[int]] = {}
    for step in range(10_000, 13_000):
        steps.setdefault(pyotp.TOTP(SECRET).generate_otp(step), []).append(step)
    twins = {code: pair for code, pair in steps.items() if len(pair) > 1}
    assert twins
    for code, (early, *_, late) in twins.items():
        for now, offset in ((early - 5, 5), (late + 5, -5)):
            verdict = verify(secret_file(), code, now * 30)
            assert verdict.reason == "phone-clock-off"
            assert f'" RESETTING_TIME_SKEW {now}{offset:+}\n'.encode() in verdict.text


def test_a_clock_before_1970_was_never_set() -> None:
    """A login at such a time would be decided on a step that is none."""
    assert verify(secret_file(), "000000", -1).reason == "clock-not-set"


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ('!!!!\n" TOTP_AUTH\n12345678\n', "000000"),
        ('!!!!\n" TOTP_AUTH\n12345678\n', "12345678"),
        (f'{SECRET}\n" HOTP_COUNTER {10**20}\n', "000000"),
    ],
)
def test_nothing_opens_a_malformed_file(text: str, reply: str) -> None:
    """Whoever can damage a file, and no more, would get in by it."""
    assert verify(text.encode(), reply, 300_000).reason == "secret-file-malformed"


@pytest.mark.parametrize(
    "reply", ["ABCDEFGHIJKLMNOP", "ABCD-EFGH-IJKL-MNOP-", "ABC-DEFG-HIJK-LMNOP", "ABCDEFGHIJKLMNO!"]
)
@pytest.mark.parametrize("hashed", [True, False])
def test_a_recovery_code_is_read_as_it_was_given_out(reply: str, *, hashed: bool) -> None:
    """What is none would be held against the file, or a file without any open the door."""
    text = secret_file()
    if hashed:
        text = credential_set_recovery(text, ["ABCDEFGHIJKLMNOP"], bytes(16))
    verdict = verify(text, reply, 300_000)
    good = hashed and reply == "ABCDEFGHIJKLMNOP"
    assert verdict.reason == (None if good else "wrong-code")


@given(
    body=st.binary(max_size=300),
    reply=st.text(max_size=20),
    now=st.integers(min_value=-(2**40), max_value=2**40),
)
def test_hostile_files_replies_and_clocks(body: bytes, reply: str, now: int) -> None:
    """Some file, reply or clock would crash a login, or let somebody in without a code."""
    text = secret_file() + body.replace(b"\0", b"")
    reply = reply.replace("\0", "")
    if verify(text, reply, now).reason is None:
        steps = range(now // 30 - SKEW_REACH, now // 30 + SKEW_REACH)
        assert reply.encode() in text.splitlines() or reply in map(pyotp.TOTP(SECRET).at, steps)
