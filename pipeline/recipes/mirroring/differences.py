"""What differs: of two lock files, of a list and a lock file, of an image and what was locked.

old, new -> tuple[LockChange, ...];  what is, what was locked -> Result[…, LockDiffers]
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, final

from returns.result import Failure, Result, Success

from pipeline.errors import LockDiffers
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.locks import LockedImage
from pipeline.recipes.mirroring.signers import signer_names
from pipeline.results import Stored
from pipeline.stages.parse import shown_reference

Key: TypeAlias = tuple[str, str]
"""A reference and a platform: what was asked for."""

_NOBODY: Final = "nobody"


@final
@dataclass(frozen=True, slots=True, order=True)
class LockChange:
    """One difference of two lock files.

    ``old`` and ``new`` are digests, where ``what`` is ``signers`` the signers with a comma between
    them. ``old`` is empty for what was added, ``new`` for what was removed.
    """

    reference: str
    platform: str
    what: Literal["added", "digest", "removed", "signers"]
    old: str
    new: str


def diff_locks(old: Iterable[LockedImage], new: Iterable[LockedImage]) -> tuple[LockChange, ...]:
    """Return what makes the new lock file of the old, in order of references.

    Where one image took the place of another, that is a change of its digest. All platforms of a
    reference can hold several images of one platform: those come and go.
    """
    before, after = _by_key(old), _by_key(new)
    changes: set[LockChange] = set()
    for key in {*before, *after}:
        changes.update(_changes(key, before.get(key, {}), after.get(key, {})))
    return tuple(sorted(changes))


def check_list(
    entries: Iterable[MirrorEntry], locked: Iterable[LockedImage]
) -> Result[tuple[tuple[LockedImage, ...], ...], LockDiffers]:
    """Return the locked images of each entry, in order: one, or those of all platforms.

    Errors: LockDiffers for the first entry that is not locked as one image, or where all platforms
    are wanted as none; then for the first locked image that no entry asks for.
    """
    found: defaultdict[str, list[LockedImage]] = defaultdict(list)
    for image in locked:
        found[image.reference].append(image)
    asked: list[tuple[LockedImage, ...]] = []
    for entry in entries:
        shown = shown_reference(entry.reference)
        wanted = "" if entry.platform is None else str(entry.platform)
        is_all = entry.platform == "all"
        images = tuple(image for image in found[shown] if is_all or image.platform == wanted)
        if not images or (len(images) > 1 and not is_all):
            what = f"what the lock file has{_for(wanted)}"
            got = f"{len(images)} images" if images else "nothing"
            return Failure(LockDiffers(shown, what, got, "one image"))
        asked.append(images)
    for image in sorted(set().union(*found.values()).difference(*asked)):
        what = f"what the list has{_for(image.platform)}"
        return Failure(LockDiffers(shown_reference(image.reference), what, "nothing", "an entry"))
    return Success(tuple(asked))


def check_image(stored: Stored, locked: LockedImage) -> Result[Stored, LockDiffers]:
    """Return an image once it is the locked one, signed by those who had signed it, by no others.

    Errors: LockDiffers.
    """
    shown = shown_reference(locked.reference)
    if stored.image_id != locked.image_id:
        digests = str(stored.image_id), str(locked.image_id)
        return Failure(LockDiffers(shown, "the digest", *digests))
    names = signer_names(stored)
    if names != locked.signers:
        return Failure(LockDiffers(shown, "who signed it", _joined(names), _joined(locked.signers)))
    return Success(stored)


def check_images(
    stored: Stored, entry: MirrorEntry, locked: tuple[LockedImage, ...]
) -> Result[Stored, LockDiffers]:
    """Return an image of an entry once it is a locked one; without any, nothing is demanded.

    Errors: as :func:`check_image`.
    """
    if not locked:
        return Success(stored)
    if entry.platform != "all":
        return check_image(stored, locked[0])
    for each in locked:
        if each.image_id == stored.image_id:
            return check_image(stored, each)
    wanted = " or ".join(str(each.image_id) for each in locked)
    shown = shown_reference(entry.reference)
    return Failure(LockDiffers(shown, "a digest", str(stored.image_id), wanted))


def _by_key(images: Iterable[LockedImage]) -> dict[Key, dict[str, str]]:
    """Return the signers by digest by what was asked for."""
    keyed: defaultdict[Key, dict[str, str]] = defaultdict(dict)
    for image in images:
        keyed[image.reference, image.platform][str(image.image_id)] = ",".join(image.signers)
    return keyed


def _changes(key: Key, old: dict[str, str], new: dict[str, str]) -> Iterable[LockChange]:
    gone, come = sorted({*old} - {*new}), sorted({*new} - {*old})
    if len(old) == len(new) == len(gone) == 1:
        yield LockChange(*key, "digest", gone[0], come[0])
        if old[gone[0]] != new[come[0]]:
            yield LockChange(*key, "signers", old[gone[0]], new[come[0]])
        return
    for digest in gone:
        yield LockChange(*key, "removed", digest, "")
    for digest in come:
        yield LockChange(*key, "added", "", digest)
    for digest in {*old} & {*new}:
        if old[digest] != new[digest]:
            yield LockChange(*key, "signers", old[digest], new[digest])


def _for(platform: str) -> str:
    return f" for {platform}" if platform else ""


def _joined(names: tuple[str, ...]) -> str:
    return ", ".join(names) or _NOBODY
