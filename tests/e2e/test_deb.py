"""The Debian packages, through a life on a machine: installed, used, replaced, removed, purged."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from doorward.main import group

from demo.person import Person
from demo.process import output_of
from demo.server import Server
from lab.process import PATH
from tests.conftest import CHECKOUT
from tests.e2e.fast_client import log_in

MODULE, COMMAND = "libpam-doorward", "doorward"
BUILT = CHECKOUT / "build/deb"
PAM_D, COMMON_AUTH = Path("/etc/pam.d"), Path("/etc/pam.d/common-auth")
FILTER = Path("/etc/fail2ban/filter.d/doorward.conf")
SECRETS = Path("/var/lib/doorward/secrets")
TRANSACTIONS = Path("/var/lib/doorward/transactions")
LINK = Path("/usr/local/bin/doorward")  # to what a private host has without a package
ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
PASSWORD, CODE = ("Password: ", False), ("Verification code: ", False)
# Where others write meanwhile: tests, and programs that note which packages come and go.
OF_OTHERS = re.compile(
    f"{CHECKOUT}|/(home|opt|root|run|tmp)/|/var/(cache|log|tmp)/|/var/lib/(dpkg|pam|systemd)/|{LINK}$"
)


def run(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a maintainer's tools would."""
    return subprocess.run(
        command,
        env=ENVIRONMENT | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",  # names of files may be any bytes
        check=False,
    )


def done(*command: str | Path) -> str:
    """Return what a program that must succeed prints."""
    ran = run(*command)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def deb(package: str) -> Path:
    """The package that `make deb` built."""
    (path,) = BUILT.glob(f"{package}_*.deb")
    return path


def version(package: str) -> str:
    """The version that is installed, and how far, as dpkg has it."""
    return done("dpkg-query", "--show", "--showformat=${Version} ${db:Status-Status}", package)


def older(package: str, folder: Path) -> Path:
    """The same package, but for its version, 0.0.1-1."""
    tree = folder / package
    done("dpkg-deb", "--raw-extract", deb(package), tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub("(?m)^Version: .*", "Version: 0.0.1-1", control.read_text()))
    path = folder / f"{package}.deb"
    done("dpkg-deb", "--root-owner-group", "--build", tree, path)
    return path


def files() -> dict[str, tuple[int, int, int, bytes]]:
    """All files of this host: mode, owner, group, and the content of those in /etc."""
    found = {}
    listed = done("find", "/", "-xdev", "-print0").split("\0")
    for name in filter(None, listed):
        if OF_OTHERS.match(name):
            continue
        path = Path(name)
        facts = path.lstat()
        is_setting = name.startswith("/etc/") and path.is_file() and not path.is_symlink()
        content = path.read_bytes() if is_setting else b""
        found[name] = (facts.st_mode, facts.st_uid, facts.st_gid, content)
    return found


@pytest.fixture(scope="module", autouse=True)
def bare() -> Iterator[None]:
    """A host without doorward, as packages find it; afterwards it is as others have it."""
    command = LINK.readlink()
    (module,) = Path("/usr/lib").glob("*/security/pam_doorward.so")
    LINK.unlink()
    module.unlink()
    yield
    LINK.symlink_to(command)
    output_of("doorward", "pam", "install-module")


@pytest.fixture(autouse=True)
def rules() -> Iterator[dict[Path, str]]:
    """The files of /etc/pam.d, which are put back before the packages are purged."""
    before = {path: path.read_text() for path in PAM_D.iterdir()}
    yield before
    run("pam-auth-update", "--disable", "doorward")
    for path in PAM_D.iterdir():
        if path in before:
            path.write_text(before[path])
        else:
            path.unlink()
    run("dpkg", "--purge", COMMAND, MODULE)


@pytest.fixture
def installed() -> None:
    """Both packages."""
    done("dpkg", "--install", deb(MODULE), deb(COMMAND))


def rules_now() -> dict[Path, str]:
    """The files of /etc/pam.d as they are."""
    return {path: path.read_text() for path in PAM_D.iterdir()}


def asks_for_codes(server: Server, person: Person) -> bool:
    """Whether sshd asks for the code, refuses a wrong one, and lets the right one in."""
    wrong = log_in(server, person.name, person.password, person.wrong_code())
    right = log_in(server, person.name, person.password, person.code())
    assert wrong.prompts == right.prompts
    return right.prompts == [PASSWORD, CODE] and not wrong.let_in and right.let_in


# --- Installed ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("installed")
def test_the_command_runs(tmp_path: Path) -> None:
    """It would not start with Debian's Python, or run what somebody has put into PYTHONPATH."""
    (tmp_path / "click.py").write_text("raise SystemExit(99)")
    shown = run("doorward", "--version", PYTHONPATH=str(tmp_path))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout == f"doorward {version(COMMAND).partition('-')[0]}\n"
    assert "recovery-codes" in done("doorward", "--help")


