"""The keystore against rkt's own answers, against a hostile folder, and as it is written."""

import json
import os
import stat
from collections.abc import Callable
from errno import EACCES
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import pytest
from returns.pipeline import is_successful
from returns.result import Success

from pipeline.adapters.keystore import FileKeystore
from pipeline.errors import InvalidKey, KeyNotFound, KeystoreUnavailable
from pipeline.limits import KEYRING_BYTES
from pipeline.names import ImageName, covers, parse_image_name
from pipeline.trust import AnyScope, Fingerprint, KeySet, NamedScope

RKT: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "rkt" / "keystore.json").read_bytes()
)
PRIMARIES: Final = {name: (hex_,) for name, hex_ in RKT["fingerprints"].items()} | {
    "two": (RKT["fingerprints"]["rsa2048"], RKT["fingerprints"]["other"])
}
"""Which primary keys each of the vectors' key files holds."""

DIFFERENCES: Final = {
    11: "a mask for example.com/app does not cover example.com/application",
    19: "a key for example.com/app does not cover example.com/appx",
    20: "a key for example.com/app does not cover example.com/appx/y",
    21: "a key for example.com/app does not cover example.com/app-1",
    22: "a key for example.com/app does not cover example.com/app.x",
    32: "a key for example.com/app does not cover example.com/appx",
    40: "a longer prefix speaks after a shorter one, whatever the folders are called",
    48: "a junk file in root.d breaks no other key",
    49: "a junk file in another folder breaks no other key",
    58: "a name with .. in it is not a name",
}
"""Vectors whose verdict differs from rkt's, by number, and what holds here instead."""

FIRST: Final = Fingerprint("a" * 40)
SECOND: Final = Fingerprint("b" * 40)
UNREADABLE: Final = {"junk", "empty", "private-looking", "ed25519", "nistp256"}
"""Vectors about what is a key, which the keystore does not judge."""

APP: Final = ImageName("example.com/app")


def make_keystore(tmp_path: Path, files: dict[str, bytes] | None = None) -> FileKeystore:
    for path, content in (files or {}).items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return FileKeystore(tmp_path / "system", tmp_path / "local")


def rkt_keystore(tmp_path: Path, vector: dict[str, Any]) -> FileKeystore:
    files = {path: name.removeprefix("!").encode() for path, name in vector["files"].items()}
    return make_keystore(tmp_path, files)


def trusted(store: FileKeystore, name: str = APP) -> list[str]:
    """Fingerprints of the keys trusted for a name."""
    return [key.entry.fingerprint.hex for key in keys(store, name).keys]


def keys(store: FileKeystore, name: str = APP) -> KeySet:
    return store.keys_for(NamedScope(ImageName(name))).unwrap()


