r"""Digests of a stream as signatures need them: once through the bytes for all that was asked.

    tuple[DigestRequest, ...] -> Result[StreamHasher, UnsupportedSignature]
    chunks                    -> tuple[SignedDigest, ...]
    Quarantine, blob          -> Result[Digest, StoreError]

A signature hashes the file and then its own trailer (RFC 9580 section 5.2.4). Requests that agree
on algorithm and text mode share one hash of the file; each trailer goes into a copy of it.

In text mode (RFC 9580 section 5.2.1.2) line ends are hashed as CR LF: a lone LF becomes CR LF, CR
LF stays. Over a CR that no LF follows there is no text digest: gpg hashes it as it is or drops it,
sqv takes it for a line end.

Nothing here judges an algorithm: MD5 cannot be asked for, and what is too weak the verifier says.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, BinaryIO, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import StoreError, StoreUnavailable, UnsupportedSignature
from pipeline.limits import CHUNK_BYTES
from pipeline.ports import Quarantine
from pipeline.results import QuarantinedBlob
from pipeline.trust import DigestRequest, SignatureHash, SignedDigest

if TYPE_CHECKING:
    from hashlib import _Hash


@final
class StreamHasher:
    r"""Takes a stream in chunks of any size; made by :func:`start_hashing`.

    >>> request = DigestRequest("sha256", text=True, suffix=b"!")
    >>> hasher = start_hashing((request,)).unwrap()
    >>> hasher.update(b"a\r")
    >>> hasher.update(b"\nb\n")
    >>> hasher.digests()[0].value == hashlib.sha256(b"a\r\nb\r\n!").digest()
    True
    """

    def __init__(
        self,
        requests: tuple[DigestRequest, ...],
        hashes: dict[tuple[SignatureHash, bool], "_Hash"],
    ) -> None:
        """Take the requests, and for each distinct (algorithm, text) an empty hash."""
        self._requests = requests
        self._empty = hashes
        self.restart()

    def restart(self) -> None:
        """Forget every byte: the stream begins anew."""
        self._hashes = {key: empty.copy() for key, empty in self._empty.items()}
        self._binary = [self._hashes[key].update for key in self._hashes if not key[1]]
        self._text = [self._hashes[key].update for key in self._hashes if key[1]]
        self._ends_in_cr = False
        self._has_lone_cr = False
        self.count: int = 0

    def update(self, chunk: bytes) -> None:
        """Take the next bytes; ``count`` is how many it has taken."""
        self.count += len(chunk)
        _each(self._binary, chunk)
        if not self._text:
            return
        if self._ends_in_cr:
            chunk = b"\r" + chunk
        # What a CR at the very end means, the next chunk tells.
        self._ends_in_cr = chunk.endswith(b"\r")
        if self._ends_in_cr:
            chunk = chunk[:-1]
        if chunk.count(b"\r") != chunk.count(b"\r\n"):
            self._has_lone_cr = True
        _each(self._text, chunk.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    def read_from(self, file: BinaryIO, most: int | None = None) -> Result[None, str]:
        """Take a file, at most so many bytes of it; the failure is the system's reason."""
        left = most
        try:
            while chunk := file.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left)):
                self.update(chunk)
                left = None if left is None else left - len(chunk)
        except OSError as error:
            return Failure(error.strerror or str(error))
        return Success(None)

    def digests(self) -> tuple[SignedDigest, ...]:
        """Return the answers, in the order of the requests; the stream is over.

        A stream with a CR that no LF follows has no answer as text: the value is empty. Programs
        differ in what they hash there, so one that signed something else must not be believed.
        """
        return tuple(self._answer(request) for request in self._requests)

    def _answer(self, request: DigestRequest) -> SignedDigest:
        if request.text and (self._has_lone_cr or self._ends_in_cr):
            return SignedDigest(request, b"")
        digest = self._hashes[request.algorithm, request.text].copy()
        digest.update(request.suffix)
        return SignedDigest(request, digest.digest())


def start_hashing(
    requests: tuple[DigestRequest, ...],
) -> Result[StreamHasher, UnsupportedSignature]:
    """Prepare to hash a stream for ``requests``.

    Errors: UnsupportedSignature where this machine's OpenSSL lacks an algorithm, as it often does
    RIPEMD-160.
    """
    hashes: dict[tuple[SignatureHash, bool], _Hash] = {}
    for request in requests:
        made = _new_hash(request.algorithm)
        if not is_successful(made):
            return Failure(made.failure())
        hashes.setdefault((request.algorithm, request.text), made.unwrap())
    return Success(StreamHasher(requests, hashes))


def digest_of(algorithm: DigestAlgorithm, content: bytes) -> Digest:
    """Return the digest of bytes that are in memory.

    >>> digest_of("sha256", b"").hex[:8]
    'e3b0c442'
    """
    return Digest(algorithm, hashlib.new(algorithm, content).hexdigest())


def hash_blob(
    quarantine: Quarantine, blob: QuarantinedBlob, algorithm: DigestAlgorithm
) -> Result[Digest, StoreError]:
    """Return the digest of a file in quarantine: of an archive as it travelled, of a manifest.

    Errors: what the quarantine fails with; StoreUnavailable where the file cannot be read whole.
    """
    opened = quarantine.open(blob)
    if not is_successful(opened):
        return Failure(opened.failure())
    request = DigestRequest(algorithm, text=False, suffix=b"")
    hasher = start_hashing((request,)).unwrap()
    with opened.unwrap() as file:
        read = hasher.read_from(file)
    if not is_successful(read):
        return Failure(StoreUnavailable(blob.key, "read", read.failure()))
    if hasher.count != blob.size:
        return Failure(StoreUnavailable(blob.key, "read", f"wanted {blob.size} bytes"))
    return Success(Digest(algorithm, hasher.digests()[0].value.hex()))


def _new_hash(algorithm: SignatureHash) -> "Result[_Hash, UnsupportedSignature]":
    try:
        # Also where a policy forbids the algorithm for new signatures: this one exists already,
        # and the verifier is who refuses it, by name.
        return Success(hashlib.new(algorithm, usedforsecurity=False))
    except ValueError:
        return Failure(UnsupportedSignature(f"this machine cannot compute {algorithm}"))


def _each(updates: Iterable[Callable[[bytes], None]], chunk: bytes) -> None:
    for update in updates:
        update(chunk)
