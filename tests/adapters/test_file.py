"""Local files: regular ones whole, everything else refused."""

import os
from pathlib import Path
from typing import Literal

import pytest
from returns.pipeline import is_successful
from returns.result import Failure, Result

from pipeline.adapters.file import FileTransport, LocalPaths
from pipeline.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    DiskFull,
    FileUnreadable,
    StoreError,
    TruncatedBody,
)
from pipeline.ports import Request, Response
from pipeline.results import Validators
from pipeline.testing.fakes import EPOCH, FixedClock
from tests.adapters.http.conftest import ListSink


def fetch(
    url: str, sink: ListSink, *, max_bytes: int = 1 << 24, clock: FixedClock | None = None
) -> Result[Response, object]:
    request = Request(url, max_bytes, idle_seconds=1, total_seconds=10)
    return FileTransport(clock or FixedClock()).fetch(request, sink)


def fail(url: str) -> FileUnreadable:
    error = fetch(url, ListSink()).failure()
    assert isinstance(error, FileUnreadable)
    return error


class TestWhole:
    def test_content_and_no_validators(self, tmp_path: Path) -> None:
        path, sink = tmp_path / "é a%.aci", ListSink()
        path.write_bytes(b"x" * 3_000_000)
        response = fetch(path.as_uri(), sink).unwrap()
        assert sink.content == b"x" * 3_000_000
        assert (response.status, response.size) == (200, 3_000_000)
        assert (response.validators, response.freshness.fetched_at) == (Validators(), EPOCH)
        assert response.freshness.max_age_seconds == 0

    def test_a_name_that_is_not_utf8(self, tmp_path: Path) -> None:
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.aci"))
        path.write_bytes(b"x")
        assert fetch(path.as_uri(), sink := ListSink()).unwrap().size == 1
        assert sink.content == b"x"

    def test_empty_and_through_a_link_and_with_a_query(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        (tmp_path / "link").symlink_to("file")
        for url in ("link", "file?query", "file#part"):
            outcome = fetch(f"{tmp_path.as_uri()}/{url}", ListSink())
            assert outcome.unwrap().size == 0

    @pytest.mark.parametrize("limit", [99, 100])
    def test_the_limit_is_inclusive(self, tmp_path: Path, limit: int) -> None:
        (tmp_path / "file").write_bytes(b"x" * 100)
        url, sink = (tmp_path / "file").as_uri(), ListSink()
        outcome = fetch(url, sink, max_bytes=limit)
        assert is_successful(outcome) is (limit == 100)
        if limit == 99:
            assert outcome.failure() == BodyTooLarge(url, 99, 100)
            assert sink.chunks == []


class TestRefused:
    def test_what_is_no_regular_file(self, tmp_path: Path) -> None:
        """A pipe without a writer would block for ever, a device has no end."""
        os.mkfifo(tmp_path / "pipe")
        for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
            assert fail(path.as_uri()).reason == "it is not a regular file"

    @pytest.mark.parametrize("method", ["HEAD", "POST"])
    def test_what_files_have_no_answer_to(
        self, tmp_path: Path, method: Literal["HEAD", "POST"]
    ) -> None:
        (tmp_path / "x").write_bytes(b"x")
        request = Request((tmp_path / "x").as_uri(), 10, 1, 10, method=method)
        sink = ListSink()
        error = FileTransport(FixedClock()).fetch(request, sink).failure()
        assert error == FileUnreadable(str(tmp_path / "x"), f"{method} is for servers")
        assert sink.content == b""

    def test_what_is_no_regular_file_is_not_even_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Opening a device can act on it: a tape rewinds, a watchdog starts."""
        os.mkfifo(tmp_path / "pipe")
        opened: list[str] = []
        monkeypatch.setattr(os, "open", lambda name, _flags: opened.append(name))
        fail((tmp_path / "pipe").as_uri())
        assert opened == []

    def test_what_becomes_a_pipe_before_it_is_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"x")
        real_open = os.open

        def swap_and_open(name: str, flags: int) -> int:
            path.unlink()
            os.mkfifo(path)
            return real_open(name, flags)

        monkeypatch.setattr(os, "open", swap_and_open)
        assert fail(path.as_uri()).reason == "it is not a regular file"

    @pytest.mark.parametrize(
        ("url", "reason"),
        [
            ("file:///no/such/file", "No such file or directory"),
            ("file:///a%00b", "no path holds a zero byte"),
            ("file://host/a", "wanted a file: URL without a host"),
            ("https://h/a", "wanted a file: URL without a host"),
            ("file://[/a", "Invalid IPv6 URL"),
            ("file:///" + "a" * 300, "File name too long"),
            ("file:///\udcff", "wanted other bytes than UTF-8 as %FF"),
        ],
    )
    def test_urls(self, url: str, reason: str) -> None:
        assert fail(url).reason == reason


class Meddling(ListSink):
    """A sink that does something to the file at the first chunk."""

    def __init__(self, meddle: object) -> None:
        super().__init__()
        self.meddle = meddle

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        if not self.chunks and callable(self.meddle):
            self.meddle()
        return ListSink.write(self, chunk)


class TestChanges:
    """What is read is one version of the file, or an error."""

    SIZE = 3_000_000

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        path = tmp_path / "file"
        path.write_bytes(b"x" * self.SIZE)
        return path

    def test_it_shrinks(self, path: Path) -> None:
        sink = Meddling(lambda: os.truncate(path, 2_000_000))
        assert fetch(path.as_uri(), sink).failure() == TruncatedBody(
            path.as_uri(), 2_000_000, self.SIZE
        )

    def test_it_grows(self, path: Path) -> None:
        sink = Meddling(lambda: os.truncate(path, 1 << 40))
        error = fetch(path.as_uri(), sink).failure()
        assert isinstance(error, FileUnreadable)
        assert error.reason == "it changed while it was read"
        assert len(sink.content) <= self.SIZE

    def test_it_is_rewritten(self, path: Path) -> None:
        sink = Meddling(lambda: os.utime(path, ns=(1, 1)))
        assert isinstance(fetch(path.as_uri(), sink).failure(), FileUnreadable)

    def test_it_takes_too_long(self, path: Path) -> None:
        clock = FixedClock()
        sink = Meddling(lambda: clock.advance(11))
        outcome = fetch(path.as_uri(), sink, clock=clock)
        assert outcome.failure() == DeadlineExceeded(path.as_uri(), 10, "total")

    def test_the_sink_is_full(self, path: Path) -> None:
        outcome = fetch(path.as_uri(), ListSink(room=10))
        assert outcome == Failure(DiskFull("/full"))


class TestPaths:
    def test_is_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"")
        (tmp_path / "link").symlink_to("file")
        (tmp_path / "dangling").symlink_to("nowhere")
        os.mkfifo(tmp_path / "pipe")
        names = ("file", "link", "dangling", "pipe", ".", "none", "file/x", "\0")
        found = {name: LocalPaths().is_file(str(tmp_path / name)) for name in names}
        assert [name for name, is_file in found.items() if is_file] == ["file", "link"]

    def test_absolute_keeps_links(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "link").symlink_to("/")
        monkeypatch.chdir(tmp_path)
        assert LocalPaths().absolute("./a/../link/b") == f"{tmp_path}/link/b"
        assert LocalPaths().absolute("/a//b/.") == "/a/b"

    def test_absolute_where_the_folder_is_gone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "gone").mkdir()
        monkeypatch.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()
        assert LocalPaths().absolute("a") == "/a"
