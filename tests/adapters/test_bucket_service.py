"""What speaks S3: what leaves an origin, what is pickled, which errors are told, how it is read."""

import io
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.response import StreamingBody
from returns.pipeline import is_successful

from pipeline.adapters import BucketStore, QuarantineFolder, open_bucket
from pipeline.adapters.bucket import answers
from pipeline.adapters.bucket.failures import attempt
from pipeline.adapters.bucket.ranges import RangeReader
from pipeline.adapters.bucket.service import S3Objects, ServiceSettings
from pipeline.bucket_path import BucketPath, parse_bucket_path
from pipeline.digest import Digest
from pipeline.errors import DiskFull, InvalidSetting, StoreCorrupt, StoreUnavailable
from pipeline.testing.fakes import FixedClock

SECRET = "c4nary-secret"
PATH = BucketPath("images", "mirror")
DIGEST = Digest("sha256", "00" * 32)


@contextmanager
def answering(
    status: int, fields: Callable[[str], dict[str, str]], body: bytes = b""
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server that answers everything in one way; yields its URL and what it was asked."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.command, self.path))
            self.send_response(status)
            for name, value in fields(self.path).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    for method in ("GET", "HEAD", "PUT", "POST"):
        setattr(Handler, f"do_{method}", Handler.answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_SESSION_TOKEN": f"{SECRET}-token",
        "AWS_REGION": "us-east-1",
        "HOME": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)


def objects_at(url: str, monkeypatch: pytest.MonkeyPatch, prefix: str = "mirror") -> S3Objects:
    """Objects of another prefix have another client, as the URL is the process'."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    port = url.rpartition(":")[2]
    return S3Objects(ServiceSettings(BucketPath("images", f"{prefix}{port}"), retries=0))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """Neither with the keys' signature nor with the session's token."""
    location = "http://another.invalid"
    with answering(200, lambda _: {}) as (other, seen):
        location = other.replace("127.0.0.1", "localhost")
        xml = f"<Error><Code>PermanentRedirect</Code><Endpoint>{location[7:]}</Endpoint></Error>"
        fields = {"x-amz-bucket-region": "elsewhere-1"}
        with answering(
            status, lambda path: fields | {"Location": f"{location}{path}"}, xml.encode()
        ) as (url, asked):
            objects = objects_at(url, monkeypatch)
            for request in (
                lambda: objects.get("store.json", 100),
                lambda: objects.put("store.json", b""),
                lambda: objects.upload("blobs/sha256/0", io.BytesIO(b"a"), 1, DIGEST),
                lambda: objects.size_of("blobs/sha256/0"),
                lambda: list(objects.keys("images/")),
                lambda: objects.delete(("images/0",)),
            ):
                error = attempt(request).failure()
                assert isinstance(error, StoreUnavailable)
                assert SECRET not in error.message
        assert asked
        assert seen == []


def test_the_secret_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(404, lambda _: {}) as (url, _):
        objects = objects_at(url, monkeypatch)
        store = BucketStore(objects, QuarantineFolder(tmp_path), FixedClock())
        assert objects.size_of("blobs/sha256/0") is None
        for shown in (repr(store).encode(), pickle.dumps(store)):
            assert SECRET.encode() not in shown
        assert pickle.loads(pickle.dumps(store)).objects == objects


def test_a_small_object_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, lambda _: {"ETag": '"e"'}, b"12345") as (url, _):
        objects = objects_at(url, monkeypatch)
        found = objects.get("store.json", 5)
        assert found is not None
        assert found.content == b"12345"
        assert isinstance(attempt(lambda: objects.get("store.json", 4)).failure(), StoreCorrupt)


def test_what_was_not_deleted_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error></DeleteResult>"
    with answering(200, lambda _: {}, body) as (url, _):
        objects = objects_at(url, monkeypatch)
        error = attempt(lambda: objects.delete(("a",))).failure()
        assert isinstance(error, StoreUnavailable)


@pytest.mark.parametrize(
    ("allow_http", "wanted"), [(False, "wanted https"), (True, "no such bucket")]
)
def test_plain_http_is_asked_for_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allow_http: bool, wanted: str
) -> None:
    body = b"<Error><Code>NoSuchBucket</Code></Error>"
    with answering(404, lambda _: {}, body) as (url, asked):
        objects = objects_at(url, monkeypatch, f"http-{allow_http}-")
        opened = open_bucket(
            objects.settings.path,
            clock=FixedClock(),
            rooms=QuarantineFolder(tmp_path),
            allow_http=allow_http,
            retries=0,
        )
        assert wanted in opened.failure().message
        assert bool(asked) == allow_http


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pipeline.adapters.bucket.service")
    monkeypatch.setitem(sys.modules, "s3transfer.manager", None)
    opened = open_bucket(PATH, clock=FixedClock(), rooms=QuarantineFolder(tmp_path))
    error = opened.failure()
    assert isinstance(error, InvalidSetting)
    assert "image-pipeline[s3]" in error.message


@pytest.mark.parametrize(
    ("code", "status", "wanted"),
    [
        ("AccessDenied", 403, "the service refuses access (AccessDenied)"),
        ("Odd", 403, "the service refuses access (Odd)"),
        ("SlowDown", 503, "the service asks for fewer requests (SlowDown)"),
        ("AuthorizationHeaderMalformed", 400, "the bucket is in another region"),
        ("InternalError", 500, "the service fails (InternalError)"),
        ("\x1b[2J secret", 500, "the service fails"),
        ("", 0, "the service fails"),
    ],
)
def test_codes(code: str, status: int, wanted: str) -> None:
    raised = ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject"
    )
    error = answers.error_of(raised, str(PATH), "write")
    assert isinstance(error, StoreUnavailable)
    assert error.reason.startswith(wanted)
    assert "secret" not in error.message


@pytest.mark.parametrize(("code", "status"), [("QuotaExceeded", 403), ("Odd", 507)])
def test_a_full_service(code: str, status: int) -> None:
    raised = ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject"
    )
    assert answers.error_of(raised, str(PATH), "write") == DiskFull(str(PATH))


class Breaking:
    """A body that breaks after some bytes."""

    def __init__(self, content: bytes, breaks_after: int) -> None:
        self.file = io.BytesIO(content)
        self.left = breaks_after

    def read(self, amt: int | None = None) -> bytes:
        if self.left <= 0:
            raise ReadTimeoutError(endpoint_url=SECRET)
        chunk = self.file.read(min(amt or self.left, self.left))
        self.left -= len(chunk)
        return chunk

    def close(self) -> None:
        self.file.close()


def test_a_body_that_breaks_is_gone_on_with() -> None:
    content = bytes(range(256)) * 2_000
    asked: list[int] = []

    def ask(first: int) -> StreamingBody:
        asked.append(first)
        return Breaking(content[first:], 100_000)  # type: ignore[return-value]  # it has the same methods

    with RangeReader(ask, len(content), retries=1) as file:
        assert file.read() == content
    assert asked == [0, 100_000, 200_000, 300_000, 400_000, 500_000]


def test_a_body_that_never_comes_is_an_error_of_files() -> None:
    asked: list[int] = []

    def ask(first: int) -> StreamingBody:
        asked.append(first)
        return Breaking(b"", 0)  # type: ignore[return-value]  # it has the same methods

    with RangeReader(ask, 10, retries=2) as file, pytest.raises(OSError, match="broke off") as told:
        file.read()
    assert SECRET not in str(told.value)
    assert asked == [0, 0, 0]


@pytest.mark.parametrize(
    "text",
    [
        "s3:/images",
        "s3://",
        "s3://im",
        "s3://Images",
        "s3://images..a",
        "s3://-images",
        "s3://images//a",
        "s3://images/../a",
        "s3://images/a/.b",
        "s3://images/-a",
        "s3://images/a?b",
        "s3://images/a b",
        "s3://images/" + "a" * 513,
        "s3://user:secret@images/a",
    ],
)
def test_no_path_in_a_bucket(text: str) -> None:
    assert not is_successful(parse_bucket_path(text))


@pytest.mark.parametrize("text", ["s3://images", "s3://images/a", "s3://a.b-1/x/y_z/1.2"])
def test_a_path_in_a_bucket(text: str) -> None:
    assert str(parse_bucket_path(text).unwrap()) == text
    assert parse_bucket_path(f"{text}/").unwrap() == parse_bucket_path(text).unwrap()
