"""How a service is to ask for the code: the rules and the access file that come of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from doorward.enrolment.places import HOME, SYSTEM
from pamconf.blocks import Marks

ACCESS_FILE = "/etc/security/access-doorward.conf"

MARKS = Marks(
    "# begin: doorward ('doorward pam disable' takes this out)",
    "# end: doorward",
)
"""Around all that is put into a file that has more in it."""

WRITTEN = "# Written by 'doorward pam enable'; 'doorward pam disable' takes it away.\n"
"""The first line of a file that is doorward's as a whole."""


def is_ours(content: bytes | None) -> bool:
    """Tell whether there is a file, and it is doorward's as a whole."""
    return content is not None and content.startswith(WRITTEN.encode())


class SkipStyle(StrEnum):
    """Which module lets those skip the code whom the access file names."""

    MODULE = "module"
    PAM_ACCESS = "pam_access"


@dataclass(frozen=True)
class Choices:
    """What was chosen. `skip_from` are networks, `access_file` is where they are written.

    Without any of them, and without `skip_local`, there is no access file, unless one is named that
    somebody else keeps (`own_access_file`).
    """

    nullok: bool = False
    nullok_until: str | None = None
    skip_from: tuple[str, ...] = ()
    skip_local: bool = False
    skip_style: SkipStyle = SkipStyle.MODULE
    own_access_file: str | None = None
    only_group: str | None = None
    except_group: str | None = None
    system_secrets: bool = False
    before_password: bool = False
    forward_password: bool = False

    @property
    def writes_access_file(self) -> bool:
        """Whether it has doorward write an access file."""
        return bool(self.skip_from or self.skip_local)

    @property
    def access_file(self) -> str | None:
        """The access file that the rules name, if they name any."""
        return ACCESS_FILE if self.writes_access_file else self.own_access_file

    @property
    def secret(self) -> str:
        """Where secrets are, as secret= says it."""
        return SYSTEM if self.system_secrets else HOME

    def for_all(self) -> "Choices":
        """Return the choices without what spares somebody the code, but for groups."""
        return replace(
            self,
            nullok=False,
            nullok_until=None,
            skip_from=(),
            skip_local=False,
            own_access_file=None,
        )

    def forwarding_password(self) -> "Choices":
        """Return the choices with which password and code are typed at one prompt."""
        return replace(self, forward_password=True)

    def rules(self) -> tuple[str, ...]:
        """Return the rules, in order. A jump goes behind the last of them."""
        last = " ".join(self._last())
        skip = [f"pam_access.so accessfile={self.access_file}"] if self._by_pam_access else []
        jumps = [*self._groups(), *(("success=%d default=ignore", one) for one in skip)]
        count = len(jumps)
        above = [f"auth [{jump % (count - at)}] {rest}" for at, (jump, rest) in enumerate(jumps)]
        return (*above, last)

    def _groups(self) -> Iterator[tuple[str, str]]:
        """Yield the jumps of who is in a group, or is not, and what each asks.

        Where the answer is not known, the code is asked for; but nobody is in a group that is not
        there. (pam_succeed_if.c: evaluate_ingroup.)
        """
        question = "pam_succeed_if.so quiet user ingroup"
        if self.except_group:
            yield "success=%d default=ignore", f"{question} {self.except_group}"
        if self.only_group:
            yield "auth_err=%d default=ignore", f"{question} {self.only_group}"

    @property
    def _by_pam_access(self) -> bool:
        return self.skip_style is SkipStyle.PAM_ACCESS and self.access_file is not None

    def _last(self) -> Iterator[str]:
        """Yield the words of the rule that asks."""
        yield from ("auth", "required", "pam_doorward.so")
        if self.nullok_until:
            yield f"nullok_until={self.nullok_until}"
        elif self.nullok:
            yield "nullok"
        if self.access_file and not self._by_pam_access:
            yield f"accessfile={self.access_file}"
        if self.system_secrets:
            yield f"secret={SYSTEM}"
            yield "user=root"
        if self.forward_password:
            yield "forward_pass"

    def access_text(self) -> str:
        """Return the access file. pam_access reads it as the module does: it ends in a `-` line."""
        lines = [WRITTEN + "# Who is let in without a code, from where: see access.conf(5).\n"]
        if self.skip_from:
            lines.append(f"+ : ALL : {' '.join(self.skip_from)}\n")
        if self.skip_local:
            lines.append("+ : ALL : LOCAL\n")
        return "".join([*lines, "- : ALL : ALL\n"])
