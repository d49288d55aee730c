"""Reading configuration: below a root folder, out of memory, and who the users are."""

import errno
import grp
import os
import pwd
from pathlib import Path

import pytest

from pamconf import accounts
from pamconf.accounts import Account
from pamconf.errors import FileError, UnreadableError
from pamconf.tree import CONTENT_MAX, Files, Kind, Texts, Tree, content

FILES = {
    "/etc/a.conf": "a",
    "/etc/b.conf": "b",
    "/etc/.c.conf": "c",
    "/etc/d/x": "x",
    "/e*": "star",
}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """FILES on disk."""
    for path, text in FILES.items():
        real = Path(f"{tmp_path}{path}")
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_text(text)
    return Tree(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("/etc/*.conf", ["/etc/a.conf", "/etc/b.conf"]),
        ("/etc/.*.conf", ["/etc/.c.conf"]),
        ("/etc/[!a].conf", ["/etc/b.conf"]),
        ("/etc/?.conf", ["/etc/a.conf", "/etc/b.conf"]),
        ("/*/x", []),
        ("/*/*/x", ["/etc/d/x"]),
        ("/etc/d", []),
        ("/etc/a.conf", ["/etc/a.conf"]),
        ("/etc/a.conf/x", []),
        ("/etc/none", []),
        ("/etc/none/*", []),
        (r"/e\*", ["/e*"]),
        (r"/[e]\*", ["/e*"]),
    ],
)
def test_glob(tree: Tree, pattern: str, found: list[str]) -> None:
    """A file that a program includes would be missed, or one that it does not be read."""
    assert tree.glob(pattern) == found
    assert Texts(FILES).glob(pattern) == found


def test_read(tree: Tree) -> None:
    """Bytes that are no UTF-8 would be lost, or a missing file not be told."""
    (tree.root / "etc/odd").write_bytes(b"a\xff\r\n")
    assert tree.read("/etc/odd").encode("utf-8", "surrogateescape") == b"a\xff\r\n"
    assert Texts(FILES).read("/etc/a.conf") == "a"
    files: list[Files] = [tree, Texts(FILES)]
    for each in files:
        with pytest.raises(FileError) as caught:
            each.read("/etc/none")
        assert caught.value.path == "/etc/none"


def test_links_stay_in_the_root(tree: Tree) -> None:
    """Reading a mounted disk would read this machine's files instead."""
    etc = tree.root / "etc"
    (etc / "absolute").symlink_to("/etc/d/x")
    (etc / "relative").symlink_to("../../../etc/a.conf")
    (etc / "folder").symlink_to("/etc/d")
    (etc / "loop").symlink_to("loop")
    assert tree.read("/etc/absolute") == "x"
    assert tree.read("/etc/relative") == "a"
    assert tree.read("/etc/folder/../a.conf") == "a"
    assert tree.glob("/etc/fold*/*") == ["/etc/folder/x"]
    assert tree.glob("/etc/l??p") == ["/etc/loop"]
    assert tree.glob("/etc/loop/*") == []
    with pytest.raises(FileError, match="links"):
        tree.read("/etc/loop")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/etc/a.conf/", errno.ENOTDIR),
        ("/etc/a.conf/.", errno.ENOTDIR),
        ("/etc/a.conf/../b.conf", errno.ENOTDIR),
        ("/etc/none/../a.conf", errno.ENOENT),
        ("/etc/to-none", errno.ENOENT),
        ("/etc/to-a", errno.ENOTDIR),
        ("/etc/a.conf\0", errno.ENOENT),
        ("/etc/link40", None),
        ("/etc/link41", errno.ELOOP),
        ("/../../etc/d/../../../etc/./a.conf", None),
    ],
)
def test_paths_as_the_kernel_finds_them(tree: Tree, path: str, error: int | None) -> None:
    """A file would be read that no program of the root can open by that path."""
    etc = tree.root / "etc"
    (etc / "to-none").symlink_to("none/../a.conf")
    (etc / "to-a").symlink_to("a.conf/")
    for n in range(41):
        (etc / f"link{n + 1}").symlink_to(f"link{n}" if n else "a.conf")
    if error is None:
        assert tree.read(path) == "a"
        return
    with pytest.raises(FileError, match=os.strerror(error)):
        tree.read(path)
    with pytest.raises(OSError, match=os.strerror(error)) as caught:
        tree.follow(path).read_bytes()
    assert caught.value.errno == error


def test_a_root_that_is_no_folder(tmp_path: Path) -> None:
    """A slip of who names the root would be an error of the language."""
    (tmp_path / "loop").symlink_to("loop")
    assert Tree(tmp_path / "loop").kind("/etc") is Kind.NOTHING
    with pytest.raises(FileError):
        Tree(tmp_path / "loop").read("/etc/passwd")
    with pytest.raises(FileError):
        Tree(tmp_path / "loop").real("/etc/../x")


