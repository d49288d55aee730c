"""The secret file on disk: how the module finds, checks, locks and replaces it."""

import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pam.conftest import ACCOUNTS, RECOVERY_CODE, code_at, enrol, owned
from tests.pam.login import Login, Setting, log_in, shell
from tests.pam.test_module import NO_LOCKS, wait_until_it_decides

RUN = Path("/run/doorward")
AS_ROOT = ("user=root", "secret=/home/galuser/.google_authenticator")
PAM_SILENT = 0x8000


@pytest.mark.parametrize("strict", [True, False])
def test_a_file_of_somebody_elses_is_not_trusted(
    home: Path, confdir: Path, *, strict: bool
) -> None:
    """Whoever owns the file knows the secret, and decides who gets in."""
    enrol(home, name="galother").chmod(0o644)
    setting = Setting(args=["allowed_perm=0644", *([] if strict else ["no_strict_owner"])])
    result = log_in(confdir, setting, [f"={code_at()}"])
    assert result.module == ("PAM_AUTH_ERR" if strict else "PAM_SUCCESS")


def test_the_owner_stays_where_root_replaces_the_file(home: Path, confdir: Path) -> None:
    """Its owner could not read it any more, and somebody else might."""
    path = enrol(home, RECOVERY_CODE)
    setting = Setting(args=[*AS_ROOT, "no_strict_owner"])
    assert log_in(confdir, setting, [f"={RECOVERY_CODE}"]).module == "PAM_SUCCESS"
    assert (path.owner(), path.stat().st_gid) == ("galuser", ACCOUNTS["galuser"][0])


def test_a_name_that_leaves_no_room_beside_it_is_refused(home: Path, confdir: Path) -> None:
    """A code that cannot be used up would open the door again and again."""
    path = enrol(home, RECOVERY_CODE)
    path = path.rename(home / ("x" * 250))
    result = log_in(confdir, Setting(args=[f"secret={path}"]), [f"={RECOVERY_CODE}"])
    assert result.module == "PAM_AUTH_ERR"
    assert RECOVERY_CODE in path.read_text()


@pytest.mark.parametrize("silent", [True, False])
def test_a_disk_that_cannot_be_written_is_told_unless_silent(
    home: Path, confdir: Path, *, silent: bool
) -> None:
    """The user would try code after code, and a program that asked for silence show a message."""
    enrol(home, RECOVERY_CODE)
    shell(f"mount --bind {home} {home} && mount -o remount,ro,bind {home}")
    try:
        setting = Setting(flags=PAM_SILENT if silent else 0)
        result = log_in(confdir, setting, [f"={RECOVERY_CODE}"])
    finally:
        shell(f"umount {home}")
    assert result.module == "PAM_AUTH_ERR"
    assert ["ERROR_MSG" in message for message in result.messages] == [False] + [True] * (
        not silent
    )


@pytest.mark.parametrize("error", ["EPERM", "ENOSPC", "EROFS", "EIO", "EDQUOT", "EMFILE"])
def test_a_disk_that_is_full_is_told(home: Path, confdir: Path, error: str) -> None:
    """The user would try code after code, and never think of the disk."""
    enrol(home, RECOVERY_CODE)
    under = ("strace", "-qqo/dev/null", f"-einject=renameat:error={error}")
    result = log_in(confdir, Setting(under=under), [f"={RECOVERY_CODE}"])
    assert result.module == "PAM_AUTH_ERR"
    assert len(result.messages) == (1 if error == "EMFILE" else 2)


def test_a_guess_that_cannot_be_counted_is_not_looked_at(home: Path, confdir: Path) -> None:
    """Whoever fills the disk could guess as often as they like with their own su."""
    path = enrol(home, '" RATE_LIMIT 3 30', RECOVERY_CODE)
    before = path.read_text()
    shell(f"mount --bind {home} {home} && mount -o remount,ro,bind {home}")
    try:
        setting = Setting(run_as="galother", setuid=True)
        result = log_in(confdir, setting, [f"={RECOVERY_CODE}"])
    finally:
        shell(f"umount {home}")
    assert (result.module, path.read_text()) == ("PAM_AUTH_ERR", before)


