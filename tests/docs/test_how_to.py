"""The how-to pages do what they say: their code runs as it stands, and is strictly typed."""

import ast
import asyncio
import hashlib
import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trustme
from returns.pipeline import is_successful
from returns.result import Failure

from pipeline import (
    Digest,
    Downloaded,
    Fetcher,
    OciImage,
    Unverified,
    Verified,
    in_thread,
    parse_image_name,
    this_platform,
)
from pipeline.adapters import (
    AppcDiscovery,
    FileKeystore,
    HttpSettings,
    HttpTransport,
    MemoryQuarantine,
    OpenPGPVerifier,
    SystemClock,
    open_store,
    parse_connect_to,
)
from pipeline.errors import (
    AllCandidatesFailed,
    BadSignature,
    HttpStatus,
    InsecureUrl,
    InvalidUrl,
    RetriesExhausted,
    TransportError,
    with_url,
)
from pipeline.limits import STOP_SECONDS
from pipeline.oci.platforms import oci_platform
from pipeline.ports import Request, Sink
from pipeline.reference import ArchiveReference
from pipeline.results import (
    Candidate,
    Expectations,
    Freshness,
    QuarantinedBlob,
    Unsigned,
    Validators,
)
from pipeline.secret import Secret
from pipeline.testing.fakes import EPOCH, MemoryTransport, StaticKeyring
from pipeline.testing.fakes import Page as MemoryPage
from pipeline.testing.oci import make_image as make_oci_image
from pipeline.trust import Fingerprint
from tests.docs import how_to, mirroring
from tests.support.registry_site import RegistrySite, use_lookaside
from tests.support.sinks import ResumableSink
from tests.support.world import (
    HOST,
    IMAGE_PATH,
    REFERENCE,
    Answer,
    Page,
    World,
    make_image,
    serving,
    sign,
)

ROOT = how_to.PAGES.parents[1]
URL = f"https://{HOST}/images/app.aci"
PUBLIC = {"pipeline", "pipeline.adapters", "pipeline.errors", "pipeline.ports", "pipeline.testing"}


def test_the_index_links_every_page() -> None:
    index = (how_to.PAGES / "README.md").read_text()
    for page in how_to.names():
        assert f"({page}.md)" in index


def test_every_page_is_run_here() -> None:
    for page in how_to.names():
        tests = [name for name in globals() if name.startswith(f"test_{page.replace('-', '_')}")]
        assert tests, f"nothing runs {page}.md"


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with each page's Python as a module."""
    folder = tmp_path_factory.mktemp("how_to")
    for page in how_to.names():
        (folder / f"{page.replace('-', '_')}.py").write_text(how_to.code_of(page))
    return folder


def test_mypy_finds_nothing(modules: Path) -> None:
    cache = ROOT / ".mypy_cache/how-to"
    command = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={cache}", str(modules)]
    options = ["--disallow-any-explicit", "--disallow-any-unimported", "--warn-unreachable"]
    # Without the repository's own settings: they are not the reader's.
    done = _run([*command, *options, "--config-file="])
    assert done.returncode == 0, done.stdout + done.stderr


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_ruff_finds_nothing(modules: Path) -> None:
    common = [f"--config={ROOT / 'pyproject.toml'}", "--no-cache", str(modules)]
    for command in (["format", "--check"], ["check", "--extend-select=I", "--ignore=E402,T20"]):
        ruff = [str(Path(sys.executable).parent / "ruff"), *command, *common]
        done = _run(ruff)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", how_to.names())
def test_only_public_modules_are_imported_and_no_type_is_argued_away(page: str) -> None:
    code = how_to.code_of(page)
    imported: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            assert node.module is not None
            imported.add(node.module)
        elif isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    ours = {name for name in imported if name.partition(".")[0] == "pipeline"}
    assert ours <= PUBLIC
    for evasion in ("Any", "cast(", "type: ignore", "noqa"):
        assert evasion not in code


