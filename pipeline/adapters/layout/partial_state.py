"""What is known of a body on its way: ``state.json`` beside it, and what that is worth.

    Path -> State | None

A state that cannot be read is none, and what lies beside it is then nothing.
"""

import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, final

from pipeline.limits import PARTIAL_STATE_BYTES
from pipeline.results import Validators

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@final
@dataclass(frozen=True, slots=True)
class State:
    """What ``state.json`` says.

    ``durable`` bytes outlast a power cut. ``boot`` names the machine's run in which the others were
    written; it is empty where nobody can tell.
    """

    etag: str | None
    last_modified: str | None
    total: int | None
    durable: int
    boot: str

    @property
    def validators(self) -> Validators:
        """By which the rest can be asked for."""
        return Validators(self.etag, self.last_modified)

    @property
    def encoded(self) -> bytes:
        """As it is written down."""
        return json.dumps(asdict(self)).encode()


def boot_id() -> str:
    """Return what names this run of the machine; empty where the system does not say."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def sure_bytes(size: int, state: State | None) -> int:
    """Return how many of the file's bytes are what was received, whatever happened since."""
    if state is None:
        return 0
    # What was written in another run of the machine is only sure where it was made durable.
    same_run = state.boot == boot_id() != ""
    return size if same_run else min(size, state.durable)


def read_state(path: Path) -> State | None:
    """Return what the state says; None for none, and for one that this program did not write."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with path.open("rb") as file:
            content = file.read(PARTIAL_STATE_BYTES)
        fields: dict[str, object] = json.loads(content)
        etag, last_modified = _text(fields["etag"]), _text(fields["last_modified"])
        total = None if fields["total"] is None else _count(fields["total"])
        return State(etag, last_modified, total, _count(fields["durable"]), str(fields["boot"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError(value)


def _count(value: object) -> int:
    if isinstance(value, int) and value >= 0:
        return value
    raise ValueError(value)