def test_nothing_is_enabled(rules: dict[Path, str]) -> None:
    """A login would ask for codes, or a timer run, because a package was installed."""
    units = set(Path("/etc/systemd").rglob("*"))
    done("dpkg", "--install", deb(MODULE), deb(COMMAND))
    assert rules_now() == rules
    assert set(Path("/etc/systemd").rglob("*")) == units
    assert not list(Path("/etc/fail2ban/jail.d").glob("*doorward*"))


@pytest.mark.usefixtures("installed")
def test_enrol_and_log_in(server: Server, enrolled: Person) -> None:
    """Who installs the packages could not enrol, or not log in afterwards."""
    server.protect()
    assert asks_for_codes(server, enrolled)


@pytest.mark.usefixtures("installed")
def test_completion() -> None:
    """Tab would do nothing in bash."""
    typed = "COMP_WORDS=(doorward pam li); COMP_CWORD=2; _doorward_completion doorward"
    script = "/usr/share/bash-completion/completions/doorward"
    shown = done("bash", "-c", f'. {script}; {typed}; echo "${{COMPREPLY[@]}}"')
    assert shown == "lint\n"


@pytest.mark.usefixtures("installed")
def test_every_command_loads_with_debians_libraries() -> None:
    """A command would fail at once with a library that is older than those on PyPI."""
    for name in group.list_commands(click.Context(group)):
        assert done("doorward", name, "--help").startswith(f"Usage: doorward {name} ")