@pytest.fixture
def here(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose site is where the pages' hosts are, and whose maker is trusted."""
    monkeypatch.setattr("pipeline.adapters.http.HttpSettings", lambda: settings(world))
    keystore = FileKeystore(system=world.home / "system", local=world.home / "config")
    fingerprint = Fingerprint(str(world.key.fingerprint).replace(" ", "").lower())
    prefix = parse_image_name(f"{HOST}/app").unwrap()
    keystore.add(prefix, {fingerprint: bytes(world.key.pubkey)}).unwrap()
    return world


def settings(world: World, port: int | None = None, *hosts: str) -> HttpSettings:
    rules = [f"{host}:443:127.0.0.1:{port or world.port}" for host in (HOST, *hosts)]
    return HttpSettings(
        ca_file=str(world.home / "ca.pem"),
        connect_to=tuple(parse_connect_to(rule).unwrap() for rule in rules),
    )


@pytest.fixture
def web(here: World) -> Iterator[HttpTransport]:
    with HttpTransport(settings(here), SystemClock()) as transport:
        yield transport


def push(world: World) -> Digest:
    """Put a registry image and its signature on the site."""
    image = make_oci_image({"bin/app": b"app"}, platform=oci_platform(this_platform()))
    registry = RegistrySite(world.site)
    registry.push("app", "1.2.0", image)
    registry.sign(world.key, image.descriptor.digest, f"{HOST}/app:1.2.0")
    use_lookaside(world.home)
    return image.descriptor.digest


def test_without_a_store(
    here: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = push(here)
    here.publish()
    (here.home / "app.asc").write_text(str(here.key.pubkey))
    [policy] = how_to.blocks_of("without-a-store", "json")
    (here.home / "policy.json").write_text(policy.replace("/etc/keys", str(here.home)))
    page = how_to.run("without-a-store")
    for extracted in (page.archive, page.image):
        assert isinstance(extracted.origin, Verified)
    assert page.image.image_id == digest
    assert isinstance(page.image.manifest, OciImage)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{HOST}/app: 0 dependencies"
    assert said[1].startswith(f"{HOST}/app: configuration of ")
    assert here.store_files() == []


def test_own_verify_stage(here: World, web: HttpTransport) -> None:
    page = how_to.run("own-verify-stage")
    image, room = make_image(), MemoryQuarantine()
    here.site.pages[IMAGE_PATH] = image
    listed = frozenset({Digest("sha256", hashlib.sha256(image).hexdigest())})
    extracted = page.make_pull(listed, web, room, StaticKeyring())(REFERENCE).unwrap()
    assert isinstance(extracted.origin, Unverified)
    assert "is on the allow-list" in extracted.origin.reason
    assert extracted.origin.decision.policy == "allow-list"
    refused = page.make_pull(page.allowed, web, room, StaticKeyring())(REFERENCE).failure()
    assert isinstance(refused, page.NotOnTheList)
    assert refused.digest in listed


def test_own_verify_stage_for_a_registry_image(here: World, web: HttpTransport) -> None:
    page = how_to.run("own-verify-stage")
    digest, reference = push(here), f"docker://{HOST}/app:1.2.0"
    pull = page.make_pull(frozenset({digest}), web, MemoryQuarantine(), StaticKeyring())
    assert pull(reference).unwrap().image_id == digest
    pull = page.make_pull(page.allowed, web, MemoryQuarantine(), StaticKeyring())
    assert pull(reference).failure() == page.NotOnTheList(digest)


def test_own_verify_stage_beside_a_signature() -> None:
    page, room = how_to.run("own-verify-stage"), MemoryQuarantine({"a": b"image"})
    digest = Digest("sha256", hashlib.sha256(b"image").hexdigest())
    downloaded = _downloaded_blob("a", 5)
    verified = Verified(downloaded, ())
    assert page.also_listed(frozenset({digest}), room)(verified).unwrap() is verified
    refused = page.also_listed(frozenset(), room)(verified)
    assert refused.failure() == page.NotOnTheList(digest)


def _downloaded_blob(key: str, size: int) -> Downloaded:
    return Downloaded(
        ArchiveReference(URL),
        Expectations(),
        Candidate(URL, f"{URL}.asc"),
        QuarantinedBlob(key, size),
        Unsigned(),
        Validators(),
        Freshness(EPOCH),
    )


def test_mirrors_and_fallbacks(here: World, authority: trustme.CA) -> None:
    page, room, image = how_to.run("mirrors-and-fallbacks"), MemoryQuarantine(), make_image()
    here.site.pages |= {"/example/app.aci": image, "/example/app.aci.asc": sign(here.key, image)}
    mirrors = ("files.corp", "backup.corp")
    with (
        serving(here.site, authority, HOST, *mirrors) as port,
        HttpTransport(settings(here, port, *mirrors), SystemClock()) as web,
    ):
        extracted = page.make_pull(web, room)(URL).unwrap()
        assert extracted.origin.downloaded.source.image == "https://backup.corp/example/app.aci"
        asked = ["/copies/app.aci.asc", "/example/app.aci.asc", "/example/app.aci"]
        assert here.site.asked_for() == asked
        here.site.pages.clear()
        failure = page.make_pull(web, room)(URL).failure()
    assert isinstance(failure, AllCandidatesFailed)
    assert len(failure.causes) == 3


def test_mirrors_and_fallbacks_to_another_image(here: World, web: HttpTransport) -> None:
    page, room = how_to.run("mirrors-and-fallbacks"), MemoryQuarantine()
    here.publish()
    newer = REFERENCE.replace("1.2.0", "2.0.0")
    fetch = page.first_that_serves(page.make_pull(web, room))
    assert is_successful(fetch((newer, REFERENCE)))
    here.site.pages[f"{IMAGE_PATH}.asc"] = sign(here.key, b"another")
    assert isinstance(fetch((REFERENCE, newer)).failure(), BadSignature)
    failure = fetch((newer, newer)).failure()
    assert isinstance(failure, page.NothingServed)
    assert len(failure.causes) == 2
    assert "404" in failure.message


def test_audit_every_stage(here: World, web: HttpTransport) -> None:
    page, log = how_to.run("audit-every-stage"), io.StringIO()
    store = open_store(here.home / "audited", clock=SystemClock()).unwrap()
    here.publish()
    with store.quarantine() as opened:
        fetch = page.make_fetch(web, opened.unwrap(), store, log)
        stored = fetch(REFERENCE).unwrap()
        refused = fetch(f"https://{HOST}/missing.aci?token=s3cret").failure()
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    stages = ["parse", "discover", "download", "verify", "extract", "store"]
    assert [line["stage"] for line in lines] == [*stages, *stages[:3]]
    assert lines[3]["signers"] == [str(here.key.fingerprint).replace(" ", "").lower()]
    assert lines[4]["image"] == lines[5]["image"] == str(stored.image_id)
    assert lines[-1]["error"] == refused.kind == "signature-unavailable"
    assert "s3cret" not in log.getvalue()


def make_fetcher(world: World, web: HttpTransport) -> Fetcher:
    clock = SystemClock()
    return Fetcher(
        transport=web,
        discovery=AppcDiscovery(web),
        keyring=FileKeystore(system=world.home / "system", local=world.home / "config"),
        verifier=OpenPGPVerifier(),
        store=open_store(world.home / "store", clock=clock).unwrap(),
        clock=clock,
        platform=this_platform(),
    )


def publish_many(world: World, count: int) -> list[str]:
    paths = [f"/images/{number}.aci" for number in range(count)]
    for path in paths:
        world.publish(make_image(content=path.encode()), path)
    return [f"https://{HOST}{path}" for path in paths]


def test_fetch_many(here: World, capsys: pytest.CaptureFixture[str]) -> None:
    page, urls = how_to.run("fetch-many"), publish_many(here, 6)
    wanted = [*urls[:3], f"https://{HOST}/missing.aci", *urls[3:], "not a reference"]
    # As the page says: with retries, which a 404 has none of.
    assert page.main(wanted) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1].rstrip(":") for line in lines[:7]] == wanted[:7]
    assert [line.split()[0] for line in (lines[3], lines[7])] == [
        "signature-unavailable",
        "invalid-reference",
    ]
    assert len({line.split()[0] for line in lines}) == 8


