"""`python -m tests.fuzz SECONDS`: runs each fuzzer in build/fuzz for so long, seeded by the tests.

What a fuzzer finds stays in build/fuzz/found-NAME-…; it becomes a test when it is mended. Corpora
grow in build/fuzz/corpus from one run to the next.
"""

import hashlib
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.conftest import CHECKOUT
from tests.unit.test_access import DECISIONS, MALFORMED

BUILD = CHECKOUT / "build" / "fuzz"
CASES = CHECKOUT / "tests" / "pam" / "cases" / "google-authenticator.json"

# What the recorded cases know nothing of.
DEVICES = (
    ('" ALGORITHM SHA512', '" DIGITS 8'),
    ('" DEVICE tablet SECRET GEZDGNBVGY3TQOJQ', '" DEVICE tablet DISALLOW_REUSE 10000'),
    ('" DEVICE token SECRET MZXW6YTBOI', '" DEVICE token HOTP_COUNTER 3'),
    (f'" RECOVERY {"A" * 26} {"B" * 52} {"C" * 52}',),
)


def credential_seeds() -> Iterator[bytes]:
    """Clock, reply and file of every recorded case, as fuzz_credential.c takes them."""
    for lines in DEVICES:
        text = "\n".join(["JBSWY3DPEHPK3PXP", '" TOTP_AUTH', *lines])
        yield struct.pack("<q", 300_000) + b"000000\0" + text.encode()
    for case in json.loads(CASES.read_text())["cases"]:
        for step in case["steps"]:
            replies = [one[1:] for one in step["script"] if one.startswith("=")]
            text = case["secret_file"] or ""
            yield b"".join(
                (struct.pack("<q", step["time"]), *(one.encode() for one in replies[:1]), b"\0")
            ) + text.encode("utf-8", "surrogateescape")


def options_seeds() -> Iterator[bytes]:
    """A login name, a home and the arguments of every recorded case."""
    for case in json.loads(CASES.read_text())["cases"]:
        yield "\0".join(["galuser", "/home/galuser", *case["args"], ""]).encode()


SEEDS = {
    "access": [text.encode() for text in (*(row[0] for row in DECISIONS), *MALFORMED)],
    "base32": [b"JBSW Y3DP-EHPK3PXP", b"mzxw6ytboi", b"0189"],
    "credential": list(credential_seeds()),
    "options": list(options_seeds()),
}


def fuzz(name: str, seconds: int) -> bool:
    """Runs one fuzzer; true where it found nothing."""
    corpus = BUILD / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in SEEDS[name]:
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    log = BUILD / f"{name}.log"
    command = [
        f"{BUILD}/tests/fuzz/fuzz_{name}",
        f"-max_total_time={seconds}",
        f"-artifact_prefix={BUILD}/found-{name}-",
        "-max_len=4096",
        "-timeout=10",
        str(corpus),
    ]
    with log.open("wb") as output:
        done = subprocess.run(command, stdout=output, stderr=output, check=False)
    lines = log.read_text(errors="replace").splitlines()
    runs = [line for line in lines if line.startswith("Done ")]
    print(f"fuzz {name}: {runs[-1] if runs and not done.returncode else f'FAILED, see {log}'}")
    return done.returncode == 0 and bool(runs)


def main(seconds: int) -> int:
    """Runs all of them, one a processor at a time; returns how many found something."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return sum(not good for good in pool.map(fuzz, SEEDS, [seconds] * len(SEEDS)))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
