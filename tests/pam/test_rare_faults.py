"""What no disk and no kernel does at will: strace has the module's system calls do it.

The recovery code of each login here is good once at most, whatever happens.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.server import Syslog
from tests.pam.conftest import ACCOUNTS, RECOVERY_CODE, enrol, logged, secret_file
from tests.pam.login import Setting, log_in, shell
from tests.pam.tracing import Call, calls, log_in_traced

RUN = Path("/run/doorward")
GROUP = 4109
NFS = Setting(switches=["noflock"])

ANOTHER_FILE = f"poke_exit=@arg3={'ff' * 16}"  # its device and inode, as stat(2) tells them
SHORT = f"retval=3:poke_exit=@arg2={secret_file()[:3].encode().hex()}"  # of the file: a short read
FAULTS = {
    "flock": ("error=EIO", "error=EINTR"),
    "newfstatat": ("error=EIO", "error=ENOENT", ANOTHER_FILE),
    "openat": ("error=EIO", "error=ENOENT", "error=EEXIST"),
    "pread64": ("error=EIO", "error=EINTR", "retval=0", SHORT),
    "write": ("error=EIO", "error=EINTR"),
}


@pytest.fixture
def path(home: Path) -> Iterator[Path]:
    """Galuser's secret file, and no /run/doorward."""
    shell(f"rm -rf {RUN}")
    yield enrol(home, RECOVERY_CODE)
    shell(f"rm -rf {RUN}")


@pytest.fixture
def path_by_group(path: Path) -> Iterator[Path]:
    """A secret file that galuser reaches by a group alone."""
    folder = Path("/srv/doorward-groups")
    folder.mkdir()
    os.chown(folder, 0, GROUP)
    folder.chmod(0o770)
    groups = Path("/etc/group")
    before = groups.read_text()
    groups.write_text(f"{before}doorward-class:x:{GROUP}:galuser\n")
    yield path.rename(folder / "secret")
    groups.write_text(before)
    shell(f"rm -r {folder}")


def accepted(confdir: Path, path: Path, setting: Setting, trace: Path, *faults: str) -> bool:
    """Whether the code opens the door; then it is used up, and the process as it was before."""
    path.write_text(secret_file(RECOVERY_CODE))
    result = log_in_traced(confdir, setting, RECOVERY_CODE, trace, *faults)
    assert result
    opened = result.module == "PAM_SUCCESS"
    if opened:
        assert RECOVERY_CODE not in path.read_text(), faults
        assert result.ids_kept, faults
    assert {one.name for one in path.parent.iterdir()} == {path.name}, faults
    return opened


def faults_of_files(call: Call) -> tuple[str, ...]:
    """What may happen to a call for a file; that a prompt is shown is not our business."""
    return () if (call.name, call.fd) == ("write", "1") else FAULTS.get(call.name, ())


def faults_of_rights(call: Call) -> tuple[str, ...]:
    """What may happen to a call that takes on rights, or gives them back."""
    if call.name in {"setfsuid", "setfsgid"}:
        return (f"retval={call.result}",)  # the id before, and nothing is done
    return ("error=EPERM",) if call.name == "setgroups" else ()


def each_fault(
    confdir: Path,
    path: Path,
    setting: Setting,
    tmp_path: Path,
    faults_of: Callable[[Call], tuple[str, ...]],
) -> dict[str, bool]:
    """Whether the code opens the door with each fault of each call of its login."""
    trace = tmp_path / "trace"
    assert accepted(confdir, path, setting, trace)
    return {
        call.inject(fault): accepted(confdir, path, setting, trace, call.inject(fault))
        for call in calls(trace)
        for fault in faults_of(call)
    }


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_fault_where_files_are_hard_to_lock(
    path: Path, confdir: Path, tmp_path: Path, mode: int
) -> None:
    """A code would be worth several logins from NFS, or a call that is interrupted refuse it."""
    path.chmod(mode)
    opened = each_fault(confdir, path, NFS, tmp_path, faults_of_files)
    assert all(opened[one] for one in opened if "EINTR" in one)
    assert not all(opened.values())


def test_rights_that_cannot_be_had(path: Path, confdir: Path, tmp_path: Path) -> None:
    """A file would be opened with root's rights, or the program go on with a user's."""
    with_group = Setting(under=("setpriv", "--groups=4300"))
    opened = each_fault(confdir, path, with_group, tmp_path, faults_of_rights)
    assert any("setgroups" in one for one in opened)
    assert not all(opened.values())


def test_groups_that_cannot_be_had(path_by_group: Path, confdir: Path, tmp_path: Path) -> None:
    """A file would be opened with the groups of the program."""
    setting = Setting(args=[f"secret={path_by_group}"])
    opened = each_fault(confdir, path_by_group, setting, tmp_path, faults_of_rights)
    assert any("setgroups" in one for one in opened)
    assert not all(opened.values())


def test_a_file_that_is_replaced_and_then_gone(path: Path, confdir: Path, tmp_path: Path) -> None:
    """Its owner would be let in by a file that is not there any more."""
    trace = tmp_path / "trace"
    assert accepted(confdir, path, NFS, trace)
    looks = [call for call in calls(trace) if call.name == "newfstatat"]
    for look in looks:
        replaced = look.inject(ANOTHER_FILE)
        accepted(confdir, path, NFS, trace, replaced)
        found = calls(trace)
        names = [(call.name, call.number) for call in found]
        for call in found[names.index((look.name, look.number)) :]:
            if call.name == "openat":
                for error in ("ENOENT", "EIO"):
                    accepted(confdir, path, NFS, trace, replaced, call.inject(f"error={error}"))


