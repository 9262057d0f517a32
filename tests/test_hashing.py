"""Digests of streams, against hashlib in one piece."""

import hashlib
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters import MemoryQuarantine
from pipeline.digest import DigestAlgorithm
from pipeline.errors import StoreUnavailable, UnsupportedSignature
from pipeline.hashing import hash_blob, start_hashing
from pipeline.results import QuarantinedBlob
from pipeline.trust import DigestRequest, SignatureHash

ALGORITHMS: tuple[SignatureHash, ...] = ("sha1", "sha224", "sha256", "sha384", "sha512")


def canonical(content: bytes) -> bytes:
    """RFC 9580 5.2.1.2, as plainly as can be: an LF without a CR before it gets one."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", content)


def digest(request: DigestRequest, chunks: list[bytes]) -> bytes:
    hasher = start_hashing((request,)).unwrap()
    for chunk in chunks:
        hasher.update(chunk)
    (answer,) = hasher.digests()
    assert answer.request == request
    return answer.value


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("text", [False, True])
def test_every_algorithm(algorithm: SignatureHash, text: bool) -> None:
    request = DigestRequest(algorithm, text, b"trailer")
    signed = (b"a\r\nb\r\n" if text else b"a\nb\r\n") + b"trailer"
    assert digest(request, [b"a\nb\r\n"]) == hashlib.new(algorithm, signed).digest()


def test_requests_share_hashes_and_keep_their_order() -> None:
    requests = tuple(
        DigestRequest(algorithm, text, suffix)
        for suffix in (b"1", b"2")
        for algorithm in ALGORITHMS
        for text in (True, False)
    )
    hasher = start_hashing(requests).unwrap()
    hasher.update(b"a\n")
    answers = hasher.digests()
    assert tuple(answer.request for answer in answers) == requests
    for answer in answers:
        content = canonical(b"a\n") if answer.request.text else b"a\n"
        wanted = hashlib.new(answer.request.algorithm, content + answer.request.suffix)
        assert answer.value == wanted.digest()


def test_what_this_machine_cannot_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_ripemd(name: str, *, usedforsecurity: bool) -> object:
        assert not usedforsecurity
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", without_ripemd)
    error = start_hashing((DigestRequest("ripemd160", text=False, suffix=b""),)).failure()
    assert error == UnsupportedSignature("this machine cannot compute ripemd160")


def test_nothing_asked_for() -> None:
    hasher = start_hashing(()).unwrap()
    hasher.update(b"x")
    assert hasher.digests() == ()


def test_reading_a_file() -> None:
    request = DigestRequest("sha256", text=False, suffix=b"!")
    hasher = start_hashing((request,)).unwrap()
    content = b"x" * 3_000_000
    assert hasher.read_from(io.BytesIO(content)).unwrap() is None
    assert hasher.digests()[0].value == hashlib.sha256(content + b"!").digest()


def test_a_file_that_cannot_be_read() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    hasher = start_hashing(()).unwrap()
    assert hasher.read_from(Broken()).failure() == "Input/output error"


@given(st.lists(st.text("\r\nab").map(str.encode), max_size=8), st.binary(max_size=4))
def test_line_ends_whatever_the_chunks(chunks: list[bytes], suffix: bytes) -> None:
    """How a stream is cut changes nothing."""
    request = DigestRequest("sha256", text=True, suffix=suffix)
    content = b"".join(chunks)
    if re.search(rb"\r(?!\n)", content):
        assert digest(request, chunks) == b""
    else:
        assert digest(request, chunks) == hashlib.sha256(canonical(content) + suffix).digest()


def test_a_lone_cr_matters_to_text_alone() -> None:
    request = DigestRequest("sha256", text=False, suffix=b"")
    assert digest(request, [b"a\r"]) == hashlib.sha256(b"a\r").digest()


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_file_in_quarantine(algorithm: DigestAlgorithm) -> None:
    quarantine, content = MemoryQuarantine(), bytes(range(256)) * 10_000
    writer = quarantine.create("archive").unwrap()
    writer.write(content).unwrap()
    blob = writer.finish().unwrap()
    digest = hash_blob(quarantine, blob, algorithm).unwrap()
    assert (digest.algorithm, digest.hex) == (
        algorithm,
        hashlib.new(algorithm, content).hexdigest(),
    )


def test_a_file_that_is_gone_or_cut_off_has_no_digest() -> None:
    quarantine = MemoryQuarantine({"whole": b"content"})
    gone = hash_blob(quarantine, QuarantinedBlob("gone", 7), "sha256").failure()
    assert isinstance(gone, StoreUnavailable)
    cut = hash_blob(quarantine, QuarantinedBlob("whole", 8), "sha256").failure()
    assert cut == StoreUnavailable("whole", "read", "wanted 8 bytes")


def test_a_file_that_cannot_be_read_has_no_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "the disk is broken")

    monkeypatch.setattr("pipeline.adapters.memory.quarantine.io.BytesIO", Broken)
    quarantine = MemoryQuarantine({"a": b"content"})
    failure = hash_blob(quarantine, QuarantinedBlob("a", 7), "sha256").failure()
    assert failure == StoreUnavailable("a", "read", "the disk is broken")