@pytest.mark.usefixtures("installed")
def test_what_is_made_of_them_works_with_debians_libraries() -> None:
    """Later, it would fail when it reads an option, draws a QR code or prints a table."""
    tests = [f"tests/unit/test_cli_{name}.py" for name in ("confirm", "main", "pam_access", "qr")]
    program = (CHECKOUT / ".venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    ran = run(*program, *tests, PYTHONPATH="/usr/lib/python3/dist-packages")
    assert ran.returncode == 0, ran.stdout


# --- The profile for pam-auth-update --------------------------------------------------------------


@pytest.mark.usefixtures("installed")
def test_the_profile(server: Server, enrolled: Person, rules: dict[Path, str]) -> None:
    """One line for all services would ask nobody, shut somebody out, or stay for ever."""
    other = Person(f"{enrolled.name}-other", "pass word")
    done("pam-auth-update", "--enable", "doorward")
    assert asks_for_codes(server, enrolled)
    assert log_in(server, other.name, other.password).let_in
    told = done("doorward", "pam", "explain", "sudo")
    assert "Enrolled: password, then code (common-auth:" in told
    assert "Not enrolled: password alone, because of nullok in common-auth:" in told

    text = COMMON_AUTH.read_text()
    COMMON_AUTH.write_text(text.replace("pam_doorward.so nullok", "pam_doorward.so"))
    done("dpkg", "--install", deb(MODULE))
    assert re.search("(?m)^auth\trequired\tpam_doorward.so *$", COMMON_AUTH.read_text())
    assert not log_in(server, other.name, other.password, "000000").let_in

    done("pam-auth-update", "--disable", "doorward")
    assert rules_now() == rules


# --- Replaced -------------------------------------------------------------------------------------


def test_an_upgrade(server: Server, person: Person, tmp_path: Path) -> None:
    """A login would be open, or shut, while the package is replaced, or a setting be lost."""
    done("dpkg", "--install", older(MODULE, tmp_path), older(COMMAND, tmp_path))
    assert version(MODULE) == "0.0.1-1 installed"
    person.enrol("--rate-limit", "none")
    done("pam-auth-update", "--enable", "doorward")
    before = rules_now()
    FILTER.write_text(f"# mine\n{FILTER.read_text()}")

    done("dpkg", "--unpack", deb(MODULE), deb(COMMAND))
    assert version(MODULE).endswith(" unpacked")
    assert asks_for_codes(server, person)
    done("dpkg", "--configure", "--pending")
    assert asks_for_codes(server, person)
    assert rules_now() == before
    assert FILTER.read_text().startswith("# mine\n")


# --- Removed --------------------------------------------------------------------------------------


def in_sshd(server: Server) -> Path:
    """One line, as README has it."""
    server.protect()
    return PAM_D / "sshd"


def below_the_profile(server: Server) -> Path:  # noqa: ARG001 - as the others
    """A line of an admin's own in common-auth, below what pam-auth-update owns."""
    with COMMON_AUTH.open("a") as file:
        file.write("auth required pam_doorward.so\n")
    return COMMON_AUTH


def over_two_lines(server: Server) -> Path:
    """A rule that goes on in the next line."""
    server.protect()
    path = PAM_D / "sshd"
    path.write_text(path.read_text().replace("required pam_door", "required \\\n  pam_door"))
    return path


def by_its_path(server: Server) -> Path:
    """The module with its folder, and what libpam does not complain of where it is missing."""
    (module,) = Path("/usr/lib").glob("*/security/pam_doorward.so")
    server.protect()
    path = PAM_D / "sshd"
    path.write_text(
        path.read_text().replace("auth required pam_door", f"-auth required {module} #")
    )
    return path


def include(server: Server, name: str) -> None:
    """Have sshd's file include another in the place of the line."""
    line = server.protect()
    sshd = PAM_D / "sshd"
    sshd.write_text(sshd.read_text().replace(line, f"@include {name}"))


ELSEWHERE = Path("/etc/security/sshd-codes")


def by_a_link(server: Server) -> Path:
    """A file that is a link to one elsewhere."""
    include(server, "sshd-codes")
    path = PAM_D / "sshd-codes"
    path.symlink_to(ELSEWHERE)
    return path


def out_of_another_folder(server: Server) -> Path:
    """A file elsewhere, by its path."""
    include(server, str(ELSEWHERE))
    return ELSEWHERE


@pytest.fixture
def elsewhere() -> Iterator[None]:
    """A file with the line, where libpam does not look by itself."""
    ELSEWHERE.write_text("auth required pam_doorward.so\n")
    yield
    ELSEWHERE.unlink()


@pytest.mark.usefixtures("elsewhere", "installed")
@pytest.mark.parametrize(
    "protect",
    [in_sshd, below_the_profile, over_two_lines, by_its_path, by_a_link, out_of_another_folder],
)
def test_the_module_stays_where_it_is_named(
    server: Server, enrolled: Person, protect: Callable[[Server], Path]
) -> None:
    """A removal would shut everybody out: a rule without its module refuses."""
    named = protect(server)
    before = rules_now()
    removed = run("dpkg", "--remove", MODULE)
    assert removed.returncode == 1
    assert f"\n{named}\n" in removed.stderr
    assert "doorward pam disable" in removed.stderr
    assert version(MODULE).endswith(" installed")
    assert rules_now() == before
    assert asks_for_codes(server, enrolled)


@pytest.mark.usefixtures("installed")
def test_the_profile_is_as_it_was_when_the_module_stays(server: Server) -> None:
    """A removal that is refused would have opened every other door."""
    done("pam-auth-update", "--enable", "doorward")
    server.protect()
    before = rules_now()
    assert run("dpkg", "--remove", MODULE).returncode == 1
    assert rules_now() == before


@pytest.mark.usefixtures("installed")
def test_the_profile_goes_with_the_module(
    server: Server, enrolled: Person, rules: dict[Path, str]
) -> None:
    """Every door of the machine would be shut."""
    done("pam-auth-update", "--enable", "doorward")
    done("dpkg", "--remove", MODULE)
    assert rules_now() == rules
    assert log_in(server, enrolled.name, enrolled.password).let_in


@pytest.mark.usefixtures("installed")
def test_what_an_editor_left_does_not_keep_it(server: Server, enrolled: Person) -> None:
    """The package could not be removed because of a file that nobody logs in by."""
    server.protect()
    sshd = PAM_D / "sshd"
    for name in ("sshd~", ".sshd.swp", "sshd.dpkg-old", "sshd.bak"):
        (PAM_D / name).write_text(sshd.read_text())
    sshd.write_text(sshd.read_text().replace("auth required pam_doorward", "# was: pam_doorward"))
    done("dpkg", "--remove", MODULE)
    assert log_in(server, enrolled.name, enrolled.password).let_in


# --- Purged ---------------------------------------------------------------------------------------


def test_nothing_is_left(person: Person) -> None:
    """A machine would be littered, or somebody's only way in be deleted with the package."""
    before = files()
    done("dpkg", "--install", deb(MODULE), deb(COMMAND))
    person.enrol("--system")
    done("doorward", "pam", "lint")  # compiles what is imported
    FILTER.write_text("# mine\n")
    Path("/run/doorward").mkdir()
    Path("/var/lib/doorward/doctor.json").touch()
    way_back = TRANSACTIONS / "20270101-000000/theirs"
    way_back.mkdir(parents=True)
    told = done("dpkg", "--purge", COMMAND, MODULE)
    assert "keep or remove: /var/lib/doorward (secrets: 1, changes of logins: 1)" in told
    assert (SECRETS / person.name).exists()
    assert way_back.exists()
    assert not Path("/run/doorward").exists()
    after = files()
    secret = SECRETS / person.name
    kept = (SECRETS.parent, SECRETS, secret, TRANSACTIONS, way_back.parent, way_back)
    shutil.rmtree(TRANSACTIONS)
    assert after.keys() - before.keys() == {*map(str, kept)}
    assert [name for name in before if after.get(name) != before[name]] == []


def test_no_folder_without_secrets_is_left() -> None:
    """An empty folder would stay for ever."""
    done("dpkg", "--install", deb(COMMAND))
    SECRETS.mkdir(parents=True, mode=0o700)
    assert "/var/lib/doorward" not in done("dpkg", "--purge", COMMAND)
    assert not SECRETS.parent.exists()