def lock(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let nobody open files and folders of that name, as permissions would keep out a user."""
    really_open = os.open

    def guarded_open(path: str, flags: int, *args: int, **keywords: int) -> int:
        if path == name:
            raise PermissionError(EACCES, os.strerror(EACCES), path)
        return really_open(path, flags, *args, **keywords)

    monkeypatch.setattr(os, "open", guarded_open)


@pytest.mark.parametrize("number", range(len(RKT["vectors"])))
def test_trusts_whom_rkt_trusts(number: int, tmp_path: Path) -> None:
    vector = RKT["vectors"][number]
    store = rkt_keystore(tmp_path, vector)
    name = parse_image_name(vector["name"])
    signer = PRIMARIES.get(vector["sig"], ("",))[0]
    granted = False
    if is_successful(name):
        found = store.keys_for(NamedScope(name.unwrap())).unwrap()
        # The verifier's part: a file speaks for the key that it is named by, if it holds it.
        granted = any(
            key.entry.fingerprint.hex == signer and signer in PRIMARIES[key.keyring.decode()]
            for key in found.keys
        )
    by_rkt = "fingerprint" in vector["check"]
    assert granted == (by_rkt != (number in DIFFERENCES)), vector["desc"]


@pytest.mark.parametrize("number", range(len(RKT["vectors"])))
def test_lists_the_files_that_rkt_finds(number: int, tmp_path: Path) -> None:
    vector = RKT["vectors"][number]
    name = parse_image_name(vector["name"])
    if not is_successful(name):
        return
    files = rkt_keystore(tmp_path, vector).entries().files
    for_prefix = any(
        file.entry.prefix is not None and covers(file.entry.prefix, name.unwrap())
        for file in files
        if not file.is_mask
    )
    exactly = any(
        file.entry.fingerprint.hex == RKT["fingerprints"]["rsa2048"]
        and file.entry.prefix in {None, name.unwrap()}
        for file in files
    )
    # rkt counts files that are not named by a fingerprint, and then cannot use any.
    misnamed = number in {45, 46}
    assert for_prefix == (vector["prefix_exists"]["exists"] and not misnamed), vector["desc"]
    assert exactly == vector["rsa2048_fingerprint_exists"]["exists"], vector["desc"]


@pytest.mark.parametrize("vector", [v for v in RKT["store"] if v.get("key") not in UNREADABLE])
def test_stores_where_rkt_stores(vector: dict[str, Any], tmp_path: Path) -> None:
    name = parse_image_name(vector["name"]) if vector["name"] is not None else Success(None)
    if not is_successful(name):
        assert "ACIdentifier" in vector["out"]["error"]
        return
    store = make_keystore(tmp_path)
    if "mask" in vector:
        # rkt makes no folder for a mask, and fails where there is none yet.
        assert vector["out"]["error"].endswith("no such file or directory")
        place = "root.d" if vector["name"] is None else f"prefix.d/{vector['name']}"
        wanted, content = f"trustedkeys/{place}/{vector['mask']}", b""
        entry = store.mask(Fingerprint(vector["mask"]), name.unwrap()).unwrap()
    else:
        wanted, content = vector["out"]["path"], b"key"
        fingerprint = Fingerprint(wanted.rpartition("/")[2])
        (entry,) = store.add(name.unwrap(), {fingerprint: content}).unwrap()
    assert Path(entry.path) == tmp_path / "local" / wanted
    assert Path(entry.path).read_bytes() == content


class TestWhoseWordCounts:
    """The last word on a fingerprint counts, in load order."""

    def test_load_order(self, tmp_path: Path) -> None:
        store = make_keystore(
            tmp_path,
            {
                f"local/trustedkeys/prefix.d/example.com/app/{'6' * 40}": b"6",
                f"local/trustedkeys/prefix.d/example.com/{'5' * 40}": b"5",
                f"system/trustedkeys/prefix.d/example.com/app/{'4' * 40}": b"4",
                f"system/trustedkeys/prefix.d/example.com/{'3' * 40}": b"3",
                f"local/trustedkeys/root.d/{'2' * 40}": b"2",
                f"system/trustedkeys/root.d/{'1' * 40}": b"1",
            },
        )
        in_order = [digit * 40 for digit in "123456"]
        assert trusted(store) == in_order
        everything = store.keys_for(AnyScope()).unwrap().keys
        assert [key.entry.fingerprint.hex for key in everything] == in_order

    def test_a_later_file_replaces_an_earlier_one(self, tmp_path: Path) -> None:
        store = make_keystore(
            tmp_path,
            {
                f"system/trustedkeys/root.d/{FIRST}": b"as it was",
                f"local/trustedkeys/root.d/{FIRST}": b"renewed",
            },
        )
        (key,) = keys(store).keys
        assert key.keyring == b"renewed"
        assert key.entry.origin == "local"
        assert key.entry.content_sha256 == sha256(b"renewed").hexdigest()

    def test_a_local_root_mask_does_not_reach_a_prefix_of_the_system(self, tmp_path: Path) -> None:
        store = make_keystore(
            tmp_path,
            {
                f"local/trustedkeys/root.d/{FIRST}": b"",
                f"system/trustedkeys/prefix.d/example.com/{FIRST}": b"key",
            },
        )
        assert trusted(store) == [FIRST.hex]
        assert trusted(store, "other.org") == []

    def test_any_scope_has_what_speaks_for_some_name(self, tmp_path: Path) -> None:
        store = make_keystore(
            tmp_path,
            {
                f"system/trustedkeys/root.d/{FIRST}": b"key",
                f"local/trustedkeys/prefix.d/example.com/{FIRST}": b"",
                f"system/trustedkeys/prefix.d/example.com/app/{SECOND}": b"key",
                f"local/trustedkeys/prefix.d/example.com/{SECOND}": b"",
            },
        )
        # The first still speaks for other.org; nothing is left of the second.
        everything = store.keys_for(AnyScope()).unwrap().keys
        assert [key.entry.fingerprint for key in everything] == [FIRST]
        overridden = {file.entry.path: file.overridden_by for file in store.entries().files}
        local = tmp_path / "local/trustedkeys/prefix.d/example.com"
        assert [by for by in overridden.values() if by is not None] == [str(local / SECOND.hex)]

    def test_a_mask_overrides_only_what_it_covers(self, tmp_path: Path) -> None:
        store = make_keystore(
            tmp_path,
            {
                f"system/trustedkeys/prefix.d/example.com/foobar/{FIRST}": b"key",
                f"local/trustedkeys/prefix.d/example.com/foo/{FIRST}": b"",
            },
        )
        assert trusted(store, "example.com/foobar") == [FIRST.hex]
        (key,) = store.keys_for(AnyScope()).unwrap().keys
        assert key.entry.prefix == "example.com/foobar"
        assert [file.overridden_by for file in store.entries().files] == [None, None]

    def test_a_prefix_named_like_a_key_is_a_prefix(self, tmp_path: Path) -> None:
        store = make_keystore(
            tmp_path, {f"local/trustedkeys/prefix.d/example.com/{FIRST}/{SECOND}": b"key"}
        )
        assert trusted(store, f"example.com/{FIRST}/app") == [SECOND.hex]
        assert keys(store, "example.com").skipped == ()
        (file,) = store.entries().files
        assert file.entry.prefix == f"example.com/{FIRST}"


UNUSABLE: Final[dict[str, Callable[[Path], object]]] = {
    "link": lambda path: path.symlink_to(path.parents[4] / "outside"),
    "link-to-null": lambda path: path.symlink_to("/dev/null"),
    "dangling-link": lambda path: path.symlink_to("nowhere"),
    "pipe": os.mkfifo,
    "oversize": lambda path: path.write_bytes(b"x" * (KEYRING_BYTES + 1)),
}


class TestWhatCannotBeUsed:
    """It is reported by name, and breaks nothing else."""

    @pytest.mark.parametrize("kind", UNUSABLE)
    @pytest.mark.parametrize("folder", ["root.d", "prefix.d/example.com"])
    def test_a_key_that_cannot_be_used_is_reported_and_takes_its_trust_away(
        self, kind: str, folder: str, tmp_path: Path
    ) -> None:
        store = make_keystore(
            tmp_path,
            {
                "outside": b"key",
                f"system/trustedkeys/root.d/{FIRST}": b"key",
                f"local/trustedkeys/{folder}/{SECOND}": b"key",
            },
        )
        unusable = tmp_path / "local/trustedkeys" / folder / FIRST.hex
        UNUSABLE[kind](unusable)
        found = keys(store)
        assert [skipped.path for skipped in found.skipped] == [str(unusable)]
        assert [key.entry.fingerprint for key in found.keys] == [SECOND]
        listing = store.entries()
        assert [skipped.path for skipped in listing.skipped] == [str(unusable)]

    def test_the_limit_is_inclusive(self, tmp_path: Path) -> None:
        path = f"local/trustedkeys/root.d/{FIRST}"
        store = make_keystore(tmp_path, {path: b"x" * KEYRING_BYTES})
        assert trusted(store) == [FIRST.hex]

    @pytest.mark.parametrize(
        "name", ["junk", "KEY.asc", "A" * 40, "a" * 39, "a" * 41, f"0x{FIRST}", f" {FIRST}"]
    )
    def test_a_misnamed_file_is_reported(self, name: str, tmp_path: Path) -> None:
        files = {
            f"local/trustedkeys/root.d/{FIRST}": b"key",
            f"local/trustedkeys/root.d/{name}": b"key",
            f"local/trustedkeys/prefix.d/example.com/{name}": b"key",
        }
        found = keys(make_keystore(tmp_path, files))
        assert [key.entry.fingerprint for key in found.keys] == [FIRST]
        assert len(found.skipped) == 2

    def test_a_key_outside_of_any_prefix_is_reported(self, tmp_path: Path) -> None:
        path = f"local/trustedkeys/prefix.d/{FIRST}"
        store = make_keystore(tmp_path, {path: b"key"})
        assert trusted(store) == []
        assert [skipped.path for skipped in store.entries().skipped] == [str(tmp_path / path)]

    def test_folders_that_are_no_prefix_are_reported(self, tmp_path: Path) -> None:
        store = make_keystore(
            tmp_path,
            {
                f"local/trustedkeys/root.d/folder/{FIRST}": b"key",
                f"local/trustedkeys/prefix.d/Bad Name/{FIRST}": b"key",
                f"local/trustedkeys/prefix.d/ends-in-/{FIRST}": b"key",
                f"local/trustedkeys/prefix.d/ends-in-/app/{SECOND}": b"key",
            },
        )
        listing = store.entries()
        inside = tmp_path / "local/trustedkeys"
        assert [skipped.path for skipped in listing.skipped] == [
            str(inside / "root.d/folder"),
            str(inside / "prefix.d/Bad Name"),
            str(inside / "prefix.d/ends-in-" / FIRST.hex),
        ]
        assert [file.entry.prefix for file in listing.files] == ["ends-in-/app"]

    @pytest.mark.parametrize("link", ["root.d", "prefix.d", "prefix.d/example.com"])
    def test_a_linked_folder_is_reported_and_not_entered(self, link: str, tmp_path: Path) -> None:
        store = make_keystore(
            tmp_path,
            {f"outside/{path}{FIRST}": b"key" for path in ("", "app/", "example.com/")}
            | {f"system/trustedkeys/root.d/{SECOND}": b"key"},
        )
        path = tmp_path / "local/trustedkeys" / link
        path.parent.mkdir(parents=True)
        path.symlink_to(tmp_path / "outside")
        assert trusted(store) == [SECOND.hex]
        # Once, though several folders would be in it.
        assert [skipped.path for skipped in keys(store).skipped] == [str(path)]
        assert [skipped.path for skipped in store.entries().skipped] == [str(path)]
        prefix = None if link == "root.d" else ImageName("example.com")
        assert isinstance(store.add(prefix, {FIRST: b"new"}).failure(), KeystoreUnavailable)
        assert isinstance(store.mask(FIRST, prefix).failure(), KeystoreUnavailable)
        assert isinstance(store.remove(FIRST, prefix).failure(), KeyNotFound)
        for outside in (tmp_path / "outside").rglob(FIRST.hex):
            assert outside.read_bytes() == b"key"

    def test_the_keystore_itself_may_be_a_link(self, tmp_path: Path) -> None:
        store = make_keystore(tmp_path, {f"elsewhere/root.d/{FIRST}": b"key", "local/x": b""})
        (tmp_path / "local/trustedkeys").symlink_to(tmp_path / "elsewhere")
        assert trusted(store) == [FIRST.hex]
        assert is_successful(store.add(None, {SECOND: b"key"}))
        assert trusted(store) == [FIRST.hex, SECOND.hex]

    def test_an_unreadable_folder_might_hold_a_mask(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = make_keystore(
            tmp_path,
            {
                f"system/trustedkeys/root.d/{FIRST}": b"key",
                f"local/trustedkeys/prefix.d/example.com/app/{SECOND}": b"key",
            },
        )
        lock(monkeypatch, "example.com")
        failure = store.keys_for(NamedScope(APP)).failure()
        assert isinstance(failure, KeystoreUnavailable)
        assert failure.path == str(tmp_path / "local/trustedkeys/prefix.d/example.com")
        assert trusted(store, "other.org") == [FIRST.hex]
        assert [skipped.path for skipped in store.entries().skipped] == [failure.path]
        everything = store.keys_for(AnyScope()).unwrap()
        assert [skipped.path for skipped in everything.skipped] == [failure.path]
        assert isinstance(store.remove(SECOND, APP).failure(), KeystoreUnavailable)

    def test_an_unreadable_key_is_reported_and_takes_its_trust_away(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = make_keystore(
            tmp_path,
            {
                f"system/trustedkeys/root.d/{SECOND}": b"key",
                f"system/trustedkeys/prefix.d/example.com/{FIRST}": b"key",
                f"local/trustedkeys/prefix.d/example.com/{FIRST}": b"key",
            },
        )
        lock(monkeypatch, FIRST.hex)
        found = keys(store)
        assert [key.entry.fingerprint for key in found.keys] == [SECOND]
        assert {skipped.reason for skipped in found.skipped} == {"Permission denied"}
        assert len(found.skipped) == 2

    @pytest.mark.parametrize("path", ["local", "local/trustedkeys", "local/trustedkeys/prefix.d"])
    def test_a_file_in_place_of_a_folder_is_reported(self, path: str, tmp_path: Path) -> None:
        store = make_keystore(
            tmp_path, {path: b"junk", f"system/trustedkeys/root.d/{FIRST}": b"key"}
        )
        assert trusted(store) == [FIRST.hex]
        assert keys(store).skipped != ()
        assert isinstance(store.add(APP, {FIRST: b"key"}).failure(), KeystoreUnavailable)

    def test_a_name_that_no_folder_can_have(self, tmp_path: Path) -> None:
        store = make_keystore(tmp_path, {f"local/trustedkeys/root.d/{FIRST}": b"key"})
        long = ImageName("a" * 300)
        assert trusted(store, long) == [FIRST.hex]
        assert isinstance(store.add(long, {FIRST: b"key"}).failure(), KeystoreUnavailable)
        assert isinstance(store.remove(FIRST, long).failure(), KeyNotFound)


class TestChanges:
    """Changes go into the local keystore: whole, durable, or not at all."""

    def test_add_is_idempotent_and_keeps_the_bytes(self, tmp_path: Path) -> None:
        store = make_keystore(tmp_path)
        first = store.add(APP, {FIRST: b"one", SECOND: b"two"}).unwrap()
        assert store.add(APP, {FIRST: b"one", SECOND: b"two"}).unwrap() == first
        assert [key.entry for key in keys(store).keys] == list(first)
        assert [key.keyring for key in keys(store).keys] == [b"one", b"two"]
        assert keys(store).skipped == ()

    def test_modes_do_not_depend_on_the_umask(self, tmp_path: Path) -> None:
        store = make_keystore(tmp_path)
        before = os.umask(0o077)
        try:
            (entry,) = store.add(APP, {FIRST: b"key"}).unwrap()
        finally:
            os.umask(before)
        path = Path(entry.path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        inside = [path.parents[depth] for depth in range(4)]
        assert inside[-1].name == "trustedkeys"
        assert {stat.S_IMODE(folder.stat().st_mode) for folder in inside} == {0o755}

    @pytest.mark.parametrize("size", [0, KEYRING_BYTES + 1])
    def test_what_would_not_be_read_as_a_key_is_not_written(
        self, size: int, tmp_path: Path
    ) -> None:
        store = make_keystore(tmp_path)
        failure = store.add(None, {FIRST: b"key", SECOND: b"x" * size}).failure()
        assert isinstance(failure, InvalidKey)
        assert not (tmp_path / "local").exists()

    def test_a_failed_write_leaves_what_was_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = make_keystore(tmp_path)
        store.add(None, {FIRST: b"old"}).unwrap()

        def no_space(*args: object, **keywords: object) -> None:
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", no_space)
            failure = store.add(None, {FIRST: b"new"}).failure()
        assert isinstance(failure, KeystoreUnavailable)
        assert failure.reason == "No space left on device"
        folder = tmp_path / "local/trustedkeys/root.d"
        assert [path.name for path in folder.iterdir()] == [FIRST.hex]
        assert (folder / FIRST.hex).read_bytes() == b"old"

    def test_everything_is_synced_before_and_after_it_has_its_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = make_keystore(tmp_path)
        store.add(None, {SECOND: b"so that the folders are there"}).unwrap()
        calls: list[str] = []
        fsync, replace = os.fsync, os.replace

        def watched_fsync(descriptor: int) -> None:
            calls.append("sync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "sync")
            fsync(descriptor)

        def watched_replace(source: str, target: str, **keywords: int) -> None:
            calls.append("rename")
            replace(source, target, **keywords)

        monkeypatch.setattr(os, "fsync", watched_fsync)
        monkeypatch.setattr(os, "replace", watched_replace)
        store.add(None, {FIRST: b"key"}).unwrap()
        assert calls == ["sync", "rename", "sync folder"]

    def test_a_link_in_the_place_of_a_key_is_replaced_not_followed(self, tmp_path: Path) -> None:
        store = make_keystore(tmp_path, {"outside": b"mine", "local/trustedkeys/root.d/x": b""})
        (tmp_path / "local/trustedkeys/root.d" / FIRST.hex).symlink_to(tmp_path / "outside")
        store.add(None, {FIRST: b"key"}).unwrap()
        assert (tmp_path / "outside").read_bytes() == b"mine"
        assert trusted(store) == [FIRST.hex]

    def test_mask_and_unmask(self, tmp_path: Path) -> None:
        store = make_keystore(tmp_path, {f"system/trustedkeys/root.d/{FIRST}": b"key"})
        entry = store.mask(FIRST, APP).unwrap()
        assert entry.content_sha256 == sha256(b"").hexdigest()
        assert trusted(store) == []
        assert trusted(store, "example.com/other") == [FIRST.hex]
        assert store.unmask(FIRST, APP).unwrap() == entry
        assert trusted(store) == [FIRST.hex]
        assert isinstance(store.unmask(FIRST, APP).failure(), KeyNotFound)

    def test_remove_never_takes_a_mask_away(self, tmp_path: Path) -> None:
        store = make_keystore(tmp_path, {f"system/trustedkeys/root.d/{FIRST}": b"key"})
        store.mask(FIRST, None).unwrap()
        assert isinstance(store.remove(FIRST, None).failure(), KeyNotFound)
        assert isinstance(store.remove_everywhere(FIRST).failure(), KeyNotFound)
        assert trusted(store) == []

    def test_unmask_never_takes_a_key_away(self, tmp_path: Path) -> None:
        store = make_keystore(tmp_path)
        store.add(None, {FIRST: b"key"}).unwrap()
        assert isinstance(store.unmask(FIRST, None).failure(), KeyNotFound)
        assert trusted(store) == [FIRST.hex]

    def test_remove_takes_one_place(self, tmp_path: Path) -> None:
        store = make_keystore(tmp_path)
        (root,) = store.add(None, {FIRST: b"key"}).unwrap()
        store.add(APP, {FIRST: b"key", SECOND: b"key"}).unwrap()
        assert store.remove(FIRST, None).unwrap() == root
        assert trusted(store) == [FIRST.hex, SECOND.hex]
        assert isinstance(store.remove(FIRST, None).failure(), KeyNotFound)
        assert isinstance(store.remove(FIRST, ImageName("example.com")).failure(), KeyNotFound)

    def test_remove_everywhere_leaves_the_system_alone(self, tmp_path: Path) -> None:
        system = f"system/trustedkeys/prefix.d/example.com/app/{FIRST}"
        store = make_keystore(tmp_path, {system: b"key"})
        for prefix in (None, APP, ImageName("example.com"), ImageName("other.org/x")):
            store.add(prefix, {FIRST: b"key", SECOND: b"key"}).unwrap()
        removed = store.remove_everywhere(FIRST).unwrap()
        assert {entry.prefix for entry in removed} == {None, APP, "example.com", "other.org/x"}
        left = [file.entry for file in store.entries().files if file.entry.fingerprint == FIRST]
        assert [entry.path for entry in left] == [str(tmp_path / system)]


class TestStillTrusted:
    """Whoever takes a key away hears what else grants it trust, there or further down."""

    FILES: Final = tuple(
        f"{place}/{FIRST}"
        for place in (
            "system/trustedkeys/root.d",
            "system/trustedkeys/prefix.d/example.com/app/sub",
            "local/trustedkeys/prefix.d/other.org",
        )
    )

    @pytest.mark.parametrize(
        ("prefix", "masked", "wanted"),
        [
            (None, None, {0, 1, 2}),
            (None, "root.d", {1, 2}),
            ("example.com", None, {0, 1}),
            ("example.com/app", "prefix.d/example.com", set()),
            ("example.com/app", "prefix.d/example.com/app/sub", {0}),
            ("example.com/app/sub", None, {1}),
            ("other.org", None, {2}),
            ("other.org/x", None, {2}),
            ("example.co", None, {0}),
        ],
    )
    def test_by_name(
        self, prefix: str | None, masked: str | None, wanted: set[int], tmp_path: Path
    ) -> None:
        files = dict.fromkeys(self.FILES, b"key") | {
            f"{place}/trustedkeys/root.d/{SECOND}": b"key" for place in ("system", "local")
        }
        if masked is not None:
            files[f"local/trustedkeys/{masked}/{FIRST}"] = b""
        store = make_keystore(tmp_path, files)
        name = None if prefix is None else ImageName(prefix)
        found = store.still_trusted(FIRST, name).unwrap()
        paths = {str(tmp_path / self.FILES[number]) for number in wanted}
        assert {entry.path for entry in found} == paths
        assert len(found) == len(paths)


def test_a_keystore_that_is_nowhere_is_empty(tmp_path: Path) -> None:
    store = FileKeystore(tmp_path / "no" / "system", tmp_path / "no" / "local")
    assert store.keys_for(AnyScope()).unwrap() == KeySet(())
    assert keys(store) == KeySet(())
    assert store.entries().files == ()


def test_a_name_reads_only_its_own_folders(tmp_path: Path) -> None:
    store = make_keystore(tmp_path, {"local/trustedkeys/prefix.d/example.com/zzz/junk": b"junk"})
    assert keys(store).skipped == ()
    assert len(keys(store, "example.com/zzz").skipped) == 1
