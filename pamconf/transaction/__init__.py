"""The only way by which files that logins go by are changed: so that they come back by themselves.

    store = Store(Path("/var/lib/example/transactions"))
    store.recover()
    transaction = store.prepare({"/etc/pam.d/sshd": new}, command="enable sshd", confirm_within=300)
    watchdog.arm(transaction, 300, "example")
    transaction.apply()
    ...
    store.pending().confirm()      # from a new login; or: roll_back(); or nothing, and wait

A transaction is a folder that is on disk, whole, before any file is touched:

    20261126-041503/
      record.json   who, when, why; of each file its hash, rights and labels before and after
      before/1 …    what was in the files; after/1 … what they get
      state         what became of it (State): one word, and the only thing that ever changes
      next/         the states that may come, ready to be renamed: that takes no space on the disk.
                    Gone when all is settled
      restore       the way back: a shell script, whatever state it finds, run by whomever
      theirs/       what somebody else had made of a file that was put back
      disarm        ends the watchdogs, if there are any

The files are replaced one by one, each in one step: `.NAME.ID.new` is renamed over it, when all of
them are on disk. `.NAME.ID.old`, another name of the old file, waits beside it until that is
decided, so that putting it back takes no space either and loses no label. A lock decides between
who confirms at the last moment and the script at the deadline.

There is one way back, the script: `roll_back`, both watchdogs, `recover` and a person at a rescue
shell run the same. Each of its steps may be the last before a power cut; the next run goes on.
"""

from pamconf.transaction.errors import (
    ChangedError,
    Conflict,
    ConflictError,
    LockedError,
    PendingError,
    RecordError,
    StateError,
    TransactionError,
    UntrustedError,
)
from pamconf.transaction.record import Actor, FileChange, Kept, Record
from pamconf.transaction.snapshot import Attributes
from pamconf.transaction.store import Store
from pamconf.transaction.transaction import PENDING, State, Transaction

__all__ = [
    "PENDING",
    "Actor",
    "Attributes",
    "ChangedError",
    "Conflict",
    "ConflictError",
    "FileChange",
    "Kept",
    "LockedError",
    "PendingError",
    "Record",
    "RecordError",
    "State",
    "StateError",
    "Store",
    "Transaction",
    "TransactionError",
    "UntrustedError",
]
