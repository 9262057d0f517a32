"""Which format a bucket's store has, and whether the service keeps what commits rely on.

Two writers of one image must not both believe to be the first. S3 has writes on a condition for
that (``If-None-Match``, ``If-Match``); some services take them and ignore the condition. So before
the first change in a process, two writes are tried whose conditions cannot hold: over a file that
is there whatever comes of it, and with the very bytes that it has.
"""

import json
from dataclasses import dataclass
from typing import Final, final

from pipeline.adapters.bucket import keys
from pipeline.adapters.bucket.failures import Refused, refusing
from pipeline.adapters.bucket.objects import ABSENT, Objects
from pipeline.errors import StoreTooNew, StoreUnavailable
from pipeline.limits import BUCKET_FORMAT_BYTES
from pipeline.written.values import number

FORMAT: Final = 1
_CONTENT: Final = b'{"format":1}'
_NO_VERSION: Final = '"00000000000000000000000000000000"'


def check_format(objects: Objects) -> bool:
    """Tell whether there is a store. Refuses one that a later program has made."""
    found = objects.get(keys.FORMAT, BUCKET_FORMAT_BYTES)
    if found is None:
        return False
    with refusing(f"{objects.name}/{keys.FORMAT}"):
        got = number(json.loads(found.content)["format"])
    if got > FORMAT:
        raise Refused(StoreTooNew(objects.name, got, FORMAT))
    return True


@final
@dataclass(slots=True)
class Founded:
    """Whether this process has seen that commits may rely on the service."""

    done: bool = False


def require_conditions(objects: Objects, founded: Founded) -> None:
    """Make the store where there is none. Refuses a service that ignores conditions."""
    if founded.done:
        return
    if not check_format(objects):
        objects.put(keys.FORMAT, _CONTENT, ABSENT)
    for condition, header in ((ABSENT, "If-None-Match"), (_NO_VERSION, "If-Match")):
        if objects.put(keys.FORMAT, _CONTENT, condition):
            reason = f"the service ignores {header}, without which two writers undo each other"
            raise Refused(StoreUnavailable(objects.name, "write", reason))
    founded.done = True
