"""What is measured: which modules, at which logins, and what there is to reach."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    """A PAM module; `package` is the Debian package that it is from, None for our own."""

    name: str
    module: str
    package: str | None = None


DOORWARD = Peer("doorward", "pam_doorward.so")
GOOGLE = Peer("google-authenticator", "pam_google_authenticator.so", "libpam-google-authenticator")
OATH = Peer("oath", "pam_oath.so", "libpam-oath")

BOTH = (DOORWARD, GOOGLE)
ALL = (DOORWARD, GOOGLE, OATH)

PAM_SUCCESS, PAM_PERM_DENIED, PAM_AUTH_ERR = 0, 6, 7  # security/_pam_types.h


@dataclass(frozen=True)
class Row:
    """A kind of login, with what must come of it lest something else be measured.

    `keys` are the lines of the secret file after the secret, None where there is no file; `limit`
    is how many times as long as google-authenticator's ours may take.
    """

    name: str
    keys: tuple[str, ...] | None
    limit: float = 1.0
    right: bool = True
    rewritten: bool = False
    option: str = ""
    peers: tuple[Peer, ...] = BOTH

    @property
    def expected(self) -> tuple[int, int, bool]:
        """What pam_authenticate returns, the prompts there are, and whether the file changes.

        Where the only module of a stack returns PAM_IGNORE, libpam makes that PAM_PERM_DENIED.
        """
        if self.keys is None:
            return PAM_PERM_DENIED, 0, False
        return PAM_SUCCESS if self.right else PAM_AUTH_ERR, 1, self.rewritten


_TOTP = "TOTP_AUTH"
_REWRITE = 1.7  # ours syncs the folder, too

PLAIN = Row("right code, nothing to write", (_TOTP,))
REWRITE = Row(
    "right code, file rewritten", ("DISALLOW_REUSE", _TOTP), _REWRITE, rewritten=True, peers=ALL
)
SEARCH = Row("wrong code, search for the phone's skew", (_TOTP,), 0.15, right=False)
ROWS = (
    PLAIN,
    REWRITE,
    Row(
        "right code, file as enrolment writes it",
        ("RATE_LIMIT 3 30", "DISALLOW_REUSE", _TOTP),
        _REWRITE,
        rewritten=True,
    ),
    SEARCH,
    Row("wrong code, no such search", (_TOTP,), right=False, option="noskewadj", peers=ALL),
    Row("not enrolled, nullok", None, option="nullok"),
)


@dataclass(frozen=True)
class Crowd:
    """Processes that log in at the same time, all as one user or each as another."""

    row: Row
    processes: int
    one_user: bool

    @property
    def name(self) -> str:
        """What to call it in a table."""
        if self.processes == 1:
            return f"{self.row.name}: 1 process"
        who = "all one user" if self.one_user else "each another user"
        return f"{self.row.name}: {self.processes} processes, {who}"


CROWDS = tuple(
    Crowd(row, processes, one_user)
    for row in (PLAIN, REWRITE)
    for processes, one_user in ((1, False), (2, True), (2, False), (16, True), (16, False))
)

MEMORY_LIMIT = 1.0
SIZE_LIMIT = 1.5