ACCOUNTS = {
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:7:70::/:/bin/sh\nodd:x:y:0::/:\nshort:x\n",
    "/etc/group": "root:x:0:\nwheel:x:10:bob,ann\nann:x:70:\nbroken\n",
}


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("root", Account("root", 0, ("root",))),
        ("ann", Account("ann", 7, ("ann", "wheel"))),
        ("odd", None),
        ("short", None),
        ("nobody", None),
    ],
)
def test_accounts_of_files(name: str, account: Account | None) -> None:
    """Rules about groups would be judged by the wrong groups."""
    assert accounts.in_files(name, Texts(ACCOUNTS)) == account


def test_accounts_without_files(tmp_path: Path) -> None:
    """An empty root would be an error instead of one without users."""
    assert accounts.find("root", tmp_path) is None


def test_accounts_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users of LDAP, or groups without a name, would not be known."""
    root = accounts.find("root")
    assert root is not None
    assert root.uid == 0
    assert root.groups[0] == grp.getgrgid(pwd.getpwnam("root").pw_gid).gr_name
    monkeypatch.setattr(os, "getgrouplist", lambda *_: [0, 2**30])
    assert accounts.find("root") == Account("root", 0, (grp.getgrgid(0).gr_name,))
    assert accounts.find("no\0body") is None
    assert accounts.find("no-such-user") is None


def test_what_may_not_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that only root may see would be said to be missing, and a door to stand open."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x/file").write_text("")
    tree = Tree(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_symlink", refuse)
    for look in (tree.kind, tree.glob, tree.read):
        with pytest.raises(UnreadableError, match="Permission denied") as raised:
            look("/x/file")
        assert raised.value.hint == "Run this as root."
    monkeypatch.undo()
    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(UnreadableError):
        tree.kind("/x/file")
    monkeypatch.undo()
    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UnreadableError):
        tree.glob("/x/*")


def test_content(tmp_path: Path) -> None:
    """A folder would be read, a pipe be waited for, or a device fill the memory."""
    (tmp_path / "text").write_bytes(b"text")
    assert content(tmp_path / "text") == b"text"
    assert content(Path("/dev/null")) == b""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", CONTENT_MAX + 1)
    for path, error in (
        (tmp_path, IsADirectoryError),
        (tmp_path / "pipe", OSError),
        (Path("/dev/zero"), OSError),
        (tmp_path / "large", OSError),
    ):
        with pytest.raises(error):
            content(path)
    with pytest.raises(UnreadableError, match="too large"):
        Tree(tmp_path).read("/large")


def test_a_tree_after_a_change(tree: Tree) -> None:
    """What a change comes to would be told by files as they are, or by the wrong ones."""
    (tree.root / "etc/link.conf").symlink_to("/etc/a.conf")
    after = tree.changed({"/etc/link.conf": b"new", "/etc/b.conf": None, "/etc/d/y": b"y"})
    after = after.changed({"/etc/new/z": b"z"})
    assert Tree(after).read("/etc/a.conf") == after.read("/etc/link.conf") == "new"
    assert after.glob("/etc/*.conf") == ["/etc/a.conf", "/etc/link.conf"]
    assert after.glob("/etc/d/?") == ["/etc/d/x", "/etc/d/y"]
    assert after.glob("/etc/d/y") == ["/etc/d/y"]
    assert after.glob("/etc/b.conf") == []
    assert after.names("/etc/new") == ["z"]
    assert after.kind("/etc/new/z") is Kind.FILE
    assert after.kind("/etc/b.conf") is Kind.NOTHING
    assert after.is_file("/etc/new/z")
    assert not after.is_file("/etc/b.conf")
    assert after.is_file("/etc/d/x")
    with pytest.raises(FileError, match="No such file"):
        after.read("/etc/b.conf")
    with pytest.raises(FileNotFoundError):
        after.names("/etc/nowhere")
    assert (tree.is_on_disk, after.is_on_disk) == (True, False)
    assert tree.read("/etc/a.conf") == "a"


def test_find(tree: Tree) -> None:
    """What is not there would be an error, or what cannot be read be taken for that."""
    assert tree.changed({"/etc/new": b"x"}).find("/etc/new") == b"x"
    assert tree.find("/etc/new") is None
    with pytest.raises(FileError, match="/etc: cannot be read"):
        tree.find("/etc")


def test_everybody(tmp_path: Path) -> None:
    """Somebody with an account would be left out when it is asked who is locked out."""
    (tmp_path / "etc").mkdir()
    rows = ["root:x:0:0::/root:/bin/sh", "a:x:1:1::/:/bin/sh", "broken", "a:x:2:2::/:/bin/sh"]
    (tmp_path / "etc/passwd").write_text("\n".join(rows))
    assert [(one.name, one.uid) for one in accounts.everybody(tmp_path)] == [("root", 0), ("a", 1)]
    assert pwd.getpwuid(0).pw_name in {one.name for one in accounts.everybody()}
