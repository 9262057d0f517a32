"""``make fuzz``: coverage-guided junk for everything that reads OpenPGP bytes.

    make fuzz SECONDS=3600

An input is a key file, a separator, and a signature file. Both go through armor, packet framing,
key reading and the verdict, over a file that nobody signed. What follows the separator is read as
a signed message, too, and judged over what it holds. Nothing may raise, hang, or be accepted. The
corpus starts from the recorded cases, from made messages around a text that nobody signed, and
from what was found before, which is kept in ``tests/data/fuzz/`` and run by the tests, too.
"""

import gzip
import json
import sys
import tempfile
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import atheris  # type: ignore[import-untyped]  # installed by `make fuzz` alone
from returns.pipeline import is_successful

with atheris.instrument_imports(include=["pipeline", "pgpy"]):
    from pipeline.adapters.openpgp.armor import dearmor
    from pipeline.adapters.openpgp.message import read_message
    from tests.adapters.openpgp.cases import Stage
    from tests.adapters.openpgp.forge import packet
    from tests.adapters.openpgp.messages import PAYLOAD, keyring, make_messages, plain, squeezed
    from tests.fuzz.target import SEPARATOR, judge_junk

DATA: Final = Path(__file__).parents[1] / "data"
UNSIGNED_PAYLOAD: Final = PAYLOAD.upper()
"""As long as the signed one, so that all lengths stay right."""

CASE_BYTES: Final = 20_000
"""Larger recorded cases teach the fuzzer nothing that smaller ones do not."""


def write_corpus(folder: Path) -> None:
    """Write the recorded cases, as they are and without armor, whose checksum mutants break."""
    with gzip.open(DATA / "openpgp-detached.json.gz") as file:
        cases = json.load(file)["cases"]
    for case in cases:
        key = b64decode(case.get("key_asc_base64", ""))
        signature = b64decode(case.get("sig_base64", ""))
        # A whole message is good, for what it holds.
        is_message = is_successful(read_message(signature))
        if len(key) + len(signature) <= CASE_BYTES and not is_message:
            (folder / case["name"]).write_bytes(key + SEPARATOR + signature)
            binary = [b"".join(dearmor(each).value_or(())) for each in (key, signature)]
            (folder / f"{case['name']}.binary").write_bytes(SEPARATOR.join(binary))


def write_messages(folder: Path, now: int) -> None:
    """Write messages that are right but for their text, so that none but a bug is accepted."""
    keys = keyring(Stage(now)) + SEPARATOR
    for made in make_messages(now):
        content = made.content.replace(PAYLOAD, UNSIGNED_PAYLOAD)
        if content != made.content:
            (folder / f"message {made.name}").write_bytes(keys + content)
    for algorithm in range(1, 4):
        unsigned = plain(Stage(now)).replace(PAYLOAD, UNSIGNED_PAYLOAD)
        content = packet(8, squeezed(unsigned, algorithm))
        (folder / f"message compressed {algorithm}").write_bytes(keys + content)


def main() -> None:
    """Fuzz for the seconds of the first argument; further ones go to libFuzzer."""
    seconds, options = sys.argv[1], sys.argv[2:]
    found = DATA / "fuzz"
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="image-pipeline-fuzz-") as folder:
        write_corpus(Path(folder))
        write_messages(Path(folder), int(now.timestamp()))
        for path in Path(folder).iterdir():
            # The parts are imported when they are first used; used before, all are instrumented.
            with atheris.instrument_imports(include=["pipeline", "pgpy"]):
                judge_junk(path.read_bytes(), now)
        limits = [f"-max_total_time={seconds}", "-timeout=10", "-max_len=40000"]
        arguments = [sys.argv[0], *limits, f"-artifact_prefix={found}/", *options]
        atheris.Setup([*arguments, folder, str(found)], lambda data: judge_junk(data, now))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