def test_fetch_many_so_many_at_a_time(here: World, web: HttpTransport) -> None:
    page, urls = how_to.run("fetch-many"), publish_many(here, 8)
    lock, now, most = threading.Lock(), [0], [0]

    def slowly(body: Page, _: int) -> Answer:
        assert isinstance(body, bytes)
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.05)
        with lock:
            now[0] -= 1
        return Answer(body)

    for path, body in list(here.site.pages.items()):
        if path.endswith(".aci"):
            here.site.pages[path] = partial(slowly, body)
    outcomes = page.fetch_all(make_fetcher(here, web), urls, most=3)
    assert all(map(is_successful, outcomes))
    assert 1 < most[0] <= 3


def stall(world: World, path: str = IMAGE_PATH) -> tuple[threading.Event, threading.Event]:
    """Have an image's body begin and not end; return what tells that it began, and what ends it."""
    began, over = threading.Event(), threading.Event()

    def silently(_: int) -> Answer:
        began.set()
        over.wait(20)
        return Answer(status=404)

    world.site.pages[path] = silently
    return began, over


def test_from_asyncio(here: World, web: HttpTransport) -> None:
    page, urls = how_to.run("from-asyncio"), publish_many(here, 6)
    fetcher = make_fetcher(here, web)
    outcomes = asyncio.run(page.fetch_all(fetcher, [*urls, f"https://{HOST}/missing.aci"], most=2))
    assert all(map(is_successful, outcomes[:6]))
    assert outcomes[6].failure().kind == "signature-unavailable"


