"""A site with one body, which answers as RFC 9110 demands but for the faults that are scripted.

    site = FaultySite(body, faults=[Fault("drop", 100), Fault("ignore-range")])
    with FaultServer(site.answer) as server:
        ...  # the first answer breaks off after 100 bytes, the second is whole, the rest are right

A fault is for one request. Those that change the body (``change``, ``replace``) last.
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from pipeline.testing.fakes import EPOCH
from tests.support.fault_server import Answer, Asked, http, then_close

LONG_AGO: Final = format_datetime(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)
CODED: Final = b"\x1f\x8bcoded:"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one answer; what ``number`` means is each fault's own."""

    name: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer before it is put on the wire; None leaves a field out."""

    status: int
    body: bytes
    fields: dict[str, str | int | None]

    def wire(self) -> bytes:
        return http(self.body, self.status, **self.fields)

    def but(self, **fields: str | int | None) -> "Reply":
        return replace(self, fields=self.fields | fields)


@dataclass(slots=True)
class FaultySite:
    """One body under one address; ``etag`` and ``dated`` say which validators it has.

    ``wholes`` are all the bodies that anybody could rightly end up with, ``sent`` how many bytes of
    bodies went out.
    """

    body: bytes
    faults: list[Fault] = field(default_factory=list)
    etag: bool = True
    dated: bool = True
    version: int = 1
    wholes: list[bytes] = field(default_factory=list)
    sent: int = 0

    def __post_init__(self) -> None:
        self.wholes.append(self.body)

    def answer(self, asked: Asked) -> Answer:
        """Answer with the next fault, or well."""
        if not self.faults:
            return self._on_wire(self.reply(asked))
        fault = self.faults.pop(0)
        return FAULTS[fault.name](self, asked, fault.number)

    def reply(self, asked: Asked, *, ranges: bool = True, conditions: bool = True) -> Reply:
        """Answer as RFC 9110 sections 13.2.2 and 14.2 demand, or without ranges or If-Range."""
        etag, dated = self._etag, self._modified
        fields: dict[str, str | int | None] = {
            "date": format_datetime(EPOCH, usegmt=True),
            "etag": etag,
            "last_modified": dated,
            "accept_ranges": "bytes",
        }
        if etag is not None and asked.headers.get("if-none-match") == etag:
            return Reply(304, b"", fields | {"content_length": None})
        wanted = re.fullmatch(r"bytes=(\d+)-", asked.headers.get("range", ""))
        still = not conditions or asked.headers.get("if-range") in {None, etag, dated}
        if wanted is None or not ranges or not still:
            return Reply(200, self.body, fields)
        first, size = int(wanted[1]), len(self.body)
        if first >= size:
            return Reply(416, b"", fields | {"content_range": f"bytes */{size}"})
        fields["content_range"] = f"bytes {first}-{size - 1}/{size}"
        return Reply(206, self.body[first:], fields)

    def change(self, body: bytes) -> None:
        """Put another body in the place of this one, as another version."""
        self.body, self.version = body, self.version + 1
        self.wholes.append(body)

    @property
    def _etag(self) -> str | None:
        return f'"v{self.version}"' if self.etag else None

    @property
    def _modified(self) -> str | None:
        if not self.dated:
            return None
        changed = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=self.version - 1)
        return format_datetime(changed, usegmt=True)

    def _on_wire(self, reply: Reply, *, keep: int | None = None) -> Answer:
        """Send, all or the first bytes of the body; whatever is cut off ends the connection."""
        wire = reply.wire()
        head = len(wire) - len(reply.body)
        kept = len(reply.body) if keep is None else min(keep, len(reply.body))
        self.sent += kept
        return wire if keep is None else then_close(wire[: head + kept])


def _drop(site: FaultySite, asked: Asked, number: int) -> Answer:
    return site._on_wire(site.reply(asked), keep=number)


def _drop_chunks(site: FaultySite, asked: Asked, number: int) -> Answer:
    reply = site.reply(asked)
    framed = b"%x\r\n%s\r\n" % (len(reply.body), reply.body) if reply.body else b""
    coded = replace(reply, body=framed + b"0\r\n\r\n")
    fields = coded.but(content_length=None, transfer_encoding="chunked")
    return site._on_wire(fields, keep=min(number, len(fields.body)))


def _part(**wrong: Callable[[int, int], str | int | None]) -> Callable[..., Answer]:
    """Return a fault of 206 answers: each field from the first byte's place and the size."""

    def make(site: FaultySite, asked: Asked, number: int) -> Answer:
        reply = site.reply(asked)
        if reply.status == 206:
            size = len(site.body)
            first = size - len(reply.body)
            reply = reply.but(**{name: value(first, size) for name, value in wrong.items()})
        return site._on_wire(reply)

    return make


def _cut_part(site: FaultySite, asked: Asked, number: int) -> Answer:
    """Give less than was asked for, and say so rightly."""
    reply = site.reply(asked)
    if reply.status != 206 or len(reply.body) < 2:
        return site._on_wire(reply)
    size, kept = len(site.body), 1 + number % (len(reply.body) - 1)
    first = size - len(reply.body)
    told = replace(reply, body=reply.body[:kept])
    return site._on_wire(told.but(content_range=f"bytes {first}-{first + kept - 1}/{size}"))


def _shifted_part(site: FaultySite, asked: Asked, number: int) -> Answer:
    """Give the bytes from elsewhere on, and say so rightly."""
    reply = site.reply(asked)
    if reply.status != 206:
        return site._on_wire(reply)
    size = len(site.body)
    first = number % size
    told = replace(reply, body=site.body[first:])
    return site._on_wire(told.but(content_range=f"bytes {first}-{size - 1}/{size}"))


