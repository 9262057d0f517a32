"""Conformance checks for whoever writes a quarantine: :func:`check_quarantine`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from returns.pipeline import is_successful
from returns.result import Result

from pipeline.digest import Digest
from pipeline.errors import StoreError
from pipeline.ports import BodyStart, Partial, Quarantine, ResumePoint
from pipeline.results import Validators
from pipeline.testing.conformance.promises import expect, expect_success
from pipeline.testing.samples import URL


def check_quarantine(
    make: Callable[[], AbstractContextManager[Result[Quarantine, StoreError]]],
) -> None:
    """Check that a quarantine keeps what the port promises.

    Errors: NonConformance.
    """
    with make() as opened:
        quarantine = expect_success(opened, "open a quarantine")
        writer = expect_success(quarantine.create("one"), "create a file")
        for chunk in (b"a", b"", b"bc" * 100_000):
            expect_success(writer.write(chunk), "write to a file")
        blob = expect_success(writer.finish(), "finish a file")
        expect(blob.size == 200_001, f"a finished file has its size, got {blob.size}")
        expect(not is_successful(writer.write(b"x")), "a finished file is not written to")
        again = expect_success(quarantine.create("one"), "create a second file of one label")
        other = expect_success(again.finish(), "finish an empty file")
        expect(other.key != blob.key and other.size == 0, "files of one label are apart")
        for _ in range(2):
            with expect_success(quarantine.open(blob), "open a finished file") as file:
                expect(file.read() == b"a" + b"bc" * 100_000, "a file holds what was written")
        writer.discard()
        writer.discard()
        expect(not is_successful(quarantine.open(blob)), "a discarded file is gone")
        expect_success(quarantine.create("unfinished"), "create a file and leave it")
    with make() as reopened:
        quarantine = expect_success(reopened, "open a quarantine again")
        expect(not is_successful(quarantine.open(other)), "closing a quarantine empties it")
    _check_partials(make)


def _check_partials(
    make: Callable[[], AbstractContextManager[Result[Quarantine, StoreError]]],
) -> None:
    """Check what is promised of bodies that outlast their session."""
    strong = Validators('"v1"')
    start = BodyStart(URL, 0, 6, strong)

    def leave(validators: Validators, *, finish: bool = False) -> None:
        with make() as opened:
            held = _resumed(opened)
            expect_success(held.begin(BodyStart(URL, 0, 6, validators)), "begin a body")
            expect_success(held.write(b"abc"), "write a body")
            if finish:
                expect_success(held.write(b"def"), "write a body")
                expect(expect_success(held.finish(), "finish a body").size == 6, "it has its size")

    def expect_nothing(promise: str) -> None:
        with make() as opened:
            held = _resumed(opened)
            expect(held.resume_point() is None, promise)
            held.discard()

    expect_nothing("of a URL that was never fetched, nothing is held")
    leave(strong)
    with make() as first, make() as second:
        held = _resumed(first)
        expect(held.resume_point() == ResumePoint(3, strong, 6), "a session knows what is held")
        busy = expect_success(second, "open a second quarantine").resume(URL, 0)
        expect(not is_successful(busy), "no two sessions are at one body")
        held.release()
        held.release()
        held = _resumed(second)
        expect(held.resume_point() == ResumePoint(3, strong, 6), "what was released is held")
        expect(not is_successful(held.begin(replace(start, offset=4))), "no byte may be missing")
        expect_success(held.begin(replace(start, offset=3)), "go on with a body")
        expect_success(held.write(b"def"), "write a body")
        wanted = ResumePoint(5, strong, 6)
        expect(held.resume_point() == wanted, "of a whole body the last byte is asked for again")
        expect_success(held.begin(replace(start, offset=1)), "go back in a body")
        expect_success(held.write(b"x"), "write a body")
        with expect_success(held.read(), "read what is held") as file:
            expect(file.read() == b"ax", "what is beyond the beginning of a new part is void")
        held.discard()
    expect_nothing("of a body that was discarded, nothing is held")
    leave(Validators())
    expect_nothing("of a body without a validator, nothing is held")
    leave(strong, finish=True)
    expect_nothing("of a finished body, nothing is held after its session")
    _check_blob_partials(make)


def _check_blob_partials(
    make: Callable[[], AbstractContextManager[Result[Quarantine, StoreError]]],
) -> None:
    """Check what is promised of content on its way that is named by its digest."""
    digest, other = Digest("sha256", "0" * 64), Digest("sha512", "0" * 128)

    def resumed(opened: Result[Quarantine, StoreError], wanted: Digest = digest) -> Partial:
        quarantine = expect_success(opened, "open a quarantine")
        return expect_success(quarantine.resume_blob(wanted, 0), "take up what is held")

    with make() as opened:
        held = resumed(opened)
        expect(held.resume_point() is None, "of what was never fetched, nothing is held")
        expect_success(held.begin(BodyStart(URL, 0, 6, Validators())), "begin")
        expect_success(held.write(b"abc"), "write")
    with make() as opened:
        expect(resumed(opened, other).resume_point() is None, "a digest has its own content")
    with make() as first, make() as second:
        held = resumed(first)
        wanted = ResumePoint(3, Validators(), 6, content_addressed=True)
        expect(held.resume_point() == wanted, "content needs no validator to be gone on with")
        expect(resumed(first).resume_point() is None, "what a session holds, it begins anew")
        busy = expect_success(second, "open a second quarantine").resume_blob(digest, 0)
        expect(not is_successful(busy), "no two sessions are at one content")
        elsewhere = BodyStart(f"{URL}/elsewhere", 3, 6, Validators('"another server"'))
        expect_success(held.begin(elsewhere), "go on from another place")
        expect_success(held.write(b"def"), "write")
        blob = expect_success(held.finish(), "finish")
        with expect_success(expect_success(first, "").open(blob), "open what is whole") as file:
            expect(file.read() == b"abcdef", "the parts are joined")
        held.discard()
        expect(resumed(second).resume_point() is None, "what is discarded is not held")


def _resumed(opened: Result[Quarantine, StoreError]) -> Partial:
    quarantine = expect_success(opened, "open a quarantine")
    return expect_success(quarantine.resume(URL, 0), "take up what is held, or was released")