def in_run(home: Path) -> Path:
    """The file that stands for the locks of a folder that has none."""
    folder = home.stat()
    return RUN / f"lock-{folder.st_dev:x}-{folder.st_ino:x}"


def replace(path: Path, mode: int) -> None:
    """Puts another file with the same content in a file's place, as an editor does."""
    new = path.with_name("new")
    new.write_bytes(path.read_bytes())
    owned(new, "galuser", mode)
    new.rename(path)


@pytest.mark.parametrize("locked_in_run", [False, True])
@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda path: replace(path, 0o600), "PAM_SUCCESS"),
        (lambda path: replace(path, 0o604), "PAM_AUTH_ERR"),
        (Path.unlink, "PAM_AUTH_ERR"),
    ],
    ids=["replaced", "replaced by one that others can read", "gone"],
)
def test_the_file_under_the_lock_decides(
    home: Path, confdir: Path, change: Callable[[Path], None], verdict: str, *, locked_in_run: bool
) -> None:
    """A file that its owner has just taken away would open the door once more."""
    path = enrol(home, RECOVERY_CODE)
    path.chmod(0o400)
    lock = path
    if locked_in_run:
        RUN.mkdir(mode=0o700, exist_ok=True)
        lock = in_run(home)
        lock.touch(mode=0o600)
    setting = NO_LOCKS if locked_in_run else Setting()
    with lock.open() as file, Login(confdir, setting) as login:
        fcntl.flock(file, fcntl.LOCK_EX)
        login.next_prompt()
        login.reply(RECOVERY_CODE)
        wait_until_it_decides(login)
        change(path)
        fcntl.flock(file, fcntl.LOCK_UN)
        assert login.next_prompt() is None
        assert login.result().module == verdict
    assert not path.exists() or (RECOVERY_CODE in path.read_text()) != (verdict == "PAM_SUCCESS")


def spoil_by_mode(_home: Path) -> None:
    """A group may write in it."""
    RUN.mkdir()
    RUN.chmod(0o770)


def spoil_by_link(_home: Path) -> None:
    """It leads to a folder of somebody's choice."""
    RUN.symlink_to("/tmp")


def spoil_lock(home: Path) -> None:
    """The lock in it leads to a file of somebody's choice."""
    RUN.mkdir(mode=0o700)
    in_run(home).symlink_to("/tmp/elsewhere")


@pytest.fixture(params=[spoil_by_mode, spoil_by_link, spoil_lock])
def spoilt(home: Path, request: pytest.FixtureRequest) -> Iterator[None]:
    """A /run/doorward that cannot be used."""
    shell(f"rm -rf {RUN}")
    request.param(home)
    yield
    shell(f"rm -rf {RUN}")


@pytest.mark.usefixtures("spoilt")
def test_locks_are_not_kept_where_others_reach(home: Path, confdir: Path) -> None:
    """Whoever can take a lock away could use a code twice, and who can keep it, lock others out."""
    path = enrol(home, RECOVERY_CODE)
    path.chmod(0o400)
    assert log_in(confdir, NO_LOCKS, [f"={RECOVERY_CODE}"]).module == "PAM_AUTH_ERR"
    assert RECOVERY_CODE in path.read_text()
    assert not Path("/tmp/elsewhere").exists()


def test_a_user_cannot_make_the_run_folder(home: Path, confdir: Path) -> None:
    """A login without a lock would be decided all the same."""
    shell(f"rm -rf {RUN}")
    path = enrol(home, RECOVERY_CODE)
    path.chmod(0o400)
    setting = Setting(switches=["noflock"], run_as="galuser")
    assert log_in(confdir, setting, [f"={RECOVERY_CODE}"]).module == "PAM_AUTH_ERR"
    assert not RUN.exists()
