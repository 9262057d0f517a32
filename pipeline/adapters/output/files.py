"""Files by descriptor. Calls raise ``OSError``."""

import os
from typing import Final

NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
"""How every file is made: a new one, never through a link."""

PRIVATE_FILE: Final = 0o600
"""What a file is until it is complete."""


def write_all(descriptor: int, data: memoryview) -> None:
    """Write all of it; the kernel may take it in parts."""
    while data:
        data = data[os.write(descriptor, data) :]
