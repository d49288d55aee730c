"""Display managers: who is logged in unasked, and whether screens elsewhere are served.

(lightdm's common/configuration.c, gdm's gdm-settings, sddm.conf(5).)
"""

from collections.abc import Iterator

from pamconf.logins.found import Entry, Found, entries, texts
from pamconf.tree import Files

_LIGHTDM = (
    "/usr/share/lightdm/lightdm.conf.d/*.conf",
    "/usr/local/share/lightdm/lightdm.conf.d/*.conf",
    "/etc/xdg/lightdm/lightdm.conf.d/*.conf",
    "/etc/lightdm/lightdm.conf.d/*.conf",
    "/etc/lightdm/lightdm.conf",
)
_GDM = ("/etc/gdm3/custom.conf", "/etc/gdm3/daemon.conf", "/etc/gdm/custom.conf")
_SDDM = ("/usr/lib/sddm/sddm.conf.d/*", "/etc/sddm.conf.d/*", "/etc/sddm.conf")


def autologins(files: Files) -> list[Found]:
    """Return whom a display manager logs in by itself, at once or after a while."""
    return [*_lightdm_autologins(files), *_gdm_autologins(files), *_sddm_autologins(files)]


def remote_displays(files: Files) -> list[Found]:
    """Return where XDMCP or VNC is on: whoever comes that way looks local to PAM."""
    return [*_lightdm_servers(files), *_gdm_servers(files)]


def _last(files: Files, *patterns: str) -> dict[tuple[str, str], Entry]:
    """Return what counts of files in which a later entry replaces an earlier one."""
    return {
        (entry.section, entry.key): entry
        for path, text in texts(files, *patterns)
        for entry in entries(text, path)
    }


def _true(entry: Entry | None) -> bool:
    return entry is not None and entry.value.lower() in {"true", "1"}


def _found(entry: Entry, *who: str) -> Found:
    what = f"[{entry.section}] {entry.key}={entry.value}"
    return Found(what, who, entry.path, entry.line)


def _lightdm_autologins(files: Files) -> Iterator[Found]:
    for (section, key), entry in _last(files, *_LIGHTDM).items():
        if not section.startswith("Seat"):  # [Seat:*], [Seat:0], once [SeatDefaults]
            continue
        if key == "autologin-user" and entry.value:
            yield _found(entry, entry.value)
        if key == "autologin-guest" and _true(entry):
            yield _found(entry, "guest")


def _lightdm_servers(files: Files) -> Iterator[Found]:
    counts = _last(files, *_LIGHTDM)
    for section in ("XDMCPServer", "VNCServer"):
        entry = counts.get((section, "enabled"))
        if entry is not None and _true(entry):
            yield _found(entry, "ALL")


def _gdm_autologins(files: Files) -> Iterator[Found]:
    for path in _GDM:
        counts = _last(files, path)
        for key in ("AutomaticLogin", "TimedLogin"):
            user = counts.get(("daemon", key))
            if user is not None and user.value and _true(counts.get(("daemon", f"{key}Enable"))):
                yield _found(user, user.value)


def _gdm_servers(files: Files) -> Iterator[Found]:
    for path in _GDM:
        entry = _last(files, path).get(("xdmcp", "Enable"))
        if entry is not None and _true(entry):
            yield _found(entry, "ALL")


def _sddm_autologins(files: Files) -> Iterator[Found]:
    user = _last(files, *_SDDM).get(("Autologin", "User"))
    if user is not None and user.value:
        yield _found(user, user.value)
