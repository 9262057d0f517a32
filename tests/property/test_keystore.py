"""The keystore against a model: whatever is done to it, and whatever lies in it."""

import os
import tempfile
from pathlib import Path
from typing import TypeAlias

from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from returns.pipeline import is_successful

from pipeline.adapters.keystore import FileKeystore
from pipeline.names import ImageName
from pipeline.trust import AnyScope, Fingerprint, NamedScope, TrustScope

Place: TypeAlias = tuple[str, str | None]
"""Origin and prefix."""

NAMES = ("a", "a/b", "a/bb", "a/b/c", "b", "f" * 40)
FINGERPRINTS = tuple(Fingerprint(digit * 40) for digit in "0af")

names = st.sampled_from(NAMES).map(ImageName)
prefixes = st.none() | names
fingerprints = st.sampled_from(FINGERPRINTS)
contents = st.binary(min_size=1, max_size=3)


def speaks_for(prefix: str | None, name: str) -> bool:
    """Tell whether a prefix covers a name, by text: it, or it and a slash, at the start."""
    return prefix is None or f"{name}/".startswith(f"{prefix}/")


def loudness(place: Place) -> tuple[bool, bool, int]:
    """Order places: prefixes after roots, local after system, longer after shorter."""
    origin, prefix = place
    return (prefix is not None, origin == "local", (prefix or "").count("/"))


class KeystoreMachine(RuleBasedStateMachine):
    """Of all files on a fingerprint that cover a name, the one that comes last counts."""

    def __init__(self) -> None:
        """Start with an empty keystore."""
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        self.store = FileKeystore(root / "system", root / "local")
        self.model: dict[Fingerprint, dict[Place, bytes]] = {each: {} for each in FINGERPRINTS}

    def teardown(self) -> None:
        """Remove the folder."""
        self.folder.cleanup()

    @rule(prefix=prefixes, keys=st.dictionaries(fingerprints, contents))
    def add(self, prefix: ImageName | None, keys: dict[Fingerprint, bytes]) -> None:
        """Trust keys."""
        entries = self.store.add(prefix, keys).unwrap()
        assert [entry.fingerprint for entry in entries] == list(keys)
        for fingerprint, content in keys.items():
            self.model[fingerprint]["local", prefix] = content

    @rule(prefix=prefixes, fingerprint=fingerprints, content=contents | st.just(b""))
    def install(self, prefix: ImageName | None, fingerprint: Fingerprint, content: bytes) -> None:
        """Have the system's packages bring a key or a mask."""
        folder = self.store.system / "trustedkeys"
        folder = folder / "root.d" if prefix is None else folder / "prefix.d" / prefix
        folder.mkdir(parents=True, exist_ok=True)
        (folder / fingerprint.hex).write_bytes(content)
        self.model[fingerprint]["system", prefix] = content

    @rule(prefix=prefixes, fingerprint=fingerprints)
    def mask(self, prefix: ImageName | None, fingerprint: Fingerprint) -> None:
        """Mask a key."""
        assert is_successful(self.store.mask(fingerprint, prefix))
        self.model[fingerprint]["local", prefix] = b""

    @rule(prefix=prefixes, fingerprint=fingerprints, mask=st.booleans())
    def remove(self, prefix: ImageName | None, fingerprint: Fingerprint, mask: bool) -> None:
        """Take a key, or a mask, away; the other kind stays."""
        change = self.store.unmask if mask else self.store.remove
        held = self.model[fingerprint].get(("local", prefix))
        there = held is not None and (held == b"") == mask
        assert is_successful(change(fingerprint, prefix)) == there
        if there:
            del self.model[fingerprint]["local", prefix]

    @rule(fingerprint=fingerprints)
    def remove_everywhere(self, fingerprint: Fingerprint) -> None:
        """Take a local key away wherever it is."""
        held = self.model[fingerprint]
        local = {place for place, content in held.items() if place[0] == "local" and content}
        outcome = self.store.remove_everywhere(fingerprint)
        assert is_successful(outcome) == bool(local)
        if local:
            assert {entry.prefix for entry in outcome.unwrap()} == {place[1] for place in local}
        for place in local:
            del held[place]

    @rule(name=names, fingerprint=fingerprints)
    def ask_what_is_left(self, name: ImageName, fingerprint: Fingerprint) -> None:
        """Something still grants trust where a name, or one below it, still has it."""
        still = self.store.still_trusted(fingerprint, name).unwrap()
        below = [each for each in NAMES if speaks_for(name, each)]
        assert bool(still) == any(self.trusted(fingerprint, each) for each in below)

    def trusted(self, fingerprint: Fingerprint, name: str) -> bytes:
        """Return the content whose word counts, empty for none, by the model."""
        held = self.model[fingerprint]
        speaking = [place for place in held if speaks_for(place[1], name)]
        return held[max(speaking, key=loudness)] if speaking else b""

    @invariant()
    def the_last_word_counts(self) -> None:
        """For each name, the keys are the model's, and any scope has them all."""
        everything = set(self.store.keys_for(AnyScope()).unwrap().keys)
        for name in (*NAMES, "elsewhere", "a/b/c/d"):
            found = self.store.keys_for(NamedScope(ImageName(name))).unwrap()
            assert found.skipped == ()
            assert {key.entry.fingerprint: key.keyring for key in found.keys} == {
                each: content for each in FINGERPRINTS if (content := self.trusted(each, name))
            }
            assert everything.issuperset(found.keys)

    @invariant()
    def everything_is_listed(self) -> None:
        """The listing has each file once."""
        listing = self.store.entries()
        assert listing.skipped == ()
        assert sorted(
            (f.entry.fingerprint, f.entry.origin, f.entry.prefix or "", f.keyring)
            for f in listing.files
        ) == sorted(
            (fingerprint, origin, prefix or "", content)
            for fingerprint, held in self.model.items()
            for (origin, prefix), content in held.items()
        )


