"""Lists of images, good and bad, and lock files."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from hypothesis import strategies as st

from pipeline.limits import SIGNATURE_COUNT
from pipeline.oci.platforms import parse_platform
from pipeline.recipes.mirroring.differences import LockChange
from pipeline.recipes.mirroring.entries import MirrorEntry, WantedPlatform
from pipeline.recipes.mirroring.lists import ListForm
from pipeline.recipes.mirroring.locks import LockedImage, encode_lock
from pipeline.testing.strategies.oci import oci_platforms
from pipeline.testing.strategies.reference_kinds import references
from pipeline.testing.strategies.text import digests, hex_digits, texts

WrittenList: TypeAlias = tuple[bytes, ListForm, tuple[MirrorEntry, ...]]
"""A list as a file holds it, how it is written, and what it says."""

_Members: TypeAlias = dict[str, object]


def mirror_entries() -> st.SearchStrategy[MirrorEntry]:
    """Images of a list; most references are real ones, some any text without control characters."""
    return _entries(references().map(lambda reference: reference.string) | texts(min_size=1))


def image_lists() -> st.SearchStrategy[WrittenList]:
    """Lists of one to four images in each form, with comments, defaults and odd spelling."""
    words = references().map(lambda reference: reference.string).filter(_is_word)
    plain = _some(_entries(words)).flatmap(_as_lines)
    return plain | _some(mirror_entries()).flatmap(_as_json) | _some(mirror_entries()).map(_as_yaml)


def bad_image_lists() -> st.SearchStrategy[tuple[bytes, ListForm]]:
    """Lists with one thing wrong, which must fail the whole list, and how they are written."""
    lines = st.sampled_from(_BAD_LINES).map(lambda line: f"example.com/a\n{line}".encode())
    documents = st.sampled_from(_BAD_DOCUMENTS).map(lambda document: json.dumps(document).encode())
    spoilt = st.builds(
        lambda good, spoil: (spoil(good[0]), good[1]), image_lists(), st.sampled_from(_SPOILING)
    )
    return st.one_of(
        st.tuples(lines, _form("plain")),
        st.tuples(documents, _form("json", "yaml")),
        st.tuples(st.sampled_from(_BAD_YAML), _form("yaml")),
        spoilt,
    )


def locked_images() -> st.SearchStrategy[LockedImage]:
    """Images of a lock file."""
    return st.builds(
        LockedImage,
        mirror_entries().map(lambda entry: entry.reference),
        st.just("") | oci_platforms().map(str),
        digests(),
        st.lists(_keys(), max_size=2, unique=True).map(lambda keys: tuple(sorted(keys))),
    )


def locks() -> st.SearchStrategy[bytes]:
    """Lock files of up to four images."""
    return st.lists(locked_images(), max_size=4).map(encode_lock)


def lock_changes() -> st.SearchStrategy[LockChange]:
    """Differences of two lock files."""

    def make(image: LockedImage, digest: str, key: str) -> st.SearchStrategy[LockChange]:
        old = str(image.image_id)
        signers = ",".join(image.signers)
        of = image.reference, image.platform
        return st.sampled_from(
            (
                LockChange(*of, "added", "", old),
                LockChange(*of, "digest", old, digest),
                LockChange(*of, "removed", old, ""),
                LockChange(*of, "signers", signers, key),
            )
        )

    drawn = st.tuples(locked_images(), digests().map(str), _keys())
    return drawn.flatmap(lambda parts: make(*parts))


def _entries(of: st.SearchStrategy[str]) -> st.SearchStrategy[MirrorEntry]:
    return st.builds(
        MirrorEntry,
        of,
        _platforms(),
        st.sampled_from((None, "never", "new", "update")),
        st.just(1) | st.integers(1, SIGNATURE_COUNT),
        st.lists(_keys(), max_size=2, unique=True).map(tuple),
    )


def _platforms() -> st.SearchStrategy[WantedPlatform]:
    read = oci_platforms().map(lambda platform: parse_platform(str(platform)).unwrap())
    return st.sampled_from((None, "all")) | read


def _keys() -> st.SearchStrategy[str]:
    return hex_digits(min_size=40, max_size=40) | hex_digits(min_size=64, max_size=64)


def _form(*forms: ListForm) -> st.SearchStrategy[ListForm]:
    return st.sampled_from(forms)


def _some(of: st.SearchStrategy[MirrorEntry]) -> st.SearchStrategy[list[MirrorEntry]]:
    return st.lists(
        of, min_size=1, max_size=4, unique_by=lambda entry: (entry.reference, entry.platform)
    )


def _is_word(text: str) -> bool:
    """Tell whether a line may begin with a text."""
    return not text.startswith("#") and " " not in text


def _members(entry: MirrorEntry) -> _Members:
    """Return what an entry says, but its reference."""
    members: _Members = {}
    if entry.platform is not None:
        members["platform"] = str(entry.platform)
    if entry.pull_policy is not None:
        members["pull-policy"] = entry.pull_policy
    if entry.signers > 1:
        members["signers"] = entry.signers
    if entry.signed_by:
        members["signed-by"] = list(entry.signed_by)
    return members


def _as_lines(entries: list[MirrorEntry]) -> st.SearchStrategy[WrittenList]:
    def write(gap: str, end: str, before: str, after: str) -> WrittenList:
        lines, said = [before], []
        for entry in entries:
            words = [entry.reference]
            for name, value in _members(entry).items():
                text = ",".join(entry.signed_by) if name == "signed-by" else str(value)
                words.append(f"{name}={text.upper() if name == 'signed-by' else text}")
            lines += [gap.join(words) + after, ""]
            said.append(replace(entry, place=f"line {len(lines) - 1}"))
        return end.join(lines).encode(), "plain", tuple(said)

    return st.builds(
        write,
        st.sampled_from((" ", "\t", "  ")),
        st.sampled_from(("\n", "\r\n")),
        st.sampled_from(("", "# platform=all", "  \t")),
        st.sampled_from(("", " ", " # for people", "\t#signers=2")),
    )


def _as_json(entries: list[MirrorEntry]) -> st.SearchStrategy[WrittenList]:
    def write(defaults: MirrorEntry, indent: int | None) -> WrittenList:
        images: list[object] = []
        said = []
        for index, entry in enumerate(entries):
            members = _members(entry)
            images.append({"reference": entry.reference} | members if members else entry.reference)
            # What an entry does not say is as the defaults have it.
            full = replace(
                defaults,
                reference=entry.reference,
                platform=defaults.platform if entry.platform is None else entry.platform,
                pull_policy=entry.pull_policy or defaults.pull_policy,
                signers=entry.signers if entry.signers > 1 else defaults.signers,
                signed_by=entry.signed_by or defaults.signed_by,
                place=f"images[{index}]",
            )
            said.append(full)
        document = {"version": 1, "images": images}
        if _members(defaults):
            document["defaults"] = _members(defaults)
        return json.dumps(document, indent=indent).encode(), "json", tuple(said)

    # Where none of them is without a platform, a default makes no two of them the same.
    has_all = all(entry.platform is not None for entry in entries)
    wanted = mirror_entries() if has_all else mirror_entries().map(_without_platform)
    return st.builds(write, wanted, st.sampled_from((None, 2)))


def _without_platform(entry: MirrorEntry) -> MirrorEntry:
    return replace(entry, platform=None)


def _as_yaml(entries: list[MirrorEntry]) -> WrittenList:
    lines, said = ["version: 1", "images:"], []
    for index, entry in enumerate(entries):
        lines.append(f"- reference: {_in_quotes(entry.reference)}")
        for name, value in _members(entry).items():
            lines.append(f"  {name}: {json.dumps(value)}")
        said.append(replace(entry, place=f"images[{index}]"))
    return "\n".join(lines).encode(), "yaml", tuple(said)


def _in_quotes(text: str) -> str:
    """Return a text as YAML 1.1 has it between double quotes (section 5.6): as JSON, nearly."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    shown = (
        each if each.isprintable() and each != "\ufeff" else f"\\U{ord(each):08x}"
        for each in escaped
    )
    return f'"{"".join(shown)}"'