def test_from_asyncio_cancels(here: World, web: HttpTransport) -> None:
    page, fetcher = how_to.run("from-asyncio"), make_fetcher(here, web)
    here.publish()
    body = here.site.pages[IMAGE_PATH]
    began, over = stall(here)

    async def cancel_it_in_mid_transfer() -> float:
        task = asyncio.create_task(page.fetch(fetcher, REFERENCE))
        assert await in_thread(lambda _: began.wait(20))
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - started

    assert asyncio.run(cancel_it_in_mid_transfer()) < STOP_SECONDS
    # Quarantine is empty and the locks are free: the same fetch goes on at once.
    assert here.store_files() == []
    here.site.pages[IMAGE_PATH] = body
    assert is_successful(asyncio.run(page.fetch_within(fetcher, REFERENCE, 60.0)))
    over.set()


def test_from_asyncio_a_timeout(here: World, web: HttpTransport) -> None:
    page, fetcher = how_to.run("from-asyncio"), make_fetcher(here, web)
    here.publish()
    _, over = stall(here)
    assert asyncio.run(page.fetch_within(fetcher, REFERENCE, 0.2)) is None
    over.set()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, MemoryTransport]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "t0ken")
    web = MemoryTransport({})
    page = how_to.run("own-transport")
    return page.open_bucket("https://s3.example.com", "images", "us-east-1", web), web


def test_own_transport_signs_for_the_bucket_alone(s3: tuple[Any, MemoryTransport]) -> None:
    transport, web = s3
    base = "https://s3.example.com/images/"
    for url in (
        base,
        f"{base}app.aci?versionId=1",
        f"{base}app.aci#part",
        f"{base}../other/app.aci",
        f"{base}%2e%2e/other/app.aci",
        "https://s3.example.com/images",
        "https://s3.example.com/images-evil/app.aci",
        "https://s3.example.com.evil.example/images/app.aci",
        "http://s3.example.com/images/app.aci",
        "file:/app.aci",
        "app.aci",
        "https://s3.example.com:444/images/app.aci",
        "\ud800",
    ):
        failure = transport.fetch(Request(url, 10, 1.0, 1.0), ResumableSink()).failure()
        assert isinstance(failure, InvalidUrl), url
    posted = Request(f"{base}app.aci", 10, 1.0, 1.0, method="POST")
    assert isinstance(transport.fetch(posted, ResumableSink()).failure(), InvalidUrl)
    assert web.requests == []


