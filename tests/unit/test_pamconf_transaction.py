"""Changes of files: prepared, applied, confirmed, taken back, undone; below a folder of its own.

What happens when something fails or dies at any system call is tested in tests/e2e.
"""

import contextlib
import errno
import fcntl
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pamconf import tree
from pamconf.errors import FileError, ToolError, UsageError
from pamconf.process import run
from pamconf.transaction import (
    ChangedError,
    Conflict,
    ConflictError,
    LockedError,
    PendingError,
    RecordError,
    State,
    StateError,
    Store,
    Transaction,
    UntrustedError,
    record,
    snapshot,
    transaction,
)

SSHD = "/etc/pam.d/sshd"
LOGIN = "/etc/pam.d/login"
DROP_IN = "/etc/ssh/sshd_config.d/00.conf"
OLD, NEW = b"old\n", b"new\n"
ACL = "system.posix_acl_access"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An image with two services."""
    folder = tmp_path / "image"
    for one in (folder, folder / "etc", folder / "etc/pam.d"):
        one.mkdir(mode=0o755)
        one.chmod(0o755)
    for path in (SSHD, LOGIN):
        (folder / path[1:]).write_bytes(OLD)
        (folder / path[1:]).chmod(0o640)
    return folder


@pytest.fixture
def store(root: Path) -> Store:
    """The transactions of that image."""
    return Store(Path("/var/lib/example/transactions"), root)


@pytest.fixture
def applied(store: Store) -> Transaction:
    """A change of sshd that waits to be confirmed."""
    found = store.prepare({SSHD: NEW}, command="enable sshd", confirm_within=300)
    found.apply()
    return found


@pytest.fixture
def confirmed(store: Store) -> Transaction:
    """A change of sshd, with a login that goes and a drop-in that comes, that counts."""
    changes = {SSHD: NEW, LOGIN: None, DROP_IN: b"UsePAM yes\n"}
    found = store.prepare(changes, command="enable sshd")
    found.apply()
    return found


def files(root: Path) -> dict[str, bytes]:
    """All that is in the image's /etc, hidden or not."""
    found = (path for path in (root / "etc").rglob("*") if not path.is_dir())
    return {f"/{path.relative_to(root)}": path.read_bytes() for path in found}


BEFORE = {SSHD: OLD, LOGIN: OLD}
AFTER = {SSHD: NEW, DROP_IN: b"UsePAM yes\n"}


# --- The way there --------------------------------------------------------------------------------


def test_it_counts_at_once_where_nobody_has_to_confirm(
    root: Path, store: Store, confirmed: Transaction
) -> None:
    """A file would not be changed, or be other than was said, or rubbish stay beside it."""
    assert files(root) == AFTER
    assert confirmed.state() is State.CONFIRMED
    assert confirmed.is_settled()
    assert store.pending() is None
    assert stat.S_IMODE((root / SSHD[1:]).stat().st_mode) == 0o640
    assert stat.S_IMODE((root / DROP_IN[1:]).stat().st_mode) == 0o644
    assert stat.S_IMODE((root / DROP_IN[1:]).parent.stat().st_mode) == 0o755


def test_nothing_is_touched_before_it_is_applied(root: Path, store: Store) -> None:
    """A watchdog would come too late."""
    prepared = store.prepare({SSHD: NEW}, command="enable sshd")
    assert files(root) == BEFORE
    assert prepared.state() is State.PREPARED
    assert store.pending() == prepared


def test_what_is_recorded(store: Store, root: Path) -> None:
    """Who looks back would not know what was changed, by whom, when, or why."""
    earliest = datetime.now(UTC).replace(microsecond=0)
    made = store.prepare(
        {SSHD: NEW, DROP_IN: b""},
        command="enable sshd",
        note={"options": ["nullok"]},
        afterwards=[["systemctl", "reload", "ssh"]],
        confirm_within=300,
        modes={DROP_IN: 0o600},
    )
    found = store.find(made.id)
    assert found == made
    assert earliest <= found.record.when <= datetime.now(UTC)
    assert found.deadline == found.record.when + timedelta(minutes=5)
    assert found.id.startswith(f"{found.record.when:%Y%m%d-%H%M%S}")
    assert found.record.by == record.actor()
    assert found.record.command == "enable sshd"
    assert found.record.note == {"options": ["nullok"]}
    assert found.record.folders == ["/etc/ssh", "/etc/ssh/sshd_config.d"]
    sshd, drop_in = found.record.files
    assert sshd.before
    assert sshd.before.attributes.mode == 0o640
    assert (drop_in.path, drop_in.before) == (DROP_IN, None)
    assert drop_in.after
    assert drop_in.after.attributes == snapshot.of_new_file(0o600)
    assert (found.before(SSHD), found.after(SSHD)) == (OLD, NEW)
    assert (found.before(DROP_IN), found.after(DROP_IN)) == (None, b"")
    digest = subprocess.check_output(["sha256sum", root / SSHD[1:]], text=True).split()[0]
    assert sshd.before.sha256 == digest


