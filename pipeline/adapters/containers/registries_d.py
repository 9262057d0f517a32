"""``registries.d``: where simple signatures of registry images are kept.

    folders -> Result[Lookasides, InvalidSetting];  DockerReference -> URLs

::

    default-docker:
        lookaside: https://signatures.example.com
    docker:
        registry.example.com/department:
            lookaside: file:///mnt/signatures

Under such a URL a signature is ``<repository, without host>@sha256=<hex>/signature-1`` and so on;
whoever downloads appends that. The most specific scope that names a ``lookaside`` (of before:
``sigstore``) counts alone: the image (its tag or digest), the repository, what is above it, the
host with its port, ``*.domain``; then ``default-docker``. Where none does, it is the folder in
which the tools put signatures themselves.

Source: containers/image v5.23.0 ``docs/containers-registries.d.5.md``, and for scopes that name
nothing ``docker/registries_d.go``, as the document has such a scope hide all others. The user's
folder stands in place of the machine's. Stricter than that: keys that are unknown or stand there
twice are refused, as are URLs of other kinds. Read and not used: ``lookaside-staging``, for who
writes signatures, and ``use-sigstore-attachments``, since these are looked for wherever a policy
could use them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.adapters.containers.endpoints import InsecureHost, parse_server
from pipeline.adapters.containers.folders import is_there, names_in
from pipeline.admission.scopes import docker_scopes
from pipeline.errors import InvalidSetting
from pipeline.reference import DockerReference, file_url
from pipeline.text import redact_url
from pipeline.yaml_files import YamlValue, load_yaml

FOLDER: Final = "registries.d"

_TEXTS: Final = ("lookaside", "sigstore", "lookaside-staging", "sigstore-staging")
_FLAG: Final = "use-sigstore-attachments"


@final
@dataclass(frozen=True, slots=True)
class Lookasides:
    """The URL of the store of signatures by scope, each as somebody wrote it; no slash at its end.

    A scope may name none; ``default`` is for what no other covers. Where that is empty, nobody is
    asked.
    """

    default: str = ""
    scopes: Mapping[str, str] = field(default_factory=dict)

    def urls(self, reference: DockerReference) -> tuple[str, ...]:
        """Return where to look for signatures of a reference: one URL, or none."""
        found = (self.scopes.get(scope) for scope in docker_scopes(reference))
        url = next(filter(None, found), self.default)
        return (url,) if url else ()

    def insecurity(self) -> Iterator[InsecureHost]:
        """Return the hosts that were named with http: a signature proves itself."""
        for url in (self.default, *self.scopes.values()):
            server = parse_server(url)
            if is_successful(server):
                yield from server.unwrap().insecurity()


def read_lookasides(
    user: Path, system: Path, signatures: Path
) -> Result[Lookasides, InvalidSetting]:
    """Read the user's folder where there is one, else the machine's.

    ``signatures`` is where simple signatures lie that nobody keeps elsewhere.
    Errors: InvalidSetting with the file and the line; one bad file is enough.
    """
    own = is_there(user)
    if not is_successful(own):
        return Failure(own.failure())
    folder = user if own.unwrap() else system
    names = names_in(folder, ".yaml")
    if not is_successful(names):
        return Failure(names.failure())
    by_tools = file_url(str(signatures.absolute()))
    defaults: dict[str, str] = {}
    scopes: dict[str, str] = {}
    for name in names.unwrap():
        read = load_yaml(folder / name).bind(lambda value: _read_file(value, defaults, scopes))
        if not is_successful(read):
            return Failure(read.failure())
    return Success(Lookasides(defaults.get("default-docker") or by_tools, scopes))


def _read_file(
    document: YamlValue, defaults: dict[str, str], scopes: dict[str, str]
) -> Result[None, InvalidSetting]:
    """Add what a file says; no section may stand in two of them."""
    sections = document.members({"default-docker", "docker"})
    if not is_successful(sections):
        return Failure(sections.failure())
    top = dict(sections.unwrap())
    docker = top.pop("docker", YamlValue(document.path, None)).members()
    if not is_successful(docker):
        return Failure(docker.failure())
    for known, found in ((defaults, top), (scopes, docker.unwrap())):
        for scope, value in found.items():
            if scope in known:
                return Failure(value.refuse(f"{scope} again", "each section once in all files"))
            section = _read_section(value)
            if not is_successful(section):
                return Failure(section.failure())
            known[scope] = section.unwrap()
    return Success(None)


def _read_section(section: YamlValue) -> Result[str, InvalidSetting]:
    """Return the URL to read from; empty where none is named."""
    members = section.members({*_TEXTS, _FLAG})
    if not is_successful(members):
        return Failure(members.failure())
    found: dict[str, str] = {}
    for key, value in members.unwrap().items():
        if key == _FLAG:
            flag = value.flag()
            if not is_successful(flag):
                return Failure(flag.failure())
            continue
        url = _read_url(value)
        if not is_successful(url):
            return Failure(url.failure())
        found[key] = url.unwrap()
    return Success(found.get("lookaside") or found.get("sigstore", ""))


def _read_url(value: YamlValue) -> Result[str, InvalidSetting]:
    """Return a URL under which paths can be made; an empty text is none."""
    read = value.text()
    if not is_successful(read):
        return Failure(read.failure())
    text = read.unwrap()
    url = text.rstrip("/")
    is_web = url.startswith(("https://", "http://")) and is_successful(parse_server(url))
    is_file = url.startswith("file:///") and "?" not in url and "#" not in url
    if not text or is_web or is_file:
        return Success(url)
    wanted = "an https, http or file URL, without user and query"
    return Failure(value.refuse(redact_url(text), wanted))
