"""HTTP is made of exactly what is set, and closed when the run ends."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import trustme

from pipeline.adapters.configuration import Configuration, TlsEntry
from pipeline.adapters.http import ConnectTo, HttpSettings
from pipeline.adapters.http.settings import HostTls
from pipeline.adapters.retrying import RetryingTransport
from pipeline.events import Noticed
from pipeline.recipes import network
from pipeline.recipes.settings import Insecure, Settings
from pipeline.testing.fakes import EventLog, FixedClock


@dataclass
class Made:
    """Stands where the HTTP transport does, and keeps what that was made of."""

    made: list["Made"] = field(default_factory=list)
    arguments: tuple[Any, ...] = ()
    is_open: bool = True

    def __call__(self, *arguments: Any) -> "Made":
        self.made.append(Made(arguments=arguments))
        return self.made[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.is_open = False


@pytest.fixture
def transports(monkeypatch: pytest.MonkeyPatch) -> list[Made]:
    recorder = Made()
    monkeypatch.setattr(network, "HttpTransport", recorder)
    return recorder.made


def settings(home: Path, **values: Any) -> Settings:
    return Settings(home / "store", home / "config", home / "system", **values)


def make(wanted: Settings, *tls: TlsEntry, log: EventLog | None = None) -> None:
    with ExitStack() as leaving:
        made = read(wanted, *tls, log=log, leaving=leaving).web().unwrap()
        assert isinstance(made, RetryingTransport)


def read(
    wanted: Settings, *tls: TlsEntry, leaving: ExitStack, log: EventLog | None = None
) -> network.Network:
    configuration, observer = Configuration(tls=tls), log or EventLog()
    return network.make_network(wanted, configuration, FixedClock(), observer, leaving).unwrap()


def test_as_it_is_set(tmp_path: Path, transports: list[Made]) -> None:
    authority = trustme.CA()
    identity = authority.issue_cert("me.test")
    pem, both = tmp_path / "ca.pem", tmp_path / "me.pem"
    authority.cert_pem.write_to_path(str(pem))
    identity.private_key_and_cert_chain_pem.write_to_path(str(both))
    wanted = settings(
        tmp_path,
        insecure=frozenset({Insecure.HTTP}),
        ca_file=str(pem),
        connect_to=(ConnectTo("a", 1, "b", 2),),
        limit_rate=1000,
        public_only=True,
        environment={"https_proxy": "http://proxy.test:3128"},
    )
    make(wanted, TlsEntry("h", 8443, str(pem), str(both)))
    [made] = transports
    got = made.arguments[0]
    assert isinstance(got, HttpSettings)
    assert (got.ca_file, got.connect_to) == (str(pem), wanted.connect_to)
    assert (got.verify_tls, got.allow_http, got.public_only) == (True, True, True)
    assert got.limit_rate == 1000
    assert got.proxies.https is not None
    assert got.proxies.https.host == "proxy.test"
    assert got.hosts == (HostTls("h", 8443, (str(pem),), str(both), None),)
    assert not made.is_open


def test_as_it_is_by_itself(
    tmp_path: Path, transports: list[Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the process' environment counts."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    monkeypatch.setenv("NETRC", "missing")
    make(settings(tmp_path))
    assert transports[0].arguments[0] == HttpSettings()


def test_what_is_odd_about_credentials_is_said(tmp_path: Path, transports: list[Made]) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine h.example login me password s3cret")
    netrc.chmod(0o644)
    tmp_path.chmod(0o755)
    log = EventLog()
    make(settings(tmp_path, netrc=netrc), log=log)
    [event] = [each for each in log.events if isinstance(each, Noticed)]
    assert str(netrc) in event.message
    assert "s3cret" not in repr(log.events)