def test_it_is_for_its_owner_alone(store: Store, confirmed: Transaction) -> None:
    """What others may not read in a file, they would read in its copy."""
    assert confirmed.state() is State.CONFIRMED
    for path in (store.folder, *store.folder.rglob("*")):
        beside = path.parent.name == "before"  # with its file's own rights, which cp keeps
        assert beside or not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    assert stat.S_IMODE(store.folder.parent.stat().st_mode) == 0o700


def test_ids_differ_and_are_in_order(store: Store) -> None:
    """Two changes in a second would be one, or the newest not be the first."""
    for _ in range(12):
        store.prepare({SSHD: NEW}, command="again").roll_back()
    ids = [one.id for one in store.history()]
    assert len(set(ids)) == 12
    numbers = [(id_[:15], int(id_[16:] or 1)) for id_ in ids]
    assert numbers == sorted(numbers, reverse=True)


def test_labels_and_acls_are_kept(root: Path, store: Store) -> None:
    """A service could not read its file any more where SELinux or an ACL decides."""
    path = root / SSHD[1:]
    entries = ((1, 6, -1), (2, 4, 12345), (4, 4, -1), (16, 4, -1), (32, 0, -1))  # 12345 may read
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    os.setxattr(path, ACL, acl)
    made = store.prepare({SSHD: NEW}, command="x", confirm_within=300)
    made.apply()
    assert os.getxattr(path, ACL) == acl
    assert os.getxattr(made.folder / "before/1", ACL) == acl
    assert store.find(made.id) == made
    made.roll_back()
    assert os.getxattr(path, ACL) == acl


def test_a_link_stays_one(root: Path, store: Store) -> None:
    """An alternative that somebody chose would be cut off from its link."""
    (root / "etc/pam.d/remote").symlink_to("/etc/pam.d/sshd")
    store.prepare({"/etc/pam.d/remote": NEW}, command="x").apply()
    assert (root / "etc/pam.d/remote").is_symlink()
    assert (root / SSHD[1:]).read_bytes() == NEW


def test_a_link_does_not_lead_out_of_the_image(root: Path, store: Store, tmp_path: Path) -> None:
    """The machine's own file would be changed in the place of the image's."""
    outside = tmp_path / "outside"
    outside.write_bytes(OLD)
    (root / "etc/pam.d/remote").symlink_to(f"../../../../{outside}")
    store.prepare({"/etc/pam.d/remote": NEW}, command="x").apply()
    assert outside.read_bytes() == OLD
    assert (root / str(outside)[1:]).read_bytes() == NEW


# --- What is refused ------------------------------------------------------------------------------


def test_one_at_a_time(store: Store, applied: Transaction) -> None:
    """Taking the first back would take the second with it."""
    with pytest.raises(PendingError, match=rf"{applied.id} \(enable sshd\) is applied"):
        store.prepare({LOGIN: NEW}, command="x")


@pytest.mark.parametrize(
    "path", ["etc/pam.d/sshd", "/", "", "/etc/pam.d/", "/etc/pam.d/.", "/etc/..", "/etc/a\0b"]
)
def test_paths_that_are_none(store: Store, path: str) -> None:
    """A path would be taken for another one."""
    with pytest.raises(UsageError):
        store.prepare({path: NEW}, command="x")


def test_nothing_to_change(store: Store) -> None:
    """There would be a transaction of nothing, which waits."""
    with pytest.raises(UsageError):
        store.prepare({}, command="x")


