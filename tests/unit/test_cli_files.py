"""Files are there whole or not at all, whatever fails and whoever else is at work on them."""

import errno
import fcntl
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from doorward import files
from doorward.errors import DoorwardError, FileError, LockedError

OLD, NEW = b"old secret\n", b"new secret\n"


def _replace(path: Path) -> None:
    with files.place(str(path)) as at:
        files.replace(at, NEW)


def _create(path: Path) -> None:
    with files.place(str(path)) as at:
        files.create(at, NEW)


def _names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Make a secret file in a folder of its own."""
    path = tmp_path / "secret"
    path.write_bytes(OLD)
    path.chmod(0o600)
    return path


def test_replace(secret: Path) -> None:
    """The new content is there, private, in a new file, and nothing lies beside it."""
    before = secret.stat().st_ino
    _replace(secret)
    assert secret.read_bytes() == NEW
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.stat().st_ino != before
    assert _names(secret.parent) == ["secret"]


def test_create(tmp_path: Path) -> None:
    """A new file is whole and private whatever the umask, and has one name."""
    before = os.umask(0o777)
    try:
        _create(tmp_path / "secret")
    finally:
        os.umask(before)
    facts = (tmp_path / "secret").stat()
    assert (stat.S_IMODE(facts.st_mode), facts.st_nlink) == (0o600, 1)
    assert _names(tmp_path) == ["secret"]


def test_create_does_not_overwrite(secret: Path) -> None:
    """A file that is there, perhaps since a moment ago, stays."""
    with pytest.raises(files.ExistsError):
        _create(secret)
    assert secret.read_bytes() == OLD
    assert _names(secret.parent) == ["secret"]


def _fail(number: int) -> Callable[..., None]:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize(
    ("change", "step"),
    [
        (_replace, "fchmod"),
        (_replace, "fsync"),
        (_replace, "rename"),
        (_create, "fchmod"),
        (_create, "fsync"),
        (_create, "link"),
    ],
)
def test_a_failing_step_changes_nothing(
    secret: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Path], None],
    step: str,
    number: int,
) -> None:
    """What was there stays, no rest is left, and the error names file and reason."""
    path = secret if change is _replace else secret.with_name("other")
    monkeypatch.setattr(os, step, _fail(number))
    with pytest.raises(FileError, match=f"{path}: {os.strerror(number)}"):
        change(path)
    assert _names(secret.parent) == ["secret"]
    assert secret.read_bytes() == OLD


@pytest.mark.parametrize("change", [_replace, _create])
def test_a_write_that_fails_midway_changes_nothing(
    secret: Path, change: Callable[[Path], None]
) -> None:
    """The kernel takes half of the content and refuses the rest, as on a disk that gets full."""
    path = secret if change is _replace else secret.with_name("other")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(NEW) // 2, before[1]))
    try:
        with pytest.raises(FileError, match="File too large"):
            change(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert _names(secret.parent) == ["secret"]
    assert secret.read_bytes() == OLD


def test_remove_what_was_locked(secret: Path) -> None:
    """A file that somebody put there meanwhile stays; the one that was locked goes."""
    with files.place(str(secret)) as at, files.locked(at) as file:
        _replace(secret)
        with pytest.raises(FileError, match="somebody replaced it meanwhile"):
            files.remove(at, locked=file)
    assert secret.read_bytes() == NEW
    with files.place(str(secret)) as at, files.locked(at) as file:
        files.sync(at, file)
        files.remove(at, locked=file)
    assert _names(secret.parent) == []


def test_a_folder_that_does_not_sync(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced then, and the error does not say otherwise."""
    whole = os.fsync
    monkeypatch.setattr(
        os,
        "fsync",
        lambda fd: _fail(errno.EIO)() if stat.S_ISDIR(os.fstat(fd).st_mode) else whole(fd),
    )
    with pytest.raises(FileError, match="changed, but perhaps not yet on disk"):
        _replace(secret)
    assert secret.read_bytes() == NEW


def test_a_file_system_without_folder_sync(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where folders cannot be synced at all, that is no error."""
    whole = os.fsync
    monkeypatch.setattr(
        os,
        "fsync",
        lambda fd: _fail(errno.EINVAL)() if stat.S_ISDIR(os.fstat(fd).st_mode) else whole(fd),
    )
    _replace(secret)


def test_rests_of_a_crash_are_in_nobodys_way(secret: Path) -> None:
    """A temporary file that a killed run left does not stop the next one."""
    secret.with_name("secret~a1b2c3").write_bytes(b"half a sec")
    _replace(secret)
    assert secret.read_bytes() == NEW


def test_a_link_is_followed_to_its_end(tmp_path: Path) -> None:
    """The file is replaced where it is, and the links to it stay."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/secret").write_bytes(OLD)
    (tmp_path / "one").symlink_to("real/secret")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    _replace(tmp_path / "two")
    assert (tmp_path / "real/secret").read_bytes() == NEW
    assert _names(tmp_path) == ["one", "real", "two"]
    assert (tmp_path / "two").is_symlink()


