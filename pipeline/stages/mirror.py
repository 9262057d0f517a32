"""Mirrors for what is located: the places of a table before those that discovery or a user named.

    mirror_candidates: Located -> Located; it never fails

It stands between ``discover`` and ``download``. Only where bytes come from changes: the reference
and what the image is expected to be stay, so its name, labels and signers are judged as if it came
from its origin. A mirror that is down or has no such image is passed over as any candidate is;
one whose signature is bad ends the search as any candidate does.

Names that are looked for elsewhere before their own page is asked are not the business of this
stage, which comes after that page: :class:`~pipeline.adapters.appc.MirrorDiscovery` is.
"""

from dataclasses import replace
from functools import partial
from typing import Never

from returns.result import Result, Success

from pipeline.limits import CANDIDATES
from pipeline.mirrors import Mirrors
from pipeline.reference import signature_location
from pipeline.results import Candidate, Located
from pipeline.stage import Stage


def mirror_candidates(
    mirrors: Mirrors, *, signature: str | None = None
) -> Stage[Located, Located, Never]:
    """Make the stage that puts mirrors first.

    ``signature`` is the URL of a signature that the user named: it stays where it is. No more
    than ``limits.CANDIDATES`` places come out, one of the origin's among them.
    """
    return Stage("mirror", partial(_run, mirrors, signature))


def _run(mirrors: Mirrors, signature: str | None, located: Located) -> Result[Located, Never]:
    mirrored = [
        mirror
        for candidate in located.candidates
        if isinstance(candidate, Candidate)
        for mirror in _mirrored(mirrors, signature, candidate)
    ]
    if not mirrored:
        return Success(located)
    places = dict.fromkeys((*mirrored[: CANDIDATES - 1], *located.candidates))
    return Success(replace(located, candidates=tuple(places)[:CANDIDATES]))


def _mirrored(
    mirrors: Mirrors, signature: str | None, candidate: Candidate
) -> tuple[Candidate, ...]:
    """Return the candidate as each of its mirrors has it; the user named it then, not a server."""
    entry = mirrors.for_url(candidate.image)
    if entry is None:
        return ()
    images = entry.places_of(candidate.image)
    if candidate.signature == signature:
        return tuple(Candidate(image, signature) for image in images)
    if signatures := entry.places_of(candidate.signature):
        return tuple(Candidate(*pair) for pair in zip(images, signatures, strict=True))
    if candidate.signature == signature_location(candidate.image):
        # Beside an image that is a prefix by itself, as one file may be.
        return tuple(Candidate(image, signature_location(image)) for image in images)
    # What a server named stays what a server named.
    return tuple(replace(candidate, image=image) for image in images)