def _long_chunked_part(site: FaultySite, asked: Asked, number: int) -> Answer:
    """Send more than the range holds, in chunks, so that no length gives it away."""
    reply = site.reply(asked)
    if reply.status != 206:
        return site._on_wire(reply)
    body = reply.body + b"!" * (1 + number)
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    told = replace(reply, body=framed).but(content_length=None, transfer_encoding="chunked")
    return site._on_wire(told)


def _change(site: FaultySite, asked: Asked, number: int) -> Answer:
    site.change(bytes(byte ^ 0xFF for byte in site.body))
    return site._on_wire(site.reply(asked))


def _change_and_ignore_condition(site: FaultySite, asked: Asked, number: int) -> Answer:
    site.change(bytes(byte ^ 0xFF for byte in site.body))
    return site._on_wire(site.reply(asked, conditions=False))


def _change_and_hide(site: FaultySite, asked: Asked, number: int) -> Answer:
    """Give a part of another version, and do not say of which: a 206 must repeat its ETag."""
    site.change(bytes(byte ^ 0xFF for byte in site.body))
    reply = site.reply(asked, conditions=False)
    hidden = reply.but(etag=None, last_modified=None) if site.etag else reply
    return site._on_wire(hidden)


def _shrink(site: FaultySite, asked: Asked, number: int) -> Answer:
    site.change(site.body[: number % (len(site.body) + 1)])
    return site._on_wire(site.reply(asked))


def _code(site: FaultySite, asked: Asked, number: int) -> Answer:
    """Apply a content coding that nobody asked for, with the ETag of the plain body."""
    whole = CODED + site.body
    site.wholes.append(whole)
    reply = site.reply(asked, ranges=False)
    if reply.status != 200:
        return site._on_wire(reply)
    return site._on_wire(replace(reply, body=whole).but(content_encoding="gzip"), keep=number)


def _coded_part(site: FaultySite, asked: Asked, number: int) -> Answer:
    reply = site.reply(asked)
    return site._on_wire(reply.but(content_encoding="gzip") if reply.status == 206 else reply)


def _endless(site: FaultySite, asked: Asked, number: int) -> Answer:
    head = site.reply(asked, ranges=False).but(content_length=None).wire()

    def send(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(b"x" * 65536)

    return send


def _status(status: int, **fields: str | int | None) -> Callable[..., Answer]:
    return lambda site, asked, number: http(b"", status, **fields)


FAULTS: Final[dict[str, Callable[[FaultySite, Asked, int], Answer]]] = {
    "drop": _drop,
    "drop-chunks": _drop_chunks,
    "drop-unanswered": lambda site, asked, number: then_close(b""),
    "drop-in-head": lambda site, asked, number: then_close(b"HTTP/1.1 200 OK\r\nETag: "),
    "ignore-range": lambda site, asked, number: site._on_wire(site.reply(asked, ranges=False)),
    "length-too-long": lambda site, asked, number: site._on_wire(
        site.reply(asked).but(content_length=len(site.body) + 1 + number), keep=1 << 30
    ),
    "part-without-range": _part(content_range=lambda first, size: None),
    "part-of-junk": _part(content_range=lambda first, size: "bytes 1-"),
    "part-in-other-unit": _part(
        content_range=lambda first, size: f"lines {first}-{size - 1}/{size}"
    ),
    "part-one-later": _part(
        content_range=lambda first, size: f"bytes {first + 1}-{size}/{size + 1}"
    ),
    "part-one-earlier": _part(
        content_range=lambda first, size: f"bytes {first - 1}-{size - 2}/{size - 1}"
    ),
    "part-one-short": _part(content_range=lambda first, size: f"bytes {first}-{size - 2}/{size}"),
    "part-beyond-end": _part(content_range=lambda first, size: f"bytes {first}-{size}/{size}"),
    "part-backwards": _part(content_range=lambda first, size: f"bytes {first}-{first - 1}/{size}"),
    "part-of-more": _part(content_range=lambda first, size: f"bytes {first}-{size}/{size + 1}"),
    "part-of-unknown": _part(content_range=lambda first, size: f"bytes {first}-{size - 1}/*"),
    "part-twice": _part(
        content_range=lambda first, size: f"bytes {first}-{size - 1}/{size}\r\nContent-Range: x"
    ),
    "part-of-parts": _part(content_type=lambda first, size: "multipart/byteranges; boundary=x"),
    "part-without-validators": _part(
        etag=lambda first, size: None, last_modified=lambda first, size: None
    ),
    "part-of-other-etag": _part(etag=lambda first, size: '"other"'),
    "part-of-weak-etag": _part(etag=lambda first, size: 'W/"v1"'),
    "part-of-other-date": _part(last_modified=lambda first, size: "Wed, 02 Jan 2019 00:00:00 GMT"),
    "part-cut": _cut_part,
    "part-shifted": _shifted_part,
    "part-too-long": _long_chunked_part,
    "part-coded": _coded_part,
    "coded": _code,
    "change": _change,
    "change-unconditionally": _change_and_ignore_condition,
    "change-and-hide": _change_and_hide,
    "shrink": _shrink,
    "endless": _endless,
    "408": _status(408),
    "416": _status(416),
    "429-seconds": _status(429, retry_after=7),
    "429-date": _status(429, retry_after="Thu, 01 Jan 2026 00:00:07 GMT"),
    "500": _status(500),
    "503": _status(503),
    "not-http": lambda site, asked, number: then_close(b"SSH-2.0-OpenSSH_9.0\r\n\r\n"),
    "404": _status(404),
    "202": _status(202),
}
"""Every fault by its name."""
