"""No secret reaches a terminal, a log, an event or a file, whatever a server answers."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.world import HOST, IMAGE_PATH, REFERENCE, Answer, World

PASSWORD = "c4nary-p4ssword"
BASIC = base64.b64encode(f"me:{PASSWORD}".encode()).decode()
TOKEN = "c4nary-t0ken"
KEY = "c4naryAwsSecretKey"


def auth(kind: str, **credentials: str) -> Callable[[World], None]:
    """Credentials for the host in ``auth.d``."""
    document = {
        "rktKind": "auth",
        "rktVersion": "v1",
        "domains": [HOST],
        "type": kind,
        "credentials": credentials,
    }

    def write(world: World) -> None:
        folder = world.home / "config" / "auth.d"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "here.json").write_text(json.dumps(document))

    return write


def netrc(world: World) -> None:
    (world.home / ".netrc").write_text(f"machine {HOST} login me password {PASSWORD}\n")


KINDS: dict[str, tuple[Callable[[World], None], tuple[str, ...], str]] = {
    "basic": (auth("basic", user="me", password=PASSWORD), (PASSWORD, BASIC), f"Basic {BASIC}"),
    "oauth": (auth("oauth", token=TOKEN), (TOKEN,), f"Bearer {TOKEN}"),
    "aws": (
        auth("aws", accessKeyID="c4naryId", secretAccessKey=KEY, awsRegion="us-east-1"),
        (KEY, "c4naryId", "AWS4-HMAC"),
        "AWS4-HMAC-SHA256 ",
    ),
    "netrc": (netrc, (PASSWORD, BASIC), f"Basic {BASIC}"),
}

ANSWERS: dict[str, Answer | None] = {
    "as it should": None,
    "not found": Answer(status=404),
    "unauthorized": Answer(status=401, headers={"WWW-Authenticate": "Basic"}),
    "broken": Answer(status=500),
    "elsewhere": Answer(status=302, headers={"Location": "https://other.test/x"}),
    "down to http": Answer(status=302, headers={"Location": "http://other.test/x"}),
    "nowhere": Answer(status=302, headers={"Location": "https://[::1/"}),
    "no HTTP": Answer(raw=b"\x00\xff junk\r\n\r\n"),
    "a wrong length": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
    "cut off": Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"),
    "a wrong part": Answer(status=206, headers={"Content-Range": "bytes 5-9/10"}),
}


def written_by(home: Path) -> bytes:
    """Everything in the folders that the program writes to."""
    folders = (home / "store", home / "config" / "trustedkeys")
    return b"".join(
        path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()
    )


BY_NAME = ("fetch", "--no-cache", REFERENCE)
BY_URL = ("fetch", "--json", "--no-cache", f"https://{HOST}{IMAGE_PATH}")
KEYS = ("trust", "add", "--skip-fingerprint-review", "--prefix", f"{HOST}/app")
ASKED = (
    ("/app", BY_NAME),
    ("/app", KEYS),
    (IMAGE_PATH, BY_URL),
    (f"{IMAGE_PATH}.asc", BY_URL),
    ("/key.asc", KEYS),
)
"""What each command asks for, and which of it is answered in a way of its own."""


@pytest.mark.parametrize(
    ("kind", "progress"), [*((kind, "plain") for kind in KINDS), ("basic", "json")]
)
def test_whatever_a_server_answers(world: World, kind: str, progress: str) -> None:
    write, secrets, field = KINDS[kind]
    write(world)
    world.publish()
    world.trust()
    good = dict(world.site.pages)
    for answer in ANSWERS.values():
        for path, command in ASKED:
            world.site.pages = good if answer is None else {**good, path: answer}
            world.run("--debug", f"--progress={progress}", *command)
            for secret in secrets:
                assert secret not in world.out + world.err, (command, path)
    sent = [headers.get("authorization", "") for _, headers in world.site.requests]
    assert all(each.startswith(field) for each in sent)
    assert len(sent) > len(ANSWERS)
    for secret in secrets:
        assert secret.encode() not in written_by(world.home)


@pytest.mark.parametrize("progress", ["plain", "json"])
def test_a_proxys_password(world: World, progress: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the proxy is not there, and where its URL is none."""
    monkeypatch.delenv("IMAGE_PIPELINE_CONNECT_TO")
    for proxy in ("127.0.0.1:1", "127.0.0.1:99999", "[::1", "socks.test:1"):
        for scheme in ("http", "https", "socks5"):
            monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://me:{PASSWORD}@{proxy}")
            assert world.run("--debug", f"--progress={progress}", "fetch", REFERENCE) != 0
            assert PASSWORD not in world.out + world.err
            assert BASIC not in world.out + world.err