def test_own_transport_sends_the_signature_and_nothing_else(
    s3: tuple[Any, MemoryTransport],
) -> None:
    transport, web = s3
    url = "https://s3.example.com/images/app.aci"
    token = (("Authorization", Secret("of a registry")),)
    asked = Request(url, 10, 1.0, 2.0, headers=token, plain_headers=token)
    failure = transport.fetch(asked, ResumableSink()).failure()
    [sent] = web.requests
    assert sent.url.startswith(f"{url}?")
    assert "X-Amz-Signature=" in sent.url
    assert (sent.headers, sent.plain_headers, sent.is_anonymous) == ((), (), True)
    assert (sent.max_bytes, sent.idle_seconds, sent.total_seconds) == (10, 1.0, 2.0)
    assert failure == HttpStatus(url, 404)


def test_own_transport_shows_no_signature(s3: tuple[Any, MemoryTransport]) -> None:
    transport, _ = s3
    url, sink = "https://s3.example.com/images/app.aci", ResumableSink()

    class Answering:
        """Has every URL, or fails on every URL."""

        error: TransportError | None = None

        def fetch(self, request: Request, sink: Sink) -> Any:
            if self.error is not None:
                return Failure(with_url(self.error, URL, request.url))
            return MemoryTransport({request.url: MemoryPage(b"content")}).fetch(request, sink)

    answering = Answering()
    transport = replace(transport, web=answering)
    told = transport.fetch(Request(url, 10, 1.0, 1.0), sink).unwrap()
    assert told.url == sink.begun[0].url == url
    refused = HttpStatus(URL, 503)
    for error in (refused, InsecureUrl("http://x/", URL), RetriesExhausted(URL, (refused,))):
        answering.error = error
        failure = transport.fetch(Request(url, 10, 1.0, 1.0), sink).failure()
        assert failure == with_url(error, URL, url)
        assert "Amz" not in repr(failure)


def test_quarantine_elsewhere(here: World, web: HttpTransport) -> None:
    page = how_to.run("quarantine-elsewhere")
    here.publish()
    with TemporaryDirectory(dir="/dev/shm") as folder:
        scratch = Path(folder)
        assert scratch.stat().st_dev != here.home.stat().st_dev
        stored = page.fetch(REFERENCE, web, here.home / "store", scratch)
        assert [path.name for path in (scratch / "quarantine").iterdir()] == []
    store = open_store(here.home / "store", clock=SystemClock()).unwrap()
    kept = store.resolve(stored.image_id.hex).unwrap()
    assert kept == replace(stored, outcome="already-stored")


def test_nightly_mirror() -> None:
    """Its units and manifests are read: tests/docs/test_mirroring.py looks at what they say."""
    service, timer = (mirroring.unit_of(text) for text in how_to.blocks_of("nightly-mirror", "ini"))
    assert service["Service"]["ProtectSystem"] == ["strict"]
    assert timer["Timer"]["OnCalendar"]
    _, manifests = how_to.blocks_of("nightly-mirror", "yaml")
    assert [each["kind"] for each in mirroring.documents(manifests)] == ["ConfigMap", "CronJob"]


def test_mirror_on_a_cluster() -> None:
    """Its configuration has an authority, and certificates for all three sides."""
    (text,) = how_to.blocks_of("mirror-on-a-cluster", "yaml")
    (document,) = mirroring.documents(text)
    tls = document["distributed"]["comm"]["tls"]
    assert set(tls) == {"ca-file", "scheduler", "worker", "client"}
