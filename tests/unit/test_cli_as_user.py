"""Who handles a file: root where the place is root's, and else nobody with more than the user's."""

import os

import pytest
from doorward import process
from doorward.enrolment.account import Account
from doorward.enrolment.as_user import UserFile, user_file
from doorward.errors import NotPermittedError

ROOT = Account("root", 0, 0, "/root")
ALICE = Account("alice", 4242, 4242, "/home/alice/")
SYSTEM = Account("daemon", 4243, 4243, "/etc/daemon")
HOMELESS = Account("homeless", 4244, 4244, "/")


@pytest.mark.parametrize(
    ("uid", "account", "path", "by_root"),
    [
        (0, ALICE, "/home/alice/.google_authenticator", False),
        (0, ALICE, "/etc/no-such-folder/alice", True),
        (0, ALICE, "/tmp/alice", False),
        (0, ROOT, "/root/.google_authenticator", True),
        (0, ROOT, "/home/alice/.google_authenticator", True),
        (0, SYSTEM, "/etc/daemon/secret", False),
        (0, SYSTEM, "/etc/daemonic/secret", True),
        (0, HOMELESS, "/etc/no-such-folder/homeless", True),
        (4242, ALICE, "/etc/no-such-folder/alice", False),
        (4242, ALICE, "/home/alice/.google_authenticator", False),
    ],
)
def test_who_handles_it(
    monkeypatch: pytest.MonkeyPatch, uid: int, account: Account, path: str, *, by_root: bool
) -> None:
    """Nothing in a home is handled with root's rights, nor what others could put elsewhere."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert user_file(account, path) == UserFile(account, path, by_root)


def test_a_way_back_to_root_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel would let the child be root again, nothing is done as the user at all."""
    steps: list[str] = []
    for step in ("setgroups", "setresgid", "setresuid"):
        monkeypatch.setattr(os, step, lambda *_, step=step: steps.append(step))
    monkeypatch.setattr(os, "getgrouplist", lambda *_: [4242])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(process, "in_child", lambda work: work())
    monkeypatch.setattr(process, "guard_secrets", lambda: None)
    with pytest.raises(NotPermittedError, match="could not be given up to become alice"):
        UserFile(ALICE, "/home/alice/secret", by_root=False).handle(lambda _: steps.append("done"))
    assert steps == ["setgroups", "setresgid", "setresuid", "setresuid"]
