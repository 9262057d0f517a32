"""The exit codes of the command line, one for each family of errors."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command's exit status says; the README's table is made from this class."""

    DONE = 0
    USAGE = 2
    REFERENCE = 3
    DISCOVERY = 4
    DOWNLOAD = 5
    VERIFICATION = 6
    IMAGE = 7
    STORE = 8
    CONFIGURATION = 9
    OUTPUT = 10
    MIRROR = 11

    @property
    def meaning(self) -> str:
        """One line for the table."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.USAGE: "usage: an unknown option, a missing argument",
    ExitCode.REFERENCE: "reference: what was named is not a path, URL, name, or image ID",
    ExitCode.DISCOVERY: "discovery: no page says where the image is",
    ExitCode.DOWNLOAD: "download: the image or its signature could not be read whole",
    ExitCode.VERIFICATION: "verification: nobody who is trusted signed exactly this",
    ExitCode.IMAGE: "image: the archive or its manifest is not what it must be",
    ExitCode.STORE: "store: it cannot be read or written, or has no such image",
    ExitCode.CONFIGURATION: "configuration: a setting, a key file or the keystore is unusable",
    ExitCode.OUTPUT: "output: a file or folder cannot be written where it was asked for",
    ExitCode.MIRROR: "mirror: a list or lock file is unusable, or something is not as locked",
}
