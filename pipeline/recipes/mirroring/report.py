"""What came of a list's images: a line an image, and the sum of all. Values alone.

A line is the same whichever run wrote it, but for what that run did: its outcome, what travelled
and how long it took. No secret stands in one: references are as :func:`~pipeline.text.redact_url`
shows them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.digest import Digest
from pipeline.errors import ExitCode, NotTried, PipelineError
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.locks import LockedImage, lock_image
from pipeline.results import NoProof, Stored

Outcome = Literal["new", "already-stored", "unchanged"]


@final
@dataclass(frozen=True, slots=True)
class MirroredImage:
    """An image that the target has, whole and proven.

    ``locked`` is what a lock file says of it. ``platform`` is what it says it is for; empty where
    it says nothing. ``unverified`` is why it has no signers, empty where it is proven. ``size`` is
    in bytes, of all that it is made of.
    """

    locked: LockedImage
    name: str
    platform: str
    size: int
    outcome: Outcome
    unverified: str = ""

    @property
    def image_id(self) -> Digest:
        """The image's ID."""
        return self.locked.image_id

    @property
    def signers(self) -> tuple[str, ...]:
        """Fingerprints of the keys that are proven to have signed, sorted."""
        return self.locked.signers


def mirrored_image(entry: MirrorEntry, stored: Stored) -> MirroredImage:
    """Return what a report says of an image that is stored for an entry."""
    proof = stored.provenance
    words = (stored.labels.get("os"), stored.labels.get("arch"))
    return MirroredImage(
        lock_image(entry, stored),
        stored.name,
        "/".join(word for word in words if word),
        stored.archive_bytes,
        stored.outcome,
        proof.reason if isinstance(proof, NoProof) else "",
    )


@final
@dataclass(frozen=True, slots=True)
class MirrorLine:
    """What came of one image of a list.

    ``entry`` is the place in the list, from 0; an entry that asks for every platform may give
    several lines. So many ``requests`` were sent for it, ``received`` bytes of bodies came, within
    ``seconds``.
    """

    entry: int
    reference: str
    outcome: Result[MirroredImage, PipelineError]
    requests: int = 0
    received: int = 0
    seconds: float = 0.0


@final
@dataclass(frozen=True, slots=True)
class MirrorReport:
    """All lines, in the list's order, and how long the whole run took."""

    lines: tuple[MirrorLine, ...]
    seconds: float

    @property
    def failures(self) -> int:
        """How many images are not there as they were asked for."""
        return sum(not is_successful(line.outcome) for line in self.lines)

    @property
    def size(self) -> int:
        """Bytes of all images that are there, each counted whole."""
        return sum(line.outcome.unwrap().size for line in self.lines if is_successful(line.outcome))

    @property
    def received(self) -> int:
        """Bytes of bodies that came."""
        return sum(line.received for line in self.lines)

    @property
    def requests(self) -> int:
        """Requests that were sent."""
        return sum(line.requests for line in self.lines)

    @property
    def locked(self) -> tuple[LockedImage, ...]:
        """What a lock file says of the images that are there."""
        images = (line.outcome for line in self.lines)
        return tuple(each.unwrap().locked for each in images if is_successful(each))

    @property
    def exit_code(self) -> ExitCode:
        """The code of the first failure in the list's order."""
        return first_exit_code(self.lines)


def first_exit_code(lines: Sequence[MirrorLine]) -> ExitCode:
    """Return the exit code of the first line that failed; that of success where none did.

    What was not tried is no failure of its own: another one was why.
    """
    failures = [line.outcome.failure() for line in lines if not is_successful(line.outcome)]
    own = (error for error in failures if not isinstance(error, NotTried))
    return next((error.exit_code for error in (*own, *failures)), ExitCode.DONE)
