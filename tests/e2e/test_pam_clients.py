"""Programs in Python that log people in through libpam: python-pam and pamela.

python-pam gives one answer to all prompts that are not echoed, and none to others. pamela gives a
list of answers, one a prompt, and fails the conversation where they run out.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pam
import pamela
import pytest

from demo.person import Person
from demo.server import Syslog
from tests.e2e.conftest import AccessFile, AccountLike

SERVICE = "doorward-clients"
SYSTEM_SECRETS = Path("/var/lib/doorward/secrets")
PASSWORD = "auth required pam_unix.so nodelay"


class Service:
    """A service of its own for these clients."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, *lines: str) -> None:
        """Make these its lines for `auth`."""
        account = "account required pam_unix.so"
        self._path.write_text("".join(f"{line}\n" for line in (*lines, account)))


@pytest.fixture
def service() -> Iterator[Service]:
    """A service without any lines yet."""
    path = Path("/etc/pam.d", SERVICE)
    yield Service(path)
    path.unlink(missing_ok=True)


def reason(syslog: Syslog) -> str:
    """Return the last login's result and reason as the log has them."""
    found = re.findall(r"result=(\w+ reason=\S+)", "\n".join(syslog.lines()))
    return str(found[-1])


# --- python-pam -----------------------------------------------------------------------------------


def test_python_pam(service: Service, syslog: Syslog, enrolled: Person) -> None:
    """A program that knows only how to ask for "the password" could not check codes either."""
    service.write("auth required pam_doorward.so")
    client = pam.PamAuthenticator()
    code = enrolled.code()
    assert client.authenticate(enrolled.name, code, service=SERVICE)
    assert client.messages == ["Verification code: "]
    assert not client.authenticate(enrolled.name, code, service=SERVICE)
    assert client.code == pam.PAM_AUTH_ERR
    assert reason(syslog) == "refused reason=code-used-before"
    assert not client.authenticate(enrolled.name, enrolled.wrong_code(), service=SERVICE)
    assert reason(syslog) == "refused reason=wrong-code"


def test_python_pam_with_password_and_code(
    service: Service, syslog: Syslog, enrolled: Person
) -> None:
    """A program that asks once could not ask for a password and a code, typed one after another."""
    service.write("auth required pam_doorward.so forward_pass", f"{PASSWORD} use_first_pass")
    client = pam.PamAuthenticator()
    code = enrolled.code()
    assert not client.authenticate(enrolled.name, f"not it{code}", service=SERVICE)
    assert not client.authenticate(enrolled.name, enrolled.password, service=SERVICE)
    assert reason(syslog) == "refused reason=wrong-code"
    answer = f"{enrolled.password}{enrolled.code()}"
    assert client.authenticate(enrolled.name, answer, service=SERVICE)
    assert client.messages == ["Password & verification code: "]


def test_python_pam_leaves_an_answer_out(
    service: Service, syslog: Syslog, enrolled: Person
) -> None:
    """A conversation that answers with NULL would crash the program, or pass for a code."""
    service.write("auth required pam_doorward.so echo_verification_code")
    client = pam.PamAuthenticator()
    assert not client.authenticate(enrolled.name, enrolled.code(), service=SERVICE)
    assert client.code == pam.PAM_AUTH_ERR
    assert reason(syslog) == "refused reason=no-reply"


# --- pamela ---------------------------------------------------------------------------------------


def refused(person: Person, *answers: str) -> bool:
    """Whether pamela tells of an authentication failure; another error is a fault of the test's."""
    try:
        pamela.authenticate(person.name, answers, service=SERVICE)
    except pamela.PAMError as error:
        if error.errno != pam.PAM_AUTH_ERR:
            raise
        return True
    return False


def test_pamela(service: Service, syslog: Syslog, enrolled: Person) -> None:
    """A program that answers prompt after prompt could not log in with password, then code."""
    service.write(PASSWORD, "auth required pam_doorward.so")
    code = enrolled.code()
    assert refused(enrolled, enrolled.password, enrolled.wrong_code())
    assert not refused(enrolled, enrolled.password, code)
    assert reason(syslog) == "accepted reason=code"
    assert refused(enrolled, enrolled.password, code)
    assert reason(syslog) == "refused reason=code-used-before"


def test_pamela_runs_out_of_answers(service: Service, syslog: Syslog, enrolled: Person) -> None:
    """A conversation that fails would pass for a code."""
    service.write(PASSWORD, "auth required pam_doorward.so")
    assert refused(enrolled, enrolled.password)
    assert reason(syslog) == "refused reason=no-reply"


def test_pamela_without_host(
    service: Service, syslog: Syslog, enrolled: Person, access_file: AccessFile
) -> None:
    """A program that tells of no remote host would not count as local."""
    service.write(PASSWORD, f"auth required pam_doorward.so {access_file('+ : ALL : LOCAL')}")
    assert not refused(enrolled, enrolled.password)
    assert reason(syslog) == "skipped reason=access-file"


def test_skip_is_no_success(service: Service, enrolled: Person, access_file: AccessFile) -> None:
    """Where no other line asks for anything, an exempt address would be all that it takes."""
    service.write(f"auth sufficient pam_doorward.so {access_file('+ : ALL : LOCAL')}")
    with pytest.raises(pamela.PAMError):
        pamela.authenticate(enrolled.name, ["", ""], service=SERVICE)


@pytest.mark.parametrize("name", ["./{}", "../secrets/{}", "x/../{}", "/{}", "{}/", "..", "."])
def test_name_that_is_a_path(
    service: Service, syslog: Syslog, person: Person, account_like: AccountLike, name: str
) -> None:
    """By choosing a login name, one could choose whose secret is asked for: one's own."""
    service.write(
        PASSWORD, f"auth required pam_doorward.so secret={SYSTEM_SECRETS}/${{USER}} user=root"
    )
    person.enrol("--secret-file", f"{SYSTEM_SECRETS}/${{USER}}")
    (SYSTEM_SECRETS / "x").mkdir(exist_ok=True)
    file = SYSTEM_SECRETS / person.name
    before = file.read_bytes()
    name = name.format(person.name)
    account_like(person, name)
    code = person.code()
    with pytest.raises(pamela.PAMError):
        pamela.authenticate(name, [person.password, code], service=SERVICE)
    assert reason(syslog) == "refused reason=bad-user-name"
    assert file.read_bytes() == before  # where an attempt would have been counted
    assert not refused(person, person.password, code)