def test_a_file_that_is_replaced_for_ever(path: Path, confdir: Path, tmp_path: Path) -> None:
    """A user could keep their own login, and the processor, busy for ever."""
    trace = tmp_path / "trace"
    assert accepted(confdir, path, NFS, trace)
    looks = [call for call in calls(trace) if call.name == "newfstatat"]
    # Every other one: by its name it is never the file that was opened.
    from_there_on = [look.inject(ANOTHER_FILE) + "+2" for look in looks]
    assert False in [accepted(confdir, path, NFS, trace, fault) for fault in from_there_on]


@pytest.mark.parametrize("error", ["EBADF", "ENOLCK", "EOPNOTSUPP", "EINVAL"])
@pytest.mark.parametrize("everywhere", [True, False])
def test_locks_that_are_not_to_be_had(
    path: Path, confdir: Path, syslog: Syslog, error: str, *, everywhere: bool
) -> None:
    """A file system without locks would shut people out, or a machine without any let them race."""
    fault = f"-einject=flock:error={error}" + ("" if everywhere else ":when=1..3")
    setting = Setting(under=("strace", "-qqo/dev/null", fault))
    assert log_in(confdir, setting, [f"={RECOVERY_CODE}"]).module == (
        "PAM_AUTH_ERR" if everywhere else "PAM_SUCCESS"
    )
    assert (RECOVERY_CODE in path.read_text()) == everywhere
    reason = (
        "secret-file-error device= detail=it cannot be locked" if everywhere else "recovery-code"
    )
    assert f"reason={reason}" in logged(syslog)[-1]


@pytest.mark.parametrize(("taken", "opens"), [(1, True), (99, True), (100, False)])
def test_names_of_new_files_that_are_taken(
    path: Path, confdir: Path, tmp_path: Path, taken: int, *, opens: bool
) -> None:
    """A login would write to a file of somebody's, or look for a free name for ever."""
    trace = tmp_path / "trace"
    assert accepted(confdir, path, Setting(), trace)
    found = calls(trace)
    behind = [call.name for call in found].index("fgetxattr")  # the old file's label
    first = [call for call in found[:behind] if call.name == "openat"][-1].number
    fault = f"-einject=openat:error=EEXIST:when={first}..{first + taken - 1}"
    assert accepted(confdir, path, Setting(), trace, fault) == opens


def test_a_folder_that_cannot_be_synced(path: Path, confdir: Path, tmp_path: Path) -> None:
    """On a file system that knows no such thing, nobody could use a code up."""
    fault = "-einject=fsync:error=EINVAL:when=2"
    assert accepted(confdir, path, Setting(), tmp_path / "trace", fault)


def test_a_file_system_without_acls(path: Path, confdir: Path, tmp_path: Path) -> None:
    """The group that an admin let read the file could not any more."""
    path.chmod(0o640)
    setting = Setting(args=["allowed_perm=0640"])
    trace = tmp_path / "trace"
    assert accepted(confdir, path, setting, trace, "-einject=fgetxattr:error=EOPNOTSUPP")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_clock_that_cannot_be_read(path: Path, confdir: Path, syslog: Syslog) -> None:
    """Codes of 1970 would open the door."""
    fault = ("strace", "-qqo/dev/null", "-einject=clock_gettime:error=EINVAL")
    setting = Setting(time=None, under=fault)
    assert log_in(confdir, setting, ["=000000"]).module == "PAM_AUTH_ERR"
    assert "reason=clock-not-set" in logged(syslog)[-1]
    assert path.exists()


def test_a_shield_that_cannot_be_had(path: Path, confdir: Path, tmp_path: Path) -> None:
    """A user could kill their own su half-way, or would be root in it afterwards."""
    as_su = Setting(under=("setpriv", f"--ruid={ACCOUNTS['galother'][0]}"))
    trace = tmp_path / "trace"
    assert accepted(confdir, path, as_su, trace)
    raising, lowering = [call for call in calls(trace) if call.name == "setresuid"]
    for call in (raising, lowering):
        assert not accepted(confdir, path, as_su, trace, call.inject("error=EPERM"))


def test_an_access_file_that_cannot_be_read(path: Path, confdir: Path, tmp_path: Path) -> None:
    """A disk that fails would open the door."""
    access_file = path.with_name("access.conf")
    access_file.write_text("+ : ALL : ALL\n")
    setting = Setting(args=[f"accessfile={access_file}"], rhost="10.1.2.3")
    trace = tmp_path / "trace"

    def verdict(*fault: str) -> str:
        result = log_in_traced(confdir, setting, "000000", trace, *fault)
        assert result
        return result.module

    assert verdict() == "PAM_IGNORE"
    found = calls(trace)
    read = [call.name for call in found].index("pread64")
    assert [call.name for call in found[read - 2 : read]] == ["openat", "newfstatat"]
    for call in found[read - 2 : read + 1]:
        assert verdict(call.inject("error=EIO")) == "PAM_AUTH_ERR"
