"""What pamconf says of a stack is what libpam does with it."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pamconf import Outcome, stack
from pamconf.control import RETURNS
from pamconf.stack import Rule, Service
from tests.pam.libpam import ESTABLISH_CRED, Login, login
from tests.pam.stacks import stack as random_stack

FOLDER = Path("/srv/doorward-stacks")
STACKS = 6000

# What an application calls, pam_debug.so's argument for it, and libpam's function and flags.
CALLS = {
    "auth": ("auth", "authenticate", 0),
    "setcred": ("cred", "setcred", ESTABLISH_CRED),
    "account": ("acct", "acct_mgmt", 0),
    "session": ("open_session", "open_session", 0),
    "close_session": ("close_session", "close_session", 0),
    "password": ("prechauthtok", "chauthtok", 0),
}
AFTER = {"setcred": "auth", "close_session": "session"}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where the files of the stacks lie, and nothing else."""
    FOLDER.mkdir()
    yield FOLDER
    shutil.rmtree(FOLDER)


def returns_of(event: str) -> Callable[[Rule], str]:
    """What pam_debug.so returns by its arguments, and what other modules do."""

    def returns(rule: Rule) -> str:
        if rule.module == "pam_permit.so":
            return "success"
        if rule.module == "pam_deny.so":
            return DENIALS[event]
        if rule.module != "pam_debug.so":
            return "module_unknown"
        said = [argument for argument in rule.arguments if argument.startswith(f"{event}=")]
        value = said[0].partition("=")[2] if said else "success"
        return value if value in RETURNS else "success"

    return returns


DENIALS = {
    "auth": "auth_err",
    "cred": "cred_err",
    "acct": "auth_err",
    "open_session": "session_err",
    "close_session": "session_err",
    "prechauthtok": "authtok_err",
    "chauthtok": "authtok_err",
}


def ours(service: Service) -> dict[str, str]:
    """What pamconf says of every call."""
    outcomes: dict[str, Outcome] = {}
    for call, (event, *_) in CALLS.items():
        after = outcomes.get(AFTER.get(call, ""))
        outcomes[call] = service.run(call, returns_of(event), after)
    if outcomes["password"].status == "success":  # pam_chauthtok's second pass
        outcomes["password"] = service.run("password", returns_of("chauthtok"))
    return {call: outcome.status for call, outcome in outcomes.items()}


def theirs(handle: Login, call: str) -> str:
    """What libpam says."""
    _, function, flags = CALLS[call]
    return RETURNS[handle.call(function, flags)]


def differences(service: Service) -> dict[str, tuple[str, str]]:
    """What libpam says and what we say, where that is not the same."""
    said = ours(service)
    real = {}
    for chain in (("auth", "setcred"), ("account",), ("session", "close_session"), ("password",)):
        with login("t", FOLDER) as handle:
            real.update({call: theirs(handle, call) for call in chain})
    return {call: (real[call], said[call]) for call in CALLS if real[call] != said[call]}


def read(path: str) -> bytes | None:
    """A file as pamconf wants it."""
    try:
        return Path(path).read_bytes()
    except IsADirectoryError:
        return b""
    except FileNotFoundError:
        return None


def test_random_stacks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An admin would be told something else than what their machine does."""
    statuses: Counter[str] = Counter()
    features: Counter[str] = Counter()
    made = 0

    @given(st.integers(min_value=0, max_value=2**64))
    @settings(
        max_examples=STACKS, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    def compare(seed: int) -> None:
        nonlocal made
        made += 1
        files = random_stack(Random(seed), str(folder))  # noqa: S311 - no secret
        for old in folder.iterdir():
            old.unlink()
        for name, text in files.files.items():
            (folder / name).write_text(text)
        service = stack.load("t", confdirs=(str(folder),))
        statuses.update(ours(service).values())
        features.update(files.features)
        assert not differences(service), files.files

    compare()
    with capsys.disabled():
        print(f"\n{made} stacks: {dict(features.most_common())}; outcomes {dict(statuses)}")  # noqa: T201 - the histogram
    assert made >= STACKS
    for rare in ("jump", "malformed bracket"):
        assert features[rare] >= made / 4
    assert sum(features[how] for how in ("include", "substack")) >= made / 4
