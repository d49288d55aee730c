"""What beside PAM's stacks decides about logins on a machine, each with its file and line."""

from pamconf.logins import consoles, displays, sudoers
from pamconf.logins.found import Found
from pamconf.logins.sudoers import applies
from pamconf.tree import Root, Tree

__all__ = ["Found", "applies", "autologins", "nopasswd", "remote_displays"]


def autologins(root: Root = "/") -> list[Found]:
    """Return who is logged in unasked: by lightdm, gdm, sddm, or agetty on a console."""
    return [*displays.autologins(Tree(root)), *consoles.autologins(Tree(root))]


def nopasswd(root: Root = "/") -> list[Found]:
    """Return whom sudo asks no password: NOPASSWD, `!authenticate`, exempt_group."""
    return sudoers.nopasswd(Tree(root))


def remote_displays(root: Root = "/") -> list[Found]:
    """Return where XDMCP or VNC is on; to PAM such a login looks like one at the machine."""
    return displays.remote_displays(Tree(root))
