"""The recorded behaviours of google-authenticator-libpam, against our module.

tests/pam/cases/ holds them with a description of every field. A case is run as it is; where the
reference had a defect (`deviate_ok`) or doorward deliberately does better, DEVIATIONS says what it
does instead.
"""

import json
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.pam.conftest import owned
from tests.pam.login import Result, Setting, log_in, shell

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "cases" / "google-authenticator.json").read_text()
)["cases"]

# What doorward does where it must not copy the reference: the module's return code, and the
# content of the secret file afterwards (None: as the case says).
DEVIATIONS: dict[str, tuple[str, str | None]] = {
    # The link stays, and what it leads to is replaced: see test_store.py.
    "perm/symlink_replaced_by_regular_on_rewrite": ("PAM_SUCCESS", None),
    # A file that is broken is refused, whatever its LAST lines say.
    "grace/invalid_secret_still_passes": ("PAM_AUTH_ERR", None),
    # The file is decided on as it is after the prompt, so a change meanwhile does no harm …
    "write/changed_during_prompt": ("PAM_SUCCESS", None),
    # … and a file that has gone opens nothing.
    "write/removed_during_prompt_nothing_to_write": ("PAM_AUTH_ERR", None),
}


@dataclass
class World:
    """The files of one case."""

    home: Path
    extra: Path
    service: Path

    def place(self, text: str) -> str:
        """Puts real paths in the place of the cases' names for them."""
        return text.replace("@HOME@", str(self.home)).replace("@DIR@", str(self.extra))


@pytest.fixture
def world(home: Path, confdir: Path) -> Iterator[World]:
    """An empty home of galuser's, an empty extra folder, and a place for the service file."""
    extra = Path("/srv/doorward-cases")
    extra.mkdir()
    yield World(home, extra, confdir)
    subprocess.run(["umount", "--quiet", home], check=False)
    shutil.rmtree(extra)


def set_up(case: dict[str, Any], world: World) -> None:
    """Lays out a case's files."""
    if case.get("home_fs") == "full":
        shell(f"mount -t tmpfs -o size=16k,mode=0755 none {world.home}")
        owned(world.home, "galuser", 0o755)
    owned(world.extra, case.get("dir_owner", "galuser"), 0o700)
    files = list(case.get("setup", []))
    if case["secret_file"] is not None:
        files.append({"path": "@HOME@/.google_authenticator", "content": case["secret_file"]})
    for entry in files:
        path = Path(world.place(entry["path"]))
        if entry.get("type") == "symlink":
            path.symlink_to(world.place(entry["target"]))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(entry["content"].encode("utf-8", "surrogateescape"))
        owned(path, entry.get("owner", "galuser"), int(entry.get("mode", "0600"), 8))
    if case.get("home_fs") == "full":
        shell(f"head -c 1m /dev/zero > {world.home}/filling 2>/dev/null || true")
    if case.get("home_fs") == "ro":
        shell(f"mount --bind {world.home} {world.home} && mount -o remount,ro,bind {world.home}")
    if "home_mode" in case:
        world.home.chmod(int(case["home_mode"], 8))


def content(path: Path) -> str | None:
    """A file's content as the cases write it; None where there is none."""
    return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else None


def check_file(
    path: Path, expected: dict[str, str] | str | None, before: str | None, mode_before: int | None
) -> None:
    """Content byte for byte, owner; a mode may stay as it was, or become stricter."""
    after = content(path)
    if not isinstance(expected, dict):
        assert expected in {"unchanged", None}
        assert after == (before if expected else None)
        return
    assert after == expected["content"]
    status = path.stat()
    assert pwd.getpwuid(status.st_uid).pw_name == expected["owner"]
    assert status.st_mode & 0o7777 & ~int(expected["mode"], 8) & ~(mode_before or 0) == 0


def run_step(case: dict[str, Any], step: dict[str, Any], world: World) -> None:
    """One login of a case, and everything that must be so afterwards."""
    expect = step["expect"]
    deviation = DEVIATIONS.get(case["name"])
    setting = Setting(
        args=[world.place(arg) for arg in case["args"]],
        user=case.get("user", "galuser"),
        time=step["time"],
        rhost=step.get("rhost"),
        flags=step.get("flags", 0),
        run_as=case.get("run_as"),
        authtok=step.get("authtok_in"),
    )
    nested: list[Result] = []

    def run(command: str) -> None:
        if command.startswith("@SELF@"):
            code = command.split()[1]
            nested.append(log_in(world.service, setting, [f"={code}"]))
        else:
            shell(world.place(command))

    paths = {name: Path(world.place(name)) for name in expect["files_after"]}
    before = {name: content(path) for name, path in paths.items()}
    modes = {name: path.stat().st_mode for name, path in paths.items() if path.exists()}
    result = log_in(world.service, setting, step["script"], run)

    assert result.module == (deviation[0] if deviation else expect["rc"])
    if not deviation:
        assert [list(message) for message in result.messages] == expect["prompts"]
        for name, path in paths.items():
            check_file(path, expect["files_after"][name], before[name], modes.get(name))
    assert result.authtok == expect["authtok_out"]
    assert result.ids_kept
    assert [one.module for one in nested] == (
        [expect["nested_rc"]] if "nested_rc" in expect else []
    )


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any], world: World) -> None:
    """An admin who swaps the module's name, or a user's file, would meet something else."""
    set_up(case, world)
    for step in case["steps"]:
        run_step(case, step, world)


def test_deviations_are_those_that_the_cases_allow() -> None:
    """A deviation would hide a case that should hold."""
    allowed = {case["name"] for case in CASES if case.get("deviate_ok")}
    assert set(DEVIATIONS) == allowed
