"""Several layers as one tar, made while they stream by: nothing is unpacked.

    plan_squash: layers -> Result[Squash, SquashError]; Squash.chunks(): Iterator[Result[bytes, …]]

Two passes over the layers, the lowest first:

1. Entries are read, their data is dropped; :class:`~pipeline.archive.layering.Layering` puts each
   where it goes, and its tree tells which of them are left.
2. What is left is written, with its data, in the order in which it comes.

In both, each layer's diffID is compared; a file that changes in between is refused at its end.

The order of the tar: folders of which no layer speaks, sorted (0755, owner and time 0). Then the
entries of a lower layer before those of a higher one, each layer's in its own order. Right after an
entry come its other names, sorted, as hard links to it. An entry stands under the path at which it
was put where that is still its; where a higher layer has taken it, under the first of its other
names. The same layers make the same bytes, whatever compresses them.

Limits: archive_bytes for all layers together, uncompressed; those of
:mod:`~pipeline.archive.layering`. Memory: the tree, one chunk.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, TypeAlias, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.archive.copying import copy_header
from pipeline.archive.decompressing import Allowance, LayerIdentity, decompress_layer
from pipeline.archive.layering import Layering
from pipeline.archive.reader import Entry, Part, TarReader
from pipeline.archive.squashed_tree import SquashedTree
from pipeline.archive.tar_writer import padding, plain_header
from pipeline.digest import Digest
from pipeline.errors import (
    ImageError,
    InvalidDocument,
    NotExportable,
    StoreError,
    StoreUnavailable,
)
from pipeline.limits import CHUNK_BYTES, Limits
from pipeline.oci import CONFIG_TYPES
from pipeline.results import OciImage

SquashError: TypeAlias = ImageError | StoreError
"""What can be wrong with layers, and with what opens and reads them."""


@final
@dataclass(frozen=True, slots=True)
class SquashLayer:
    """A layer: what opens its bytes as they travelled, and what they must unpack to."""

    open: Callable[[], Result[BinaryIO, StoreError]]
    diff_id: Digest


@final
@dataclass(frozen=True, slots=True)
class Squash:
    """Layers of which it is known what is left of each."""

    layers: tuple[SquashLayer, ...]
    limits: Limits
    tree: SquashedTree

    def chunks(self, root: bytes) -> Iterator[Result[bytes | memoryview, SquashError]]:
        """Give the tar's entries, ``root`` before each path, without the end of the archive.

        Errors: a Failure is the last value: CorruptArchive for an entry whose mode, owner, time or
        device is none; else what reading the layers fails with.
        """
        for path in self.tree.unspoken():
            yield Success(plain_header(_below(root, path) + b"/", "directory"))
        number, missing = -1, 0
        behind: Iterator[Result[bytes, SquashError]] = iter(())
        for part in _parts(self.layers, self.limits):
            if not is_successful(part):
                yield Failure(part.failure())
                return
            value = part.unwrap()
            if isinstance(value, _Beginning):
                continue
            if isinstance(value, memoryview):
                if not missing:
                    continue
                missing -= len(value)
                yield Success(value)
            else:
                number += 1
                names = () if value.type == "hardlink" else self.tree.names_of(number, value)
                missing = value.size if names else 0
                if not names:
                    continue
                target = value.untrusted_link if value.type == "symlink" else b""
                header = copy_header(value, _below(root, names[0]), target, value.type)
                yield header
                if not is_successful(header):
                    return
                behind = _behind(value, names, root)
            if not missing:
                yield from behind


def layers_of(
    image: OciImage, open_blob: Callable[[Digest], Result[BinaryIO, StoreError]]
) -> Result[tuple[SquashLayer, ...], NotExportable | InvalidDocument]:
    """Return an image's layers, the lowest first.

    Errors: NotExportable for an artifact, whose blobs may be anything; InvalidDocument where its
    configuration has not a diffID for each layer.
    """
    media_type, diff_ids = image.manifest.config.media_type, image.config.diff_ids
    if media_type not in CONFIG_TYPES:
        reason = f'it is an artifact, with a configuration of type "{media_type}"'
        return Failure(NotExportable(reason))
    layers = image.manifest.layers
    if len(diff_ids) != len(layers):
        reason = f"got {len(diff_ids)}, wanted one for each of {len(layers)} layers"
        return Failure(InvalidDocument("configuration", "$.rootfs.diff_ids", reason))
    return Success(
        tuple(
            SquashLayer(partial(open_blob, layer.digest), diff_id)
            for layer, diff_id in zip(layers, diff_ids, strict=True)
        )
    )


def plan_squash(layers: tuple[SquashLayer, ...], limits: Limits) -> Result[Squash, SquashError]:
    """Read all layers once, and find out what is left of each.

    Errors: NotAnImage, CorruptArchive, ArchiveTooLarge for what is no layer, or is not one in its
    place; DiffIDMismatch; what opening and reading one fails with.
    """
    layering = Layering()
    for part in _parts(layers, limits):
        if not is_successful(part):
            return Failure(part.failure())
        value = part.unwrap()
        if isinstance(value, _Beginning):
            layering.begin()
        if not isinstance(value, Entry):
            continue
        taken = layering.take(value)
        if not is_successful(taken):
            return Failure(taken.failure())
    return Success(Squash(layers, limits, layering.tree))


@final
@dataclass(frozen=True, slots=True)
class _Beginning:
    """Another layer begins."""


def _parts(
    layers: tuple[SquashLayer, ...], limits: Limits
) -> Iterator[Result[Part | _Beginning, SquashError]]:
    allowance = Allowance(limits)
    for index, layer in enumerate(layers, 1):
        opened = layer.open()
        if not is_successful(opened):
            yield Failure(opened.failure())
            return
        yield Success(_Beginning())
        reader = TarReader()
        with opened.unwrap() as file:
            chunks = iter(partial(file.read, CHUNK_BYTES), b"")
            pieces = decompress_layer(chunks, allowance, LayerIdentity(index, layer.diff_id))
            while True:
                try:
                    piece = next(pieces, None)
                except OSError as error:
                    reason = error.strerror or str(error)
                    yield Failure(StoreUnavailable(f"layer {index}", "read", reason))
                    return
                if piece is None:
                    break
                if not is_successful(piece):
                    yield Failure(piece.failure())
                    return
                read = reader.feed(piece.unwrap())
                if not is_successful(read):
                    yield Failure(read.failure())
                    return
                yield from map(Success, read.unwrap())
        ended = reader.finish(is_known_whole=True)
        if not is_successful(ended):
            yield Failure(ended.failure())
            return


def _below(root: bytes, path: bytes) -> bytes:
    return b"/".join((root, path)) if path else root


def _behind(
    entry: Entry, names: Sequence[bytes], root: bytes
) -> Iterator[Result[bytes, SquashError]]:
    """Give what follows an entry's data: what fills it up, and its other names as hard links.

    One at a time: there may be a million of them. None fails where the entry's own header did not.
    """
    yield Success(padding(entry.size))
    for name in names[1:]:
        yield copy_header(entry, _below(root, name), _below(root, names[0]), "hardlink")