_IMAGE: Final = "example.com/b"
_KEY: Final = "0" * 39 + "a"
_BAD_LINES: Final = (
    "example.com/a",
    "platform=all",
    f"{_IMAGE} platform=all platform=all",
    f"{_IMAGE} platform=amd64",
    f"{_IMAGE} platform=",
    f"{_IMAGE} Platform=all",
    f"{_IMAGE} pull-policy=always",
    f"{_IMAGE} signers=0",
    f"{_IMAGE} signers=-1",
    f"{_IMAGE} signers={SIGNATURE_COUNT + 1}",
    f"{_IMAGE} signers={'9' * 5000}",
    f"{_IMAGE} signers=٣",
    f"{_IMAGE} signed-by=",
    f"{_IMAGE} signed-by={_KEY},",
    f"{_IMAGE} signed-by={_KEY},{_KEY.upper()}",
    f"{_IMAGE} signed-by={_KEY}a",
    f"{_IMAGE} signer=2",
    f"{_IMAGE} example.com/c",
    f"{_IMAGE}\0",
    f"{_IMAGE}\x1b[2J",
    "b" * 5000,
)
_BAD_IMAGES: Final[tuple[object, ...]] = (
    None,
    1,
    "",
    "a\0",
    [],
    ["example.com/b"],
    {},
    {"reference": None},
    {"reference": ["example.com/b"]},
    {"reference": _IMAGE, "Reference": _IMAGE},
    {"reference": _IMAGE, "tag": "1"},
    {"reference": _IMAGE, "platform": None},
    {"reference": _IMAGE, "platform": "All"},
    {"reference": _IMAGE, "pull-policy": "always"},
    {"reference": _IMAGE, "signers": 0},
    {"reference": _IMAGE, "signers": True},
    {"reference": _IMAGE, "signers": "2"},
    {"reference": _IMAGE, "signed-by": _KEY},
    {"reference": _IMAGE, "signed-by": []},
    {"reference": _IMAGE, "signed-by": [_KEY, _KEY.upper()]},
    {"reference": _IMAGE, "signed-by": [[_KEY]]},
)
_BAD_DOCUMENTS: Final[tuple[object, ...]] = (
    None,
    [],
    "example.com/a",
    {"images": [_IMAGE]},
    {"version": 2, "images": [_IMAGE]},
    {"version": True, "images": [_IMAGE]},
    {"version": 1},
    {"version": 1, "images": []},
    {"version": 1, "images": None},
    {"version": 1, "images": {"0": _IMAGE}},
    {"version": 1, "images": [_IMAGE, _IMAGE]},
    {"version": 1, "images": [_IMAGE], "image": []},
    {"version": 1, "images": [_IMAGE], "defaults": {"reference": _IMAGE}},
    {"version": 1, "images": [_IMAGE], "defaults": None},
    *({"version": 1, "images": ["example.com/a", image]} for image in _BAD_IMAGES),
)
_BAD_YAML: Final = (
    b"version: 1\nimages: [a]\nimages: [b]",
    b"version: 1\nimages: [a]\n---\nversion: 1",
    b"version: 1\nimages: [&a example.com/a, *a]",
    b"version: 1\nx: &a {platform: all}\nimages: [{<<: *a, reference: b}]",
    b"version: 1\nimages: [!!python/name:os.system a]",
    b"version: 1\nimages: [1.0]",
    b"version: 1\nimages: [12:30]",
    b"version: 01\nimages: [a]",
    b'version: 1\nimages: ["\\ud800"]',
    b"version: 1\nimages: &a [*a]",
)
_SPOILING: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda _: b"",
    lambda content: b"\xff" + content,
    lambda content: b"\xef\xbb\xbf" + content,
    lambda content: content + b"\n\0",
)
