"""`doorward pam confirm`: have a change of logins last, once a login has proven it."""

import click

from doorward import proof
from doorward.commands import options
from doorward.errors import DoorwardError, UnprovenError
from doorward.protection.applying import make_ready
from doorward.protection.standing import end_of_trial
from doorward.terminal import say, say_json
from pamconf.known_services import needs
from pamconf.transaction import State, Transaction

_BY_CODE = frozenset({"code", "recovery-code"})  # of the reasons in the module's log

_BECAME = {
    State.CONFIRMED: "is confirmed",
    State.ROLLED_BACK: "was taken back",
    State.UNDONE: "was undone",
}


@click.command(
    epilog="""\b
Examples:
  sudo doorward pam confirm
"""
)
@options.json_option
def command(*, as_json: bool) -> None:
    """Have the change that is on trial last.

    That takes a proof: since the change, somebody has logged in by each of its services, and the
    module let them pass there. A login by a key, and one from before, prove nothing. Ends with 14
    where there is no proof yet; all goes on as it was, until its time is over.

    A screen locker that runs as who uses it leaves no proof: there your own look at it counts.
    """
    transactions = make_ready()
    pending = transactions.pending()
    if pending is None or pending.state() is not State.APPLIED:
        last = next(iter(transactions.history()), None)
        raise DoorwardError("no change waits to be confirmed", hint=_hint(last))
    found = {
        name: proof.proven(name, needs_cred=needs(name).sets_credentials)
        for name in pending.record.note["prove"]
    }
    missing = [name for name, one in found.items() if one is None]
    if missing:
        raise UnprovenError(
            f"nobody has logged in by {' and '.join(missing)} since the change",
            hint="Log in anew there, with a code, and repeat this. If that does not work, do "
            f"nothing: at {end_of_trial(pending)} all is as before again.",
        )
    pending.confirm()
    proof.forget()
    if as_json:
        proofs = {name: vars(one) for name, one in found.items() if one}
        say_json({"transaction": pending.id, "state": pending.state(), "proofs": proofs})
        return
    for name, one in found.items():
        if one:
            say(f"{name}: {_told(one)}")
    say(f"Transaction {pending.id} is confirmed: it stays.")
    if not any(one and one.reason in _BY_CODE for one in found.values()):
        say("See that somebody who is enrolled gets in, too: no code was typed for that.")


def _told(one: proof.Proof) -> str:
    origin = f" from {one.rhost}" if one.rhost else ""
    how = "" if one.reason in _BY_CODE else " without a code"
    return f"{one.user} got in{origin}{how} ({one.reason})."


def _hint(last: Transaction | None) -> str:
    if last is None:
        return "'doorward pam enable' makes one."
    state = last.state()
    return f"The last one, '{last.record.command}', {_BECAME.get(state, f'is {state}')}."