def test_replace_keeps_mode_and_owner_that_it_is_told(secret: Path) -> None:
    """A file that a group may read stays so, where the group stays."""
    owner = (os.geteuid(), os.getegid())
    with files.place(str(secret)) as at:
        files.replace(at, NEW, mode=0o640, owner=owner)
    assert stat.S_IMODE(secret.stat().st_mode) == 0o640


def test_a_group_that_cannot_be_kept_gets_no_rights(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise this process's own group would get what another group had."""
    monkeypatch.setattr(os, "fchown", _fail(errno.EPERM))
    with files.place(str(secret)) as at:
        files.replace(at, NEW, mode=0o640, owner=(0, 0))
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600


def _opened(path: Path) -> bytes:
    with files.place(str(path)) as at, files.opened(at) as file:
        return files.read(at, file)


def test_what_is_no_file(tmp_path: Path) -> None:
    """A FIFO does not hang, a device is not read, a folder is not a file."""
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/zero")):
        with pytest.raises(FileError, match="not a regular file"):
            _opened(path)


def test_what_is_missing(tmp_path: Path) -> None:
    """A missing file, folder or end of a link are told apart from other errors."""
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("secret", "folder/secret", "dangling"):
        with pytest.raises(files.MissingError):
            _opened(tmp_path / name)


def test_links_in_a_circle(tmp_path: Path) -> None:
    """Links that lead nowhere end in an error, not in a hang."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(FileError):
        _opened(tmp_path / "a")


def test_a_size_out_of_bounds(secret: Path) -> None:
    """A huge file does not fill the memory."""
    secret.write_bytes(b"A" * files.SIZE_MAX)
    assert len(_opened(secret)) == files.SIZE_MAX
    with secret.open("ab") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(FileError, match="larger than 65536 bytes"):
        _opened(secret)


def test_locked_by_somebody_else(secret: Path) -> None:
    """The lock is flock(2) on the file itself, and it is given up on, not waited for for ever."""
    with secret.open("rb") as other, files.place(str(secret)) as at:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(LockedError), files.locked(at, patience=0.01):
            pass
        fcntl.flock(other, fcntl.LOCK_UN)
        with files.locked(at, patience=0.0), pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_lock_on_a_file_that_was_replaced_is_none(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited for the lock of a file that is replaced meanwhile gets the new file's."""
    flock, waits = fcntl.flock, iter([True])

    def flock_late(file: int, operation: int) -> None:
        if next(waits, False):
            _replace(secret)
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock_late)
    with files.place(str(secret)) as at, files.locked(at) as file:
        assert files.read(at, file) == NEW
        assert os.path.samestat(os.fstat(file), secret.stat())


def test_a_lock_on_a_file_that_was_removed_is_none(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waited for the lock of a file that is removed meanwhile is told that it is missing."""
    flock = fcntl.flock

    def flock_late(file: int, operation: int) -> None:
        secret.unlink(missing_ok=True)
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", flock_late)
    with files.place(str(secret)) as at, pytest.raises(files.MissingError), files.locked(at):
        pass


def test_remove(secret: Path) -> None:
    """The file is gone, and removing it again says that it is missing."""
    with files.place(str(secret)) as at:
        files.remove(at)
        with pytest.raises(files.MissingError):
            files.remove(at)


@pytest.mark.parametrize(
    ("path", "is_roots"),
    [
        ("/etc/passwd", True),
        ("/etc/no-such-folder/a/b", True),
        ("/tmp/secret", False),
        ("/proc/self/root/etc/passwd", False),  # a link on the way
    ],
)
def test_what_root_alone_can_change(path: str, is_roots: bool) -> None:
    """Root handles a file itself only where nobody else can put another in its place."""
    assert files.belongs_to_root(path) is is_roots


def test_a_place_in_a_folder_of_somebody_else(tmp_path: Path) -> None:
    """As root no file is reached through what others may change, and no folder is made there."""
    path = str(tmp_path / "folder/secret")
    with pytest.raises(files.UntrustedFolderError), files.place_of_root(path, make_folders=True):
        pass
    assert _names(tmp_path) == []


def test_errors_are_doorwards_own(tmp_path: Path) -> None:
    """No bare OSError, which could not be told to a user, leaves this module."""
    with pytest.raises(DoorwardError) as caught:
        _create(tmp_path / "no-folder/secret")
    assert caught.value.hint == "The folder for it must be there first."
