"""Checks of what sshd's own settings make of its rules."""

from collections.abc import Iterator

from pamconf import sshd
from pamconf.errors import UnreadableError
from pamconf.lint.check import check
from pamconf.lint.finding import Found, Place
from pamconf.lint.subject import EVERYBODY, Subject
from pamconf.models.second_factor import CODE
from pamconf.places import networks
from pamconf.problem import Severity
from pamconf.sshd import Setting

_HINT = "'sshd -t' says more."


@check("PAM301", "use-pam-no", Severity.ERROR)
def use_pam_no(one: Subject) -> Iterator[Found]:
    """With `UsePAM no`, sshd checks passwords by itself: the rules that ask for a code are not run.

    The password alone lets in. It is what sshd does where its configuration says nothing.

    Mend it with `UsePAM yes`, above any Match line.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/ssh/sshd_config
        UsePAM no

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/ssh/sshd_config
        UsePAM yes
        KbdInteractiveAuthentication yes
        PasswordAuthentication no
    """
    for connected in one.connections:
        use_pam = connected.effective["UsePAM"]
        if one.second_factors and use_pam.value == "no":
            doors = [door for door in connected.doors if not door.obstacles]
            by = next((door.name for door in doors if "password" in door.name), None)
            ends = f"'{by}' lets in with no code" if by else "no code is asked"
            message = f"UsePAM {use_pam.value}: the rules for sshd are not run, and {ends}"
            yield Found(_at(use_pam), message, "Say 'UsePAM yes'.")
            return


@check("PAM302", "no-way-to-ask", Severity.ERROR)
def no_way_to_ask(one: Subject) -> Iterator[Found]:
    """By sshd's password method, the password answers every question: no code can be typed.

    Where keyboard-interactive is off, as Debian has it, whoever has to give a code is refused,
    whatever they type.

    Mend it with `KbdInteractiveAuthentication yes`, in a file that comes before what says no: on
    Debian one in /etc/ssh/sshd_config.d whose name begins with 00.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/ssh/sshd_config
        UsePAM yes
        KbdInteractiveAuthentication no

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/ssh/sshd_config
        UsePAM yes
        KbdInteractiveAuthentication yes
        PasswordAuthentication no
    """
    for connected in one.connections:
        doors = [door for door in connected.doors if not door.obstacles]
        refused = [
            decision
            for door in doors
            if door.asks_pam and "password" in door.name.split(",")
            for decision in door.decisions
            if CODE in decision.asked and not decision.gets_in
        ]
        if refused and not any("keyboard-interactive" in door.name for door in doors):
            setting = connected.effective["KbdInteractiveAuthentication"]
            hint = "Say 'KbdInteractiveAuthentication yes' in a file that comes before."
            if setting.value == "yes":
                setting = connected.effective["AuthenticationMethods"]
                hint = "Say 'keyboard-interactive:pam' there instead of 'password'."
            message = "no code can be typed: who has to give one is refused, whatever they type"
            yield Found(_at(setting), message, hint)


@check("PAM303", "locked-out", Severity.ERROR)
def locked_out(one: Subject) -> Iterator[Found]:
    """Nobody of those whom a Match line is about can log in: every method is off, or in vain.

    `sshd -t` says nothing of it where a method is named in a Match block and is off. Root with
    `PermitRootLogin prohibit-password` can answer whatever keyboard-interactive asks, and is
    refused; that is a warning, since it may be meant.

    Mend it by switching a method on that AuthenticationMethods names, or by naming another.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_unix.so
        ## /etc/ssh/sshd_config
        UsePAM yes
        KbdInteractiveAuthentication no
        Match Group sudo
            AuthenticationMethods publickey,keyboard-interactive:pam

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_unix.so
        ## /etc/ssh/sshd_config
        UsePAM yes
        KbdInteractiveAuthentication yes
        Match Group sudo
            AuthenticationMethods publickey,keyboard-interactive:pam
    """
    for connected in one.connections:
        effective = connected.effective
        ways = sshd.ways(effective)
        account = effective.connection.account
        is_barred = (
            bool(account and account.uid == 0) and effective["PermitRootLogin"].value == "no"
        )
        if is_barred or any(way.possible or way.obstacles for way in ways):
            continue
        obstacles = [one for way in ways for step in way.steps for one in step.obstacles]
        methods = effective["AuthenticationMethods"]
        setting = methods if methods.source else Setting("", obstacles[0].source)
        why = ", ".join(dict.fromkeys(obstacle.reason for obstacle in obstacles))
        message = f"{connected.whose} cannot log in at all: {why}"
        if connected.whose == "root":
            hint = "Say 'PermitRootLogin no' if that is meant, or give root a Match block."
            yield Found(_at(setting), message, hint, Severity.WARNING)
            continue
        if methods.source:
            hint = "Switch on a method that AuthenticationMethods names."
            yield Found(_at(setting), message, hint)
        else:
            hint = "Switch on a method, if it is not meant so."
            severity = Severity.WARNING if connected.place else None
            yield Found(connected.place or _at(setting), message, hint, severity)
        if connected.whose == EVERYBODY:
            return


