"""Moving a secret file, byte for byte, so that at no moment there is none."""

import contextlib
import os
import socket
from collections.abc import Iterator

from doorward import files
from doorward.enrolment.store import Store
from doorward.errors import AlreadyEnrolledError, FileError, NotEnrolledError
from doorward.native import credential_parse


def secret_move(source: Store, target: Store) -> bool:
    """Move the file; False where that was done already.

    The new one is whole and on disk, and a login would take it, before the old one goes; no login
    changes the old one meanwhile, for it is locked. Whatever ends this early leaves the old one or
    both, and doing it again finishes it.

    Raises NotEnrolledError where there is neither, CredentialError where a login would refuse the
    file anyway, and AlreadyEnrolledError where another one is in the way.
    """
    try:
        with _held(source) as (text, file):
            credential_parse(text)
            target.file.handle(lambda at: _put(at, text), make_folders=True)
            for problem in target.inspect().problems:
                raise FileError(problem, hint="The old file is still there, too.")
            source.file.handle(lambda at: files.remove(at, locked=file))
    except files.ExistsError as error:
        raise AlreadyEnrolledError(
            f"{target.file.account.name} has another secret there already: {target.file.path}",
            hint="Neither was touched. See which one their phone has, and remove the other with "
            "'doorward unenroll'.",
        ) from error
    except NotEnrolledError:
        if target.exists():
            return False
        raise
    return True


@contextlib.contextmanager
def _held(store: Store) -> Iterator[tuple[bytes, int]]:
    """Give the content of the file, and the file, locked until the end.

    A child that may open it does so, and hands it over: the lock comes with it.
    """
    here, there = socket.socketpair()
    with here, there:

        def work(at: files.Place) -> bytes:
            with files.locked(at) as file:
                socket.send_fds(there, [b"locked"], [file])
                return files.read(at, file)

        with store.enrolled():
            text = store.file.handle(work)
        _, (file,), _, _ = socket.recv_fds(here, len(b"locked"), 1, socket.MSG_CMSG_CLOEXEC)
    try:
        yield text, file
    finally:
        os.close(file)


def _put(at: files.Place, text: bytes) -> None:
    try:
        files.create(at, text)
    except files.ExistsError:
        with files.opened(at) as file:
            if files.read(at, file) != text:
                raise
            files.sync(at, file)
