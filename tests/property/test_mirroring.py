"""Lists of images and lock files: what is written is read, junk is refused, nothing raises."""

import json
from dataclasses import replace

import jsonschema
from hypothesis import example, given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.errors import InvalidList
from pipeline.recipes.mirroring.differences import LockChange, check_list, diff_locks
from pipeline.recipes.mirroring.entries import MirrorEntry
from pipeline.recipes.mirroring.list_schema import LIST_SCHEMA
from pipeline.recipes.mirroring.lists import ListForm, parse_list
from pipeline.recipes.mirroring.locks import LockedImage, encode_lock, parse_lock
from pipeline.stages.parse import shown_reference
from pipeline.testing.strategies import (
    bad_image_lists,
    image_lists,
    locked_images,
    locks,
    untrusted_texts,
)
from pipeline.testing.strategies.mirroring import WrittenList

FORMS: tuple[ListForm, ...] = ("plain", "yaml", "json")
SCHEMA = jsonschema.Draft202012Validator(LIST_SCHEMA)

locked = st.lists(locked_images(), max_size=5).map(tuple)
values = st.recursive(
    st.sampled_from((None, True, 0, 1, 1.5, 128, 129, "", "all", "new", "linux/arm64", "0" * 40))
    | untrusted_texts(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("reference", "platform", "pull-policy", "signers", "signed-by", "x")),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
documents = st.fixed_dictionaries(
    {"version": st.just(1) | values, "images": st.lists(values, max_size=3)},
    optional={"defaults": values, "x": values},
)


class TestLists:
    """A list is read as it was written, or not at all."""

    @given(image_lists())
    def test_round_trip(self, written: WrittenList) -> None:
        content, form, entries = written
        assert parse_list(content, "list", form).unwrap() == entries

    @given(bad_image_lists())
    def test_bad_ones_are_refused(self, bad: tuple[bytes, ListForm]) -> None:
        content, form = bad
        error = parse_list(content, "list", form).failure()
        assert isinstance(error, InvalidList)
        assert error.reason

    @given(st.binary() | untrusted_texts().map(lambda text: text.encode(errors="surrogatepass")))
    def test_junk_raises_nothing(self, content: bytes) -> None:
        for form in FORMS:
            parse_list(content, "list", form)

    @given(image_lists(), st.data())
    def test_changed_ones_raise_nothing(self, written: WrittenList, data: st.DataObject) -> None:
        content, form, _ = written
        parse_list(data.draw(changed(content)), "list", form)


class TestSchema:
    """The schema that people are shown takes what the parser takes."""

    @given(image_lists())
    def test_good_ones(self, written: WrittenList) -> None:
        content, form, _ = written
        if form == "json":
            SCHEMA.validate(json.loads(content))

    @given(documents)
    @example({"version": 1, "images": ["a"], "defaults": {"signed-by": ["0" * 40]}})
    @example({"version": 1, "images": [{"reference": "a", "signed-by": ["f" * 64, "F" * 40]}]})
    @example({"version": True, "images": ["a"]})
    def test_the_same_as_the_parser(self, document: dict[str, object]) -> None:
        content = json.dumps(document).encode()
        read = parse_list(content, "list", "json")
        if is_successful(read):
            SCHEMA.validate(document)
        elif "again" not in read.failure().reason and "surrogate" not in read.failure().reason:
            # What a schema cannot say: that an image stands there twice, what is no Unicode.
            assert not SCHEMA.is_valid(document), read.failure().message


class TestLocks:
    """A lock file is canonical: one text for each meaning, one meaning for each text."""

    @given(locked, st.randoms())
    def test_order_makes_no_difference(self, images: tuple[LockedImage, ...], chance) -> None:  # type: ignore[no-untyped-def]  # hypothesis has no public class for it
        shuffled = list(images)
        chance.shuffle(shuffled)
        written = encode_lock(images)
        assert encode_lock(shuffled) == written
        assert parse_lock(written, "lock").unwrap() == tuple(sorted(set(images)))

    @given(locks(), st.data())
    def test_a_changed_one_is_refused_or_means_itself(
        self, content: bytes, data: st.DataObject
    ) -> None:
        other = data.draw(changed(content))
        read = parse_lock(other, "lock")
        assert not is_successful(read) or encode_lock(read.unwrap()) == other

    @given(st.binary() | untrusted_texts().map(lambda text: text.encode(errors="surrogatepass")))
    def test_junk_is_refused(self, content: bytes) -> None:
        assert not is_successful(parse_lock(content, "lock"))

    @given(locked, locked)
    def test_differences_are_there_or_not(
        self, old: tuple[LockedImage, ...], new: tuple[LockedImage, ...]
    ) -> None:
        changes = diff_locks(old, new)
        assert bool(changes) == (encode_lock(old) != encode_lock(new))
        assert {turned(change) for change in diff_locks(new, old)} == set(changes)

    @given(locked)
    def test_the_list_that_asked_for_it_is_as_locked(self, images: tuple[LockedImage, ...]) -> None:
        """Of each reference all platforms were asked for, and each image is one of them."""
        asked = {shown_reference(image.reference): image.reference for image in images}
        held = {replace(image, reference=shown_reference(image.reference)) for image in images}
        found = check_list([MirrorEntry(each, "all") for each in asked.values()], held).unwrap()
        assert sorted(image for group in found for image in group) == sorted(held)


def changed(content: bytes) -> st.SearchStrategy[bytes]:
    """One byte changed, put in or left out."""
    return st.builds(
        lambda at, new, drop: content[:at] + new + content[at + drop :],
        st.integers(0, max(0, len(content) - 1)),
        st.sampled_from((b"", b"\0", b" ", b'"', b"{", b"\n", b"a", b"0", b"\xff")),
        st.integers(0, 1),
    )


def turned(change: LockChange) -> LockChange:
    """Return the same difference, seen from the other side."""
    other = {"added": "removed", "removed": "added"}.get(change.what, change.what)
    return LockChange(change.reference, change.platform, other, change.new, change.old)  # type: ignore[arg-type]  # one of the four words
