"""What can keep a signature from proving anything. Exit code 6."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal, TypeAlias, final

from pipeline.exit_codes import ExitCode
from pipeline.names import ImageName
from pipeline.text import printable, quoted
from pipeline.trust import Fingerprint

ANY_NAME: Final = "any name"
"""The scope where no name was asked for; no image name has a space in it."""


@final
@dataclass(frozen=True, slots=True)
class NotASignature:
    """The signature file is not one: junk, empty, a key, a cleartext message, too large."""

    reason: str

    kind: ClassVar[str] = "not-a-signature"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"not a detached OpenPGP signature: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "name the file that the image's maker published beside it, usually NAME.aci.asc"


@final
@dataclass(frozen=True, slots=True)
class NotASignedMessage:
    """What should be a signed message is none: junk, signed by nobody, more than one text."""

    reason: str

    kind: ClassVar[str] = "not-a-signed-message"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"not an OpenPGP signed message: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "ask the image's maker to sign it again, with skopeo or gpg --sign"


@final
@dataclass(frozen=True, slots=True)
class UnknownSigner:
    """No key that is trusted for the name is among those that claim to have signed.

    ``issuers`` are key IDs or fingerprints as the signature gives them, unproven; ``scope`` says
    for which name (or any) keys were looked up, ``keys`` how many there were. ``policy`` is the
    path of a policy whose own keys they were; it is empty for those of the keystore.
    """

    issuers: tuple[str, ...]
    scope: str
    keys: int
    policy: str = ""

    kind: ClassVar[str] = "unknown-signer"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        trusted = (
            f"that {quoted(self.policy)} names"
            if self.policy
            else f"trusted for {printable(self.scope)}"
        )
        if not self.issuers and not self.keys:
            return f"there is no key {trusted}, so no signature can prove anything"
        claimed = ", ".join(self.issuers) if self.issuers else "nobody by name"
        wanted = {
            0: f"a key {trusted}, and there is none",
            1: f"the one key {trusted}",
        }.get(self.keys, f"one of the {self.keys} keys {trusted}")
        return f"the signature claims to be by {printable(claimed)}, wanted {wanted}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        if self.policy:
            return "if you know and trust that key, name its file in that policy, in keyPaths"
        prefix = "NAME" if self.scope == ANY_NAME else printable(self.scope)
        return f"if you know and trust that key: image-pipeline trust add --prefix {prefix} KEYFILE"


@final
@dataclass(frozen=True, slots=True)
class BadSignature:
    """The mathematics say no: other bytes were signed, or by another key."""

    signing_key: Fingerprint
    reason: str = "the signature does not match the file"

    kind: ClassVar[str] = "bad-signature"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"bad signature by {self.signing_key}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return (
            "the image or its signature was changed or damaged after signing; "
            "do not use it, and tell its maker"
        )


@final
@dataclass(frozen=True, slots=True)
class WeakSignature:
    """A hash, a key or a kind of signature that no longer proves anything."""

    signing_key: Fingerprint | None
    got: str
    wanted: str

    kind: ClassVar[str] = "weak-signature"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        who = "" if self.signing_key is None else f" by {self.signing_key}"
        return f"signature{who} uses {printable(self.got)}, wanted {printable(self.wanted)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "ask the image's maker for a signature made with a current key and hash"


@final
@dataclass(frozen=True, slots=True)
class UnusableKey:
    """The key that signed may not: revoked, expired, not for signing, not bound."""

    signing_key: Fingerprint
    problem: Literal[
        "revoked",
        "expired",
        "not-yet-valid",
        "not-for-signing",
        "not-bound",
        "no-valid-user-id",
        "unsupported",
    ]
    detail: str

    kind: ClassVar[str] = "unusable-key"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return (
            f"key {self.signing_key} is {self.problem.replace('-', ' ')}: {printable(self.detail)}"
        )

    @property
    def hint(self) -> str:
        """What to do about it."""
        if self.problem in {"expired", "not-bound"}:
            return (
                "the key may have been renewed: add its current form with image-pipeline trust add"
            )
        return "ask the image's maker which key signs now"


@final
@dataclass(frozen=True, slots=True)
class SignatureTime:
    """The signature has expired, or says that it is from the future, or from before its key."""

    signing_key: Fingerprint
    signed_at: datetime | None
    reason: str

    kind: ClassVar[str] = "signature-time"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        when = (
            "at an unknown time"
            if self.signed_at is None
            else f"{self.signed_at:%Y-%m-%dT%H:%M:%SZ}"
        )
        return f"signature by {self.signing_key} made {when}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "check this machine's clock; otherwise ask the image's maker for a new signature"


@final
@dataclass(frozen=True, slots=True)
class UnsupportedSignature:
    """A signature that claims what nobody here understands, in a part that may not be ignored."""

    reason: str

    kind: ClassVar[str] = "unsupported-signature"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"cannot judge the signature: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "ask the image's maker for a plain version 4 signature of the file"


@final
@dataclass(frozen=True, slots=True)
class SignerNotTrustedForName:
    """The signature is good, and its signer is not trusted for what the image calls itself."""

    signers: tuple[Fingerprint, ...]
    name: ImageName

    kind: ClassVar[str] = "signer-not-trusted-for-name"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        who = ", ".join(str(signer) for signer in self.signers)
        return (
            f"signed by {who}, wanted a key trusted for the image's own name, {quoted(self.name)}"
        )

    @property
    def hint(self) -> str:
        """What to do about it."""
        return (
            "if that key may speak for it: "
            f"image-pipeline trust add --prefix {printable(self.name)} KEYFILE"
        )


@final
@dataclass(frozen=True, slots=True)
class TooFewSigners:
    """Good signatures, but by fewer distinct primary keys than are demanded.

    ``signers`` are fingerprints; of public keys without one, what tells them apart.
    """

    signers: tuple[Fingerprint | str, ...]
    wanted: int

    kind: ClassVar[str] = "too-few-signers"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        who = ", ".join(printable(str(signer)) for signer in self.signers) or "nobody"
        return f"signed by {len(self.signers)} ({who}), wanted {self.wanted} distinct signers"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "see whether a key of another signer is still to be trusted, or lower --signers"


@final
@dataclass(frozen=True, slots=True)
class SignerMissing:
    """Good signatures, and none by a key that is demanded by name.

    ``signers`` and ``wanted`` are fingerprints; of public keys without one, what tells them apart.
    """

    signers: tuple[str, ...]
    wanted: str

    kind: ClassVar[str] = "signer-missing"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        who = ", ".join(map(printable, self.signers))
        return f"signed by {who}, wanted a signature by {printable(self.wanted)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "ask the image's maker which key signs now, before the demand is changed"


@final
@dataclass(frozen=True, slots=True)
class Unproven:
    """Verification was demanded of something that carries no signature."""

    what: str

    kind: ClassVar[str] = "unproven"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"{printable(self.what)} carries no signature, wanted one by a trusted key"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "fetch it again with its signature, or allow it with --insecure-options=image"


@final
@dataclass(frozen=True, slots=True)
class InvalidPayload:
    """What was signed, truly, is no statement about an image."""

    reason: str

    kind: ClassVar[str] = "invalid-payload"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the signature is of no image: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "ask the image's maker to sign it with skopeo or cosign"


@final
@dataclass(frozen=True, slots=True)
class IdentityMismatch:
    """A good signature of another image: of another digest, or under another name."""

    signed: str
    wanted: str

    kind: ClassVar[str] = "identity-mismatch"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return f"the signature is for {quoted(self.signed)}, wanted one for {quoted(self.wanted)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return (
            "the registry handed out another image than was signed under this name; "
            "where a policy knows the image by another name, signedIdentity says so"
        )


@final
@dataclass(frozen=True, slots=True)
class BadSigstoreSignature:
    """No public key of the policy made this signature."""

    path: str
    reason: str

    kind: ClassVar[str] = "bad-sigstore-signature"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        key = quoted(self.path) if self.path else "the policy's own key"
        return f"a sigstore signature is not by {key}: {printable(self.reason)}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        return "check which key the image's maker signs with; do not use the image until then"


@final
@dataclass(frozen=True, slots=True)
class PolicyRejects:
    """A policy lets nothing pass for this name, whoever signed it."""

    reference: str
    policy: str
    scope: str

    kind: ClassVar[str] = "policy-rejects"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        return (
            f"{quoted(self.policy)} rejects {quoted(self.reference)} "
            f"by its rule for {printable(self.scope)}"
        )

    @property
    def hint(self) -> str:
        """What to do about it."""
        return f"image-pipeline explain {printable(self.reference)} says which rule decides"


@final
@dataclass(frozen=True, slots=True)
class RequirementUnmet:
    """No signature of a registry image is what a rule demands; each cause, in order."""

    reference: str
    policy: str
    scope: str
    requirement: str
    causes: tuple["VerificationError", ...]

    kind: ClassVar[str] = "requirement-unmet"
    exit_code: ClassVar[ExitCode] = ExitCode.VERIFICATION

    @property
    def message(self) -> str:
        """What was got and what was wanted."""
        rule = f"{printable(self.requirement)} of {quoted(self.policy)}"
        scope = f" for {printable(self.scope)}" if self.scope else ""
        if not self.causes:
            return f"{quoted(self.reference)} carries no signature, wanted {rule}{scope}"
        listed = "".join(f"\n  {n}. {cause.message}" for n, cause in enumerate(self.causes, 1))
        return f"no signature of {quoted(self.reference)} meets {rule}{scope}:{listed}"

    @property
    def hint(self) -> str:
        """What to do about it."""
        if not self.causes:
            return (
                "an image that nobody signed is fetched with --insecure-options=image, "
                "and proves nothing"
            )
        return self.causes[-1].hint


VerificationError: TypeAlias = (
    NotASignature
    | NotASignedMessage
    | UnknownSigner
    | BadSignature
    | WeakSignature
    | UnusableKey
    | SignatureTime
    | UnsupportedSignature
    | SignerNotTrustedForName
    | TooFewSigners
    | SignerMissing
    | Unproven
    | InvalidPayload
    | IdentityMismatch
    | BadSigstoreSignature
    | PolicyRejects
    | RequirementUnmet
)