@check("PAM304", "key-alone", Severity.NOTE)
def key_alone(one: Subject) -> Iterator[Found]:
    """Whoever logs in with a key is asked for neither password nor code: no auth rule is run.

    It may well be meant: a key is a good factor by itself, as long as its file is. The same goes
    for Kerberos tickets and keys of hosts.

    Where it should not be enough, say `AuthenticationMethods publickey,keyboard-interactive:pam`:
    key, password and code. Root then cannot log in, unless PermitRootLogin is `yes`; say `no`.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/ssh/sshd_config
        UsePAM yes
        KbdInteractiveAuthentication yes
        PasswordAuthentication no

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/ssh/sshd_config
        UsePAM yes
        KbdInteractiveAuthentication yes
        PasswordAuthentication no
        AuthenticationMethods publickey,keyboard-interactive:pam
        PermitRootLogin no
    """
    for connected in one.connections[:1]:
        alone = [door.name for door in connected.doors if not door.asks_pam and door.is_usable]
        asks = any(door.asks_pam and not door.obstacles for door in connected.doors)
        if one.second_factors and alone and asks:
            message = f"by {' or '.join(alone)} alone one gets in: no password or code is asked"
            hint = "Where that is not enough: 'AuthenticationMethods"
            hint += " publickey,keyboard-interactive:pam', and 'PermitRootLogin no'."
            yield Found(_at(connected.effective["AuthenticationMethods"]), message, hint)


@check("PAM305", "names-for-addresses", Severity.WARNING)
def names_for_addresses(one: Subject) -> Iterator[Found]:
    """With `UseDNS yes` modules are told a name where they compare addresses.

    pam_access then looks the name up again, and whoever owns it says what comes out. Stricter
    readers ask everybody for the code.

    Mend it with `UseDNS no`, which is what sshd does by itself.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/lan.conf
        + : ALL : 192.168.1.0/24
        - : ALL : ALL
        ## /etc/ssh/sshd_config
        UsePAM yes
        KbdInteractiveAuthentication yes
        PasswordAuthentication no
        UseDNS yes

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        auth [success=1 default=ignore] pam_access.so accessfile=/etc/security/lan.conf
        auth required pam_google_authenticator.so
        account required pam_unix.so
        ## /etc/security/lan.conf
        + : ALL : 192.168.1.0/24
        - : ALL : ALL
        ## /etc/ssh/sshd_config
        UsePAM yes
        KbdInteractiveAuthentication yes
        PasswordAuthentication no
    """
    for connected in one.connections[:1]:
        names = [word for word, _ in networks(one.service, one.world)]
        if names and connected.effective.yes("UseDNS"):
            message = f"modules are told the client's name, and compare it with {names[0]}"
            yield Found(_at(connected.effective["UseDNS"]), message, "Say 'UseDNS no'.")


@check("PAM306", "bad-sshd-config", Severity.ERROR)
def bad_sshd_config(one: Subject) -> Iterator[Found]:
    """With this configuration sshd does not start; one that runs goes on with the old one.

    It is a warning where a line has what only a newer sshd may know, or a file may not be read. A
    note says where sshd itself could not be asked, for lack of rights, of its keys, or of
    /run/sshd, which is there while it runs. What is found is then by our own reading of its files.

    Mend the line; `sshd -t` says what sshd makes of it.

    Bad:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_unix.so
        ## /etc/ssh/sshd_config
        UsePAM maybe

    Good:

        ## /etc/pam.d/sshd
        auth required pam_unix.so
        account required pam_unix.so
        ## /etc/ssh/sshd_config
        UsePAM yes
    """
    problem = one.sshd_problem
    if problem:
        place = Place(problem.path or sshd.PATH, problem.line, problem.column or 1)
        if isinstance(problem, UnreadableError):
            message = f"{problem.message}: what sshd's settings come to is not checked"
            yield Found(place, message, problem.hint or _HINT, Severity.WARNING)
        elif isinstance(problem, sshd.TooNewError):
            message = f"{problem.message}: what sshd's settings come to is not checked"
            yield Found(place, message, "A newer sshd may know it.", Severity.WARNING)
        else:
            yield Found(place, problem.message, problem.hint or _HINT)
    for warning in one.sshd.warnings if one.sshd else ():
        yield Found(Place(sshd.PATH), warning, _HINT, Severity.NOTE)


def _at(setting: Setting) -> Place:
    source = setting.source
    return Place(source.path, source.line) if source else Place(sshd.PATH)
