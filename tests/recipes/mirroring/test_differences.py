"""What differs is told; a lock file lets nothing by that it does not have."""

from dataclasses import replace

import pytest

from pipeline.digest import Digest
from pipeline.oci import OciPlatform
from pipeline.recipes.mirroring.differences import (
    LockChange,
    check_image,
    check_list,
    diff_locks,
)
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.locks import LockedImage, lock_image
from pipeline.results import NoProof
from tests.recipes.mirroring.images import ALICE, BOB, IMAGE_ID, signed_image

ALICES, BOBS = ALICE.primary.hex, BOB.primary.hex
OTHER_ID = Digest("sha256", "2" * 64)
ONE, OTHER = str(IMAGE_ID), str(OTHER_ID)
PLAIN = LockedImage("a", "", IMAGE_ID, (ALICES,))
ARM = LockedImage("b", "linux/arm64", IMAGE_ID, ())
AMD = LockedImage("b", "linux/amd64", OTHER_ID, ())
FOR_ARM = OciPlatform("linux", "arm64")


class TestTwoLockFiles:
    """Each difference once, in order."""

    @pytest.mark.parametrize(
        ("old", "new", "changes"),
        [
            ((PLAIN, ARM), (ARM, PLAIN), ()),
            ((), (PLAIN,), (LockChange("a", "", "added", "", ONE),)),
            ((PLAIN,), (), (LockChange("a", "", "removed", ONE, ""),)),
            (
                (PLAIN,),
                (replace(PLAIN, image_id=OTHER_ID),),
                (LockChange("a", "", "digest", ONE, OTHER),),
            ),
            (
                (PLAIN,),
                (replace(PLAIN, signers=(ALICES, BOBS)),),
                (LockChange("a", "", "signers", ALICES, f"{ALICES},{BOBS}"),),
            ),
            (
                (PLAIN,),
                (replace(PLAIN, image_id=OTHER_ID, signers=()),),
                (
                    LockChange("a", "", "digest", ONE, OTHER),
                    LockChange("a", "", "signers", ALICES, ""),
                ),
            ),
            (
                (PLAIN, ARM),
                (replace(PLAIN, platform="linux/arm64"), ARM, AMD),
                (
                    LockChange("a", "", "removed", ONE, ""),
                    LockChange("a", "linux/arm64", "added", "", ONE),
                    LockChange("b", "linux/amd64", "added", "", OTHER),
                ),
            ),
            (
                (ARM,),
                (ARM, replace(ARM, image_id=OTHER_ID)),
                (LockChange("b", "linux/arm64", "added", "", OTHER),),
            ),
        ],
    )
    def test_changes(
        self,
        old: tuple[LockedImage, ...],
        new: tuple[LockedImage, ...],
        changes: tuple[LockChange, ...],
    ) -> None:
        assert diff_locks(old, new) == changes


class TestListAndLockFile:
    """Each entry has its images, and each image its entry."""

    def test_each_entry_gets_its_images(self) -> None:
        entries = (MirrorEntry("b", "all"), MirrorEntry("a"), MirrorEntry("b", FOR_ARM))
        assert check_list(entries, (PLAIN, AMD, ARM)).unwrap() == ((AMD, ARM), (PLAIN,), (ARM,))

    @pytest.mark.parametrize(
        ("entry", "locked", "message"),
        [
            (MirrorEntry("a"), (), "what the lock file has is nothing, wanted one image"),
            (
                MirrorEntry("b", FOR_ARM),
                (AMD,),
                "what the lock file has for linux/arm64 is nothing, wanted one image",
            ),
            (MirrorEntry("b", "all"), (PLAIN,), "what the lock file has for all is nothing"),
            (MirrorEntry("a"), (replace(PLAIN, platform="linux/arm64"),), "what the lock file has"),
            (MirrorEntry("a"), (PLAIN, ARM), "what the list has for linux/arm64 is nothing"),
            (
                MirrorEntry("b", FOR_ARM),
                (ARM, AMD),
                "what the list has for linux/amd64 is nothing, wanted an entry",
            ),
            (
                MirrorEntry("b", FOR_ARM),
                (ARM, replace(ARM, image_id=OTHER_ID)),
                "what the lock file has for linux/arm64 is 2 images, wanted one image",
            ),
        ],
    )
    def test_differences(
        self, entry: MirrorEntry, locked: tuple[LockedImage, ...], message: str
    ) -> None:
        error = check_list((entry,), locked).failure()
        assert message in error.message

    def test_no_secret_is_shown(self) -> None:
        url = "https://example.com/a.aci?token=s3cret"
        for outcome in (
            check_list((MirrorEntry(url),), ()),
            check_list((), (replace(PLAIN, reference=url),)),
        ):
            assert "token=…" in outcome.failure().message
            assert "s3cret" not in repr(outcome.failure())


class TestImageAndLockFile:
    """An image is the locked one, signed by the locked signers."""

    def test_the_same(self) -> None:
        stored = signed_image(BOB, ALICE)
        locked = lock_image(MirrorEntry("a"), stored)
        assert check_image(stored, locked).unwrap() is stored

    @pytest.mark.parametrize("signers", [(), (BOB,), (ALICE, BOB)])
    def test_other_signers(self, signers: tuple[object, ...]) -> None:
        locked = LockedImage("a", "", IMAGE_ID, (ALICES,))
        stored = signed_image(*(each for each in (ALICE, BOB) if each in signers))
        error = check_image(stored, locked).failure()
        assert error.what == "who signed it"
        assert f"wanted {ALICES}" in error.message

    def test_what_is_not_verified_any_more(self) -> None:
        stored = replace(signed_image(ALICE), provenance=NoProof("asked for"))
        error = check_image(stored, LockedImage("a", "", IMAGE_ID, (ALICES,))).failure()
        assert error.got == "nobody"

    def test_another_digest(self) -> None:
        error = check_image(signed_image(ALICE), LockedImage("a", "", OTHER_ID, (ALICES,)))
        wanted = f'"a" is not as locked: the digest is {ONE}, wanted {OTHER}'
        assert error.failure().message == wanted

    def test_no_secret_is_shown(self) -> None:
        url = "https://example.com/a.aci?token=s3cret"
        error = check_image(signed_image(), LockedImage(url, "", OTHER_ID, ())).failure()
        assert "s3cret" not in repr(error)
