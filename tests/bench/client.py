"""One way to fetch a URL, in a process of its own: ``tests.bench.client WAY URL CA FOLDER``.

The ways: ``stage``, the whole download stage into a store's quarantine, hashed with SHA-256 as a
signature wants it; ``transport``, ours to nowhere; ``httpx``, a plain client to nowhere;
``httpx-file``, a plain client that writes and hashes in the loop that receives.
"""

import hashlib
import ssl
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import final

import httpx
from returns.result import Result, Success

from pipeline.adapters.clock import SystemClock
from pipeline.adapters.http import HttpSettings, HttpTransport
from pipeline.adapters.layout import open_store
from pipeline.adapters.retrying import RetryingTransport
from pipeline.errors import StoreError
from pipeline.events import SILENCE
from pipeline.hashing import start_hashing
from pipeline.limits import DEFAULT_LIMITS, GIB
from pipeline.ports import BodyStart, Request, ResumePoint
from pipeline.reference import ArchiveReference
from pipeline.results import Candidate, Located
from pipeline.stages.download.image import Attempt, fetch_image
from pipeline.stages.download.transfer import Ports
from pipeline.trust import DigestRequest


@final
@dataclass(slots=True)
class Nowhere:
    """A sink that forgets."""

    def resume_point(self) -> ResumePoint | None:
        return None

    def begin(self, start: BodyStart) -> Result[None, StoreError]:
        return Success(None)

    def write(self, chunk: bytes) -> Result[None, StoreError]:
        return Success(None)


def stage(url: str, ca: str, folder: Path) -> None:
    clock = SystemClock()
    store = open_store(folder, clock=clock).unwrap()
    settings = HttpSettings(ca_file=ca, allow_http=True)
    candidate = Candidate(url, url)
    located = Located(ArchiveReference(url), (candidate,))
    hasher = start_hashing((DigestRequest("sha256", text=False, suffix=b""),)).unwrap()
    with HttpTransport(settings, clock) as http, store.quarantine() as opened, ExitStack() as undo:
        transport = RetryingTransport(http, clock)
        ports = Ports(transport, opened.unwrap(), clock, DEFAULT_LIMITS, SILENCE, lambda _: None)
        fetch_image(ports, Attempt(located, candidate), hasher, undo).unwrap()


def transport(url: str, ca: str, folder: Path) -> None:
    clock = SystemClock()
    settings = HttpSettings(ca_file=ca, allow_http=True)
    with HttpTransport(settings, clock) as http:
        request = Request(url, 32 * GIB, 60, 600)
        RetryingTransport(http, clock).fetch(request, Nowhere()).unwrap()


def plain(url: str, ca: str, folder: Path, *, http2: bool = False) -> None:
    context = ssl.create_default_context(cafile=ca)
    with httpx.Client(verify=context, http2=http2) as client, client.stream("GET", url) as answer:
        for _ in answer.iter_raw():
            pass


def plain_to_file(url: str, ca: str, folder: Path) -> None:
    digest = hashlib.sha256()
    folder.mkdir(exist_ok=True)
    context = ssl.create_default_context(cafile=ca)
    with (
        httpx.Client(verify=context) as client,
        client.stream("GET", url) as answer,
        (folder / "file").open("wb") as file,
    ):
        for chunk in answer.iter_raw():
            digest.update(chunk)
            file.write(chunk)


WAYS = {"stage": stage, "transport": transport, "httpx": plain, "httpx-file": plain_to_file}

if __name__ == "__main__":
    WAYS[sys.argv[1]](sys.argv[2], sys.argv[3], Path(sys.argv[4]))