KeystoreMachine.TestCase.settings = settings(
    max_examples=settings().max_examples // 4, stateful_step_count=15
)
TestKeystoreMachine = KeystoreMachine.TestCase

file_names = st.one_of(
    st.text(
        alphabet=st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1
    ),
    st.text(alphabet="abcdef0.-_~", min_size=1),
    st.sampled_from(["a" * 40, "A" * 40, "a" * 39, "root.d", "prefix.d", "\udcff", "-"]),
).filter(lambda name: name not in {".", ".."} and len(os.fsencode(name)) <= 255)


@given(
    paths=st.lists(st.lists(file_names, min_size=1, max_size=4), max_size=6),
    kinds=st.lists(st.sampled_from(["file", "empty", "link", "folder"]), min_size=6, max_size=6),
)
@example(paths=[["prefix.d", "a" * 40, "a" * 40], ["root.d", "a" * 40]], kinds=["file"] * 6)
def test_whatever_lies_there_never_escapes_nor_breaks_what_is_good(
    paths: list[list[str]], kinds: list[str]
) -> None:
    good = Fingerprint("d" * 40)
    secret = b"what lies outside"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        outside = root / "outside"
        outside.mkdir()
        (outside / ("a" * 40)).write_bytes(secret)
        inside = root / "local" / "trustedkeys"
        store = FileKeystore(root / "system", root / "local")
        store.add(None, {good: b"good"}).unwrap()
        for parts, kind in zip(paths, kinds, strict=False):
            path = inside.joinpath(*parts)
            if any(part.is_symlink() for part in (path, *path.parents)):
                continue  # this test, too, must not write through a link
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if kind == "folder":
                    path.mkdir()
                elif kind == "link":
                    path.symlink_to(outside if "a" * 40 not in path.name else outside / ("a" * 40))
                else:
                    path.write_bytes(b"junk" if kind == "file" else b"")
            except OSError:
                continue  # in the way of another one
        scopes: list[TrustScope] = [AnyScope(), *(NamedScope(ImageName(each)) for each in NAMES)]
        for scope in scopes:
            found = store.keys_for(scope).unwrap()
            assert good in {key.entry.fingerprint for key in found.keys}
            assert all(key.keyring != secret for key in found.keys)
        listing = store.entries()
        reported = {file.entry.path for file in listing.files}
        reported |= {skipped.path for skipped in listing.skipped}
        for path in [*inside.glob("root.d/**/*"), *inside.glob("prefix.d/**/*")]:
            parent_reported = any(str(parent) in reported for parent in path.parents)
            if path.is_symlink() or path.is_file():
                assert str(path) in reported or parent_reported
        store.mask(Fingerprint("a" * 40), None)
        store.remove_everywhere(Fingerprint("a" * 40))
        assert [path.read_bytes() for path in outside.iterdir()] == [secret]
