"""What holds for every download, however the server behaves."""

import itertools
import socket
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.http import HttpSettings, HttpTransport
from pipeline.adapters.memory import MemoryQuarantine
from pipeline.errors import PipelineError, TruncatedBody, VerificationError
from pipeline.reference import ArchiveReference
from pipeline.results import Candidate, Downloaded, Located
from pipeline.stages.download import download_image
from pipeline.testing.fakes import EventLog, FixedClock, MemoryTransport, Page, StaticKeyring
from tests.adapters.http.conftest import ListSink, get
from tests.stages.test_download import IMAGE, SIGNATURE, StubVerifier
from tests.support.fault_server import FaultServer, http


class TestOverASocket:
    """A body that is announced arrives whole, or its transfer fails; there is no third way."""

    @settings(max_examples=40)
    @given(
        body=st.binary(max_size=3000),
        cuts=st.lists(st.integers(0, 3200), max_size=5),
        chunked=st.booleans(),
        lost=st.integers(0, 3200) | st.just(0),
    )
    def test_whole_or_failed(self, body: bytes, cuts: list[int], chunked: bool, lost: int) -> None:
        if chunked:
            pieces = _split(body, cuts)
            framed = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces if each)
            answer = http(framed + b"0\r\n\r\n", content_length=None, transfer_encoding="chunked")
        else:
            answer = http(body)
        head = answer.index(b"\r\n\r\n") + 4
        kept = answer[: max(head, len(answer) - lost)]

        def serve(connection: socket.socket) -> None:
            for piece in _split(kept, cuts):
                connection.sendall(piece)

        sink = ListSink()
        with (
            FaultServer({"/": serve}) as server,
            HttpTransport(HttpSettings(allow_http=True), SystemClock(), EventLog()) as transport,
        ):
            outcome = transport.fetch(get(server.url("/")), sink)
        if kept == answer:
            assert sink.content == body
            assert outcome.unwrap().size == len(body)
        else:
            assert isinstance(outcome.failure(), TruncatedBody)
            assert body.startswith(sink.content)


def _split(content: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut for cut in cuts if cut < len(content)), len(content)]
    return [content[start:end] for start, end in itertools.pairwise(places)]


# What a place may be like: its signature's answers, its image's, and what comes of it.
PLACES = {
    "good": ([Page(SIGNATURE)], Page(IMAGE), "image"),
    "deferred": ([Page(status=202), Page(SIGNATURE)], Page(IMAGE), "image"),
    "deferred-for-ever": ([Page(status=202)], Page(IMAGE), "next"),
    "no-signature": ([Page(status=404)], Page(IMAGE), "next"),
    "no-image": ([Page(SIGNATURE)], Page(status=500), "next"),
    "unknown-signer": ([Page(b"by another")], Page(IMAGE), "end"),
    "deferred-unknown": ([Page(status=202), Page(b"by another")], Page(IMAGE), "end"),
    "large-signature": ([Page(b"x" * ((1 << 20) + 1))], Page(IMAGE), "end"),
}


class TestCandidates:
    """The first place that has both wins, unless one before it is a reason to stop."""

    @given(st.lists(st.sampled_from(sorted(PLACES)), max_size=5))
    def test_the_first_that_counts(self, kinds: list[str]) -> None:
        pages, candidates = {}, []
        for number, kind in enumerate(kinds):
            candidate = Candidate(f"https://h/{number}.aci", f"https://h/{number}.aci.asc")
            signatures, image, _ = PLACES[kind]
            candidates.append(candidate)
            pages[candidate.signature] = _in_turn(signatures)
            pages[candidate.image] = _in_turn([image])
        quarantine = MemoryQuarantine()
        stage = download_image(
            transport=MemoryTransport(dict(pages), chunk_bytes=1 << 20),
            quarantine=quarantine,
            keyring=StaticKeyring(),
            verifier=StubVerifier(),
            clock=FixedClock(),
            observer=EventLog(),
        )
        reference = ArchiveReference("https://h/0.aci")
        outcome: Result[Downloaded, PipelineError] = stage(Located(reference, tuple(candidates)))
        counts = [n for n, kind in enumerate(kinds) if PLACES[kind][2] != "next"]
        ends_well = bool(counts) and PLACES[kinds[counts[0]]][2] == "image"
        assert is_successful(outcome) is ends_well
        if ends_well:
            assert outcome.unwrap().source == candidates[counts[0]]
        elif counts:
            assert isinstance(outcome.failure(), VerificationError)
        assert list(quarantine.blobs.values()) == [IMAGE] * ends_well


def _in_turn(pages: list[Page]) -> Callable[[int], Page]:
    return lambda asked: pages[min(asked, len(pages) - 1)]
