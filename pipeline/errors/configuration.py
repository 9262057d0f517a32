"""What can be wrong with settings, key files and the keystore. Exit code 9."""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias, final

from pipeline.exit_codes import ExitCode
from pipeline.text import printable, quoted


@final
@dataclass(frozen=True, slots=True)
class KeystoreUnavailable:
    """The keystore cannot be read or written."""

    path: str
    doing: str
    reason: str

    kind: ClassVar[str] = "keystore-unavailable"
    exit_code: ClassVar[ExitCode] = ExitCode.CONFIGURATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"cannot {printable(self.doing)} {quoted(self.path)}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "check the folder and its permissions, or name another with --config"


@final
@dataclass(frozen=True, slots=True)
class InvalidKey:
    """A key file holds no public key that can be used."""

    source: str
    reason: str

    kind: ClassVar[str] = "invalid-key"
    exit_code: ClassVar[ExitCode] = ExitCode.CONFIGURATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"{printable(self.source)} holds no usable public key: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "wanted an OpenPGP public key, as gpg --export --armor writes it"


@final
@dataclass(frozen=True, slots=True)
class KeyNotReviewed:
    """Keys may not be trusted unseen: nobody is there to look at them, or somebody said no."""

    reason: str
    is_refused: bool = False

    kind: ClassVar[str] = "key-not-reviewed"
    exit_code: ClassVar[ExitCode] = ExitCode.CONFIGURATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"no key was trusted: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        if self.is_refused:
            return "nothing was changed; ask the keys' owner which fingerprint is theirs"
        return (
            "compare the fingerprints and run again on a terminal, "
            "or with --skip-fingerprint-review"
        )


@final
@dataclass(frozen=True, slots=True)
class KeyNotFound:
    """The keystore has no such key."""

    sought: str

    kind: ClassVar[str] = "key-not-found"
    exit_code: ClassVar[ExitCode] = ExitCode.CONFIGURATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"no trusted key {quoted(self.sought)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "image-pipeline trust list shows what there is"


@final
@dataclass(frozen=True, slots=True)
class InvalidPrefix:
    """A prefix that is not an image name."""

    untrusted_prefix: str
    wanted: str

    kind: ClassVar[str] = "invalid-prefix"
    exit_code: ClassVar[ExitCode] = ExitCode.CONFIGURATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        prefix = quoted(self.untrusted_prefix)
        return f"{prefix} is not a prefix of image names: {printable(self.wanted)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "a prefix is written as a name is: example.com or example.com/app"


@final
@dataclass(frozen=True, slots=True)
class InvalidSetting:
    """A setting that cannot be used: a file that is not there, a value out of range."""

    setting: str
    got: str
    wanted: str

    kind: ClassVar[str] = "invalid-setting"
    exit_code: ClassVar[ExitCode] = ExitCode.CONFIGURATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"{printable(self.setting)} is {quoted(self.got)}, wanted {printable(self.wanted)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "--help after the command shows its options and settings, with their values"


@final
@dataclass(frozen=True, slots=True)
class RegistryBlocked:
    """A file of the user's forbids a registry."""

    reference: str
    path: str

    kind: ClassVar[str] = "registry-blocked"
    exit_code: ClassVar[ExitCode] = ExitCode.CONFIGURATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"{quoted(self.path)} blocks {quoted(self.reference)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "an entry with blocked = true covers it; fetch it from elsewhere, or change that"


ConfigurationError: TypeAlias = (
    KeystoreUnavailable
    | InvalidKey
    | KeyNotReviewed
    | KeyNotFound
    | InvalidPrefix
    | InvalidSetting
    | RegistryBlocked
)