def test_two_paths_to_one_file(root: Path, store: Store) -> None:
    """The second content would win, and putting back restore the first."""
    (root / "etc/pam.d/remote").symlink_to("sshd")
    with pytest.raises(UsageError, match="another path"):
        store.prepare({SSHD: NEW, "/etc/pam.d/remote": NEW}, command="x")


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "link"])
def test_what_is_no_plain_file(
    root: Path, store: Store, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be replaced by a file, or waited for."""
    path = root / "etc/pam.d/odd"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as end:
            monkeypatch.chdir(path.parent)  # a socket's path may not be long
            end.bind("odd")
    else:
        path.symlink_to("odd")
    with pytest.raises(FileError):
        store.prepare({"/etc/pam.d/odd": NEW}, command="x")
    assert store.history() == []


def test_a_link_to_a_link_is_not_taken_for_a_file(root: Path) -> None:
    """What a path led to a moment ago would be followed to somewhere else."""
    (root / "etc/pam.d/remote").symlink_to("sshd")
    with pytest.raises(FileError, match="not a plain file"):
        snapshot.take(root / "etc/pam.d/remote")


def test_a_file_that_is_too_large(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory would run out on something that no login goes by."""
    monkeypatch.setattr(snapshot, "CONTENT_MAX", 3)
    assert tree.CONTENT_MAX > 3
    with pytest.raises(FileError, match="larger"):
        store.prepare({SSHD: NEW}, command="x")


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_folders_that_others_can_change(root: Path, store: Store, mode: int) -> None:
    """Somebody could have root write to any file, or be let in by a file of their own."""
    (root / "etc").chmod(mode)
    with pytest.raises(UntrustedError):
        store.prepare({SSHD: NEW}, command="x")


def test_a_link_in_a_folder_that_others_can_change(root: Path, store: Store) -> None:
    """As above, by a link."""
    (root / "etc/open").mkdir()
    (root / "etc/open").chmod(0o777)
    (root / "etc/open/link").symlink_to("../pam.d/sshd")
    with pytest.raises(UntrustedError):
        store.prepare({"/etc/open/link": NEW}, command="x")


def test_a_file_on_the_way(store: Store) -> None:
    """An error of the system would be shown that says nothing."""
    with pytest.raises(FileError, match="not a folder"):
        store.prepare({f"{SSHD}/x": NEW}, command="x")


def test_a_store_that_others_can_read(store: Store, confirmed: Transaction) -> None:
    """Copies of files that are secret would be open to all."""
    assert confirmed.is_settled()
    store.folder.chmod(0o755)
    with pytest.raises(UntrustedError):
        store.prepare({SSHD: NEW}, command="x")


def test_a_file_that_was_changed_since_it_was_read(store: Store, root: Path) -> None:
    """Somebody's edit of a moment ago would be lost."""
    with pytest.raises(ChangedError):
        store.prepare({SSHD: NEW}, command="x", expected={SSHD: b"older\n"})
    with pytest.raises(ChangedError):
        store.prepare({SSHD: NEW}, command="x", expected={SSHD: None})
    prepared = store.prepare({SSHD: NEW}, command="x", expected={SSHD: OLD})
    (root / SSHD[1:]).write_bytes(b"edited\n")
    with pytest.raises(ChangedError):
        prepared.apply()
    assert prepared.state() is State.ROLLED_BACK
    assert files(root) == {**BEFORE, SSHD: b"edited\n"}


def test_a_file_that_came_since(store: Store, root: Path) -> None:
    """As above, where there was none before."""
    prepared = store.prepare({"/etc/pam.d/su": NEW}, command="x")
    (root / "etc/pam.d/su").write_bytes(b"edited\n")
    with pytest.raises(ChangedError):
        prepared.apply()
    assert files(root) == {**BEFORE, "/etc/pam.d/su": b"edited\n"}


def test_a_disk_that_is_full(store: Store, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a record would be left, and take the last space."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("pamconf.transaction.store.write_private", full)
        with pytest.raises(FileError, match="No space left"):
            store.prepare({SSHD: NEW}, command="x")
    assert [one.name for one in store.folder.iterdir()] == ["lock"]
    (store.folder / ".preparing").mkdir()  # of a process that was killed
    assert store.prepare({SSHD: NEW}, command="x").state() is State.PREPARED
    assert files(root) == BEFORE


def test_a_disk_that_fails_after_the_decision(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What counts already would be taken back, or the disk's failure be hidden."""
    made = store.prepare({SSHD: NEW}, command="x")

    def fail(folder: Path) -> None:
        if folder == made.folder and made.state() is State.CONFIRMED:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(transaction, "sync_folder", fail)
    with pytest.raises(FileError):
        made.apply()
    assert made.state() is State.CONFIRMED
    assert store.recover() == [made]
    assert files(root) == {**BEFORE, SSHD: NEW}


@pytest.fixture
def lock(store: Store, applied: Transaction) -> Iterator[None]:
    """The lock is somebody else's."""
    assert applied.state() is State.APPLIED
    with (store.folder / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@pytest.mark.usefixtures("lock")
def test_a_lock_that_is_held(applied: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who confirms and who takes back would both win."""
    monkeypatch.setattr(transaction, "LOCK_PATIENCE", 0.05)
    with pytest.raises(LockedError):
        applied.confirm()
    assert applied.state() is State.APPLIED


def test_signals_wait_while_files_are_replaced(store: Store) -> None:
    """Ctrl-Z would stop it half-way, with the lock held against the watchdog."""
    store.prepare({SSHD: NEW}, command="x")
    with transaction.locked(store.folder):
        assert signal.SIGTSTP in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.SIGTSTP not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


# --- Decided --------------------------------------------------------------------------------------


def test_confirmed(root: Path, store: Store, applied: Transaction) -> None:
    """A change that somebody confirmed would be taken back, or not be recorded as confirmed."""
    assert store.pending() == applied
    assert applied.state() is State.APPLIED
    assert (root / f"etc/pam.d/.sshd.{applied.id}.old").read_bytes() == OLD
    applied.confirm()
    applied.confirm()  # as who was killed in the middle of it would
    run(["/bin/sh", str(applied.restore)])  # as a watchdog would that comes too late
    assert applied.state() is State.CONFIRMED
    assert files(root) == {**BEFORE, SSHD: NEW}
    with pytest.raises(StateError):
        applied.roll_back()
    with pytest.raises(StateError):
        applied.apply()


def test_taken_back(root: Path, store: Store, applied: Transaction) -> None:
    """A change that nobody confirmed would last."""
    inode = (root / f"etc/pam.d/.sshd.{applied.id}.old").stat().st_ino
    applied.roll_back()
    assert applied.state() is State.ROLLED_BACK
    assert files(root) == BEFORE
    assert (root / SSHD[1:]).stat().st_ino == inode
    assert store.pending() is None
    with pytest.raises(StateError):
        applied.confirm()


def test_new_files_and_folders_go_again(root: Path, store: Store) -> None:
    """A drop-in would stay, or a file that was removed not come back."""
    changes = {SSHD: NEW, LOGIN: None, DROP_IN: b"UsePAM yes\n"}
    made = store.prepare(changes, command="x", confirm_within=300)
    made.apply()
    assert not (root / LOGIN[1:]).exists()
    made.roll_back()
    assert files(root) == BEFORE
    assert not (root / "etc/ssh").exists()
    assert stat.S_IMODE((root / LOGIN[1:]).stat().st_mode) == 0o640


def test_a_folder_that_somebody_uses_stays(root: Path, store: Store) -> None:
    """Somebody's file would be removed with it."""
    made = store.prepare({DROP_IN: NEW}, command="x", confirm_within=300)
    made.apply()
    (root / "etc/ssh/sshd_config").write_bytes(b"theirs\n")
    made.roll_back()
    assert files(root) == {**BEFORE, "/etc/ssh/sshd_config": b"theirs\n"}


def test_a_file_that_is_absent_and_is_to_be(root: Path, store: Store) -> None:
    """A folder would be made for nothing, or an error be raised about what is right already."""
    made = store.prepare({DROP_IN: None, SSHD: NEW}, command="x", confirm_within=300)
    made.apply()
    assert not (root / "etc/ssh").exists()
    made.roll_back()
    assert files(root) == BEFORE


@pytest.mark.parametrize("theirs", [b"theirs\n", None, "link"])
def test_what_somebody_made_of_it_is_kept(
    root: Path, applied: Transaction, theirs: bytes | str | None
) -> None:
    """An edit in those five minutes would be lost, or keep the old file from coming back."""
    path = root / SSHD[1:]
    path.unlink()
    if isinstance(theirs, bytes):
        path.write_bytes(theirs)
    elif theirs:
        path.symlink_to("elsewhere")
    applied.roll_back()
    assert files(root) == BEFORE
    if isinstance(theirs, bytes):
        ((_, kept),) = applied.theirs()
        assert kept.read_bytes() == theirs
    elif theirs:
        ((_, kept),) = applied.theirs()
        assert kept.readlink() == Path("elsewhere")
    else:
        assert applied.theirs() == []


def test_an_edit_where_files_are_half_replaced(root: Path, applied: Transaction) -> None:
    """Where it died before this file was replaced, both names are one file, with the edit in it."""
    path = root / SSHD[1:]
    (applied.folder / "state").write_text("applying\n")
    path.with_name(f".sshd.{applied.id}.old").replace(path)
    path.with_name(f".sshd.{applied.id}.old").hardlink_to(path)
    path.write_bytes(b"theirs\n")
    applied.roll_back()
    assert files(root) == BEFORE
    assert [(path, one.read_bytes()) for path, one in applied.theirs()] == [(SSHD, b"theirs\n")]


@pytest.mark.parametrize("left", [None, b""])
def test_the_waiting_file_is_gone(root: Path, applied: Transaction, left: bytes | None) -> None:
    """Who tidies up in /etc, or a disk that loses what is in it, would lock everybody out."""
    path = root / SSHD[1:]
    waiting = path.with_name(f".sshd.{applied.id}.old")
    waiting.unlink()
    if left is not None:
        waiting.write_bytes(left)
    path.with_name(f".sshd.{applied.id}.new").write_bytes(b"half a cop")
    applied.roll_back()
    assert files(root) == BEFORE
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_nobody_is_left_to_be_told(root: Path, applied: Transaction) -> None:
    """Files would be put back by halves where the command that had asked for it has died."""
    path = root / SSHD[1:]
    path.unlink()
    path.write_bytes(b"theirs\n")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        subprocess.run(["/bin/sh", applied.restore], check=True, stderr=writer)
    finally:
        os.close(writer)
    assert files(root) == BEFORE
    assert applied.is_settled()


def test_the_terminal_goes_away(root: Path, store: Store, applied: Transaction) -> None:
    """The same, where somebody runs the script by hand and loses the connection."""
    with (store.folder / "lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        script = subprocess.Popen(["/bin/sh", applied.restore], start_new_session=True)
        children = Path(f"/proc/{script.pid}/task/{script.pid}/children")
        while not children.read_text():  # it waits for the lock by flock(1)
            time.sleep(0.01)
        os.killpg(script.pid, signal.SIGHUP)
    assert script.wait() == 0
    assert files(root) == BEFORE


def test_a_file_that_cannot_be_put_back(root: Path, store: Store) -> None:
    """The others would not be either, or nobody learn of it."""
    made = store.prepare({SSHD: NEW, LOGIN: NEW}, command="x", confirm_within=300)
    made.apply()
    path = root / SSHD[1:]
    path.unlink()
    path.mkdir()
    with pytest.raises(ToolError, match="could not be put back"):
        made.roll_back()
    assert made.state() is State.ROLLING_BACK
    assert (root / LOGIN[1:]).read_bytes() == OLD
    with pytest.raises(StateError):
        made.confirm()
    path.rmdir()
    assert store.recover() == [made]
    assert made.state() is State.ROLLED_BACK
    assert files(root) == BEFORE


def test_a_state_that_is_none(store: Store, root: Path, applied: Transaction) -> None:
    """It would be taken for a decision."""
    (applied.folder / "state").write_text("what?\n")
    for use in (store.pending, applied.confirm, applied.state):
        with pytest.raises(RecordError):
            use()
    with pytest.raises(ToolError, match="no state"):
        applied.settle()
    assert (root / f"etc/pam.d/.sshd.{applied.id}.old").exists()


# --- What was interrupted -------------------------------------------------------------------------


def test_recover_leaves_alone_what_waits(store: Store, applied: Transaction) -> None:
    """The next command would take back what somebody is about to confirm."""
    assert store.recover() == []
    assert applied.state() is State.APPLIED


def test_recover_takes_back_what_was_never_applied(store: Store, root: Path) -> None:
    """A command that was killed would block all that come after it."""
    prepared = store.prepare({SSHD: NEW}, command="x", confirm_within=300)
    assert store.recover() == [prepared]
    with pytest.raises(StateError, match="is rolled-back"):
        prepared.apply()
    assert files(root) == BEFORE


def test_recover_removes_what_was_half_written(store: Store, applied: Transaction) -> None:
    """A file that a killed command was just writing down would lie about."""
    (store.folder / ".preparing").mkdir()
    (store.folder / ".preparing/restore").write_text("rm -rf")
    assert store.recover() == []
    assert {one.name for one in store.folder.iterdir()} == {applied.id, "lock"}


def test_recover_takes_back_what_is_overdue(store: Store, root: Path) -> None:
    """Where the watchdog died, too, the change would last without anybody's word."""
    made = store.prepare({SSHD: NEW}, command="x", confirm_within=-1)
    made.apply()
    assert store.recover() == [made]
    assert made.state() is State.ROLLED_BACK
    assert files(root) == BEFORE


# --- Looking back ---------------------------------------------------------------------------------


def test_nothing_yet(store: Store) -> None:
    """Who asks before the first change would see an error."""
    assert store.history() == store.recover() == []
    assert store.pending() is None
    assert not store.folder.exists()


@pytest.mark.parametrize("id_", ["20260101-000000", "", ".", "../transactions", "lock"])
def test_ids_that_are_none(store: Store, confirmed: Transaction, id_: str) -> None:
    """Another folder would be taken for a transaction."""
    assert confirmed.is_settled()
    with pytest.raises(RecordError, match="no transaction"):
        store.find(id_)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1}'])
def test_records_that_are_none(store: Store, confirmed: Transaction, text: str) -> None:
    """A record of a later version would be read wrongly."""
    (confirmed.folder / "record.json").write_text(text)
    with pytest.raises(RecordError, match=r"record\.json"):
        store.history()


def test_paths_of_any_bytes(store: Store, root: Path) -> None:
    """A path would be run by the shell, or the record not be read again."""
    odd = "/etc/pam.d/a'b $(touch x) `y`\n\udcff-"
    made = store.prepare({odd: NEW}, command="'; x\udcff", confirm_within=300)
    made.apply()
    assert store.find(made.id) == made
    assert (root / odd[1:]).read_bytes() == NEW
    made.roll_back()
    assert files(root) == BEFORE


# --- Undone ---------------------------------------------------------------------------------------


def test_undone_and_done_again(root: Path, store: Store, confirmed: Transaction) -> None:
    """An undo would leave something, or be possible twice, or not itself be undone."""
    undo = store.undo(confirmed.id, command="undo")
    assert undo.record.undoes == confirmed.id
    undo.apply()
    assert files(root) == BEFORE
    assert not (root / "etc/ssh").exists()
    assert stat.S_IMODE((root / LOGIN[1:]).stat().st_mode) == 0o640
    assert [confirmed.state(), undo.state()] == [State.UNDONE, State.CONFIRMED]
    with pytest.raises(StateError, match="is undone"):
        store.undo(confirmed.id, command="undo")
    again = store.undo(undo.id, command="redo")
    again.apply()
    assert files(root) == AFTER
    assert again.record.folders == confirmed.record.folders
    assert [one.state() for one in store.history()] == [
        State.CONFIRMED,
        State.UNDONE,
        State.UNDONE,
    ]


def test_an_undo_that_is_not_confirmed(root: Path, store: Store, confirmed: Transaction) -> None:
    """A change would be gone, although nobody could log in without it."""
    undo = store.undo(confirmed.id, command="undo", note={"why": "test"}, confirm_within=300)
    undo.apply()
    assert (root / SSHD[1:]).read_bytes() == OLD
    assert confirmed.state() is State.CONFIRMED
    undo.roll_back()
    assert files(root) == AFTER
    assert confirmed.state() is State.CONFIRMED


def test_an_undo_of_what_nobody_remembers(store: Store, confirmed: Transaction) -> None:
    """It could not end where the folder of the first was removed meanwhile."""
    undo = store.undo(confirmed.id, command="undo")
    confirmed.folder.rename(confirmed.folder.with_name("away"))
    undo.apply()
    assert undo.is_settled()


def test_conflicts(root: Path, store: Store, confirmed: Transaction) -> None:
    """Somebody's later edit would be lost."""
    (root / SSHD[1:]).write_bytes(b"new\nand more\n")
    with pytest.raises(ConflictError, match=SSHD) as raised:
        store.undo(confirmed.id, command="undo")
    assert raised.value.conflicts == (Conflict(SSHD, OLD, NEW, b"new\nand more\n"),)
    assert files(root) == {**AFTER, SSHD: b"new\nand more\n"}


def test_what_somebody_put_back_by_hand_is_no_conflict(
    root: Path, store: Store, confirmed: Transaction
) -> None:
    """An undo would be refused over a file that is as it should become."""
    (root / SSHD[1:]).write_bytes(OLD)
    store.undo(confirmed.id, command="undo").apply()
    assert files(root) == BEFORE


def test_the_view_of_a_conflict() -> None:
    """Who has to decide would not see what is at stake."""
    conflict = Conflict("/etc/x", b"a\nb\n", b"a\nB\n", None)
    assert conflict.view() == (
        "Changed since:\n"
        "--- /etc/x as changed\n+++ /etc/x now\n@@ -1,2 +0,0 @@\n-a\n-B\n"
        "\nUndoing would do:\n"
        "--- /etc/x as changed\n+++ /etc/x before\n@@ -1,2 +1,2 @@\n a\n-B\n+b\n"
    )
    assert "+\\xff\n" in Conflict("/etc/x", None, b"", b"\xff").view()


# --- Parts ----------------------------------------------------------------------------------------


def test_who(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Somebody else would be blamed, or nobody."""
    monkeypatch.setattr(record, "_login_name", lambda: None)
    found = record.actor({"SSH_CONNECTION": "10.0.0.5 51000 10.0.0.1 22", "SUDO_USER": "ann"})
    assert (found.uid, found.login, found.client) == (os.getuid(), "ann", "10.0.0.5")
    monkeypatch.undo()
    login = tmp_path / "loginuid"
    for text, name in (("0", "root"), (str(2**32 - 1), None), ("x", None), ("99999999", None)):
        login.write_text(text)
        assert record._login_name(login) == name
    assert record._login_name(tmp_path / "missing") is None


def test_the_client_above_sudo(tmp_path: Path) -> None:
    """With sudo, which is how most become root, nobody would know where somebody came from."""
    processes = {
        "9": (b"HOME=/\0XSSH_CONNECTION=1.1.1.1 1\0", "7"),
        "7": (b"A=b\0SSH_CONNECTION=10.0.0.5 51000 10.0.0.1 22\0", "1"),
        "5": (b"", "1"),
        "1": (b"", "0"),
        "8": (b"", "6"),  # which has ended
    }
    for number, (environment, parent) in processes.items():
        (tmp_path / number).mkdir()
        (tmp_path / number / "environ").write_bytes(environment)
        (tmp_path / number / "status").write_text(f"Name:\tx\nPPid:\t{parent}\nUid:\t0\n")
    found = {name: record._inherited("SSH_CONNECTION", tmp_path / name) for name in "985"}
    assert found == {"9": "10.0.0.5 51000 10.0.0.1 22", "8": "", "5": ""}
    assert record._inherited("NO_SUCH_VARIABLE") == ""


def test_the_terminal() -> None:
    """It would be said that nobody sat there."""
    ours, theirs = os.openpty()
    program = "from pamconf.transaction import record; print(record.actor().terminal)"
    argv = [sys.executable, "-c", program]
    nowhere, pipe, name = subprocess.DEVNULL, subprocess.PIPE, os.ttyname(theirs)
    for streams, said in (
        ((theirs, nowhere), name),
        ((nowhere, theirs), name),
        ((nowhere,) * 2, None),
    ):
        done = subprocess.run(argv, stdin=streams[0], stderr=streams[1], stdout=pipe, check=True)
        assert done.stdout.decode().strip() == str(said)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(("number", "raised"), [(errno.EOPNOTSUPP, False), (errno.EIO, True)])
def test_file_systems_without_labels(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int, *, raised: bool
) -> None:
    """Nothing could be changed there; or labels be lost where they cannot be read."""

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.listxattr", fail)
    with pytest.raises(FileError) if raised else contextlib.nullcontext():
        store.prepare({SSHD: NEW}, command="x")


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """It would be taken for one that is not there."""
    with pytest.raises(OSError, match="too long"):
        snapshot.take(tmp_path / ("x" * 300))


def test_programs() -> None:
    """Somebody would read of success where a program failed, hung, or was not there."""
    assert run(["printf", "a\\n"]) == "a"
    assert run(["sh", "-c", 'cat; echo "$HOME"']) == ""
    with pytest.raises(ToolError, match="cannot be run"):
        run(["/missing"])
    with pytest.raises(ToolError, match=r"failed: why$"):
        run(["sh", "-c", "echo first >&2; echo why >&2; false"])
    with pytest.raises(ToolError, match="ended with 3"):
        run(["sh", "-c", "exit 3"])
    with pytest.raises(ToolError, match="longer than"):
        run(["sleep", "60"], seconds=0.05)
