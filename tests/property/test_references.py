"""What holds for every reference and every text, whatever they are."""

import pickle
import string
import unicodedata
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.adapters.registry.repositories import parse_repository
from pipeline.errors import InvalidReference, UnsupportedReference
from pipeline.limits import REFERENCE_CHARACTERS
from pipeline.names import find_fault
from pipeline.oci import OciPlatform
from pipeline.reference import (
    AppcReference,
    ArchiveReference,
    DockerReference,
    ImageIDReference,
    ImagePathReference,
    Reference,
    file_url,
    identifier_of,
    signature_location,
)
from pipeline.reference.docker import parse_docker_reference
from pipeline.reference.image_path import image_name_of, image_tag_of
from pipeline.stages.discover import DIRECT_REGISTRIES
from pipeline.stages.parse import parse_reference
from pipeline.testing import strategies
from pipeline.testing.fakes import MemoryPaths

PARSE = parse_reference(MemoryPaths())


class TestCanonicalForm:
    """A reference written down is read back as the same reference."""

    @given(strategies.references())
    def test_string_is_read_back(self, reference: Reference) -> None:
        assert PARSE(reference.string).unwrap() == reference

    @given(strategies.references())
    def test_cimd_is_read_back(self, reference: Reference) -> None:
        if not isinstance(reference, ImageIDReference):
            assert PARSE(reference.cimd).unwrap() == reference

    @given(strategies.references())
    def test_string_is_a_fixed_point(self, reference: Reference) -> None:
        assert PARSE(reference.string).unwrap().string == reference.string

    @given(strategies.references())
    def test_references_are_picklable(self, reference: Reference) -> None:
        assert pickle.loads(pickle.dumps(reference)) == reference


ALPHABET = st.one_of(
    st.sampled_from("/:.,=@%?#-_~+[]&\\ \n\x00\x7f\x9f\ud800\udcffé"),
    st.sampled_from(string.ascii_lowercase + "A0"),
)
PREFIXES = st.sampled_from(
    (
        "",
        "sha512-",
        "https://",
        "http://h/",
        "file:",
        "file:///",
        "docker://",
        "docker:",
        "cimd:appc:v=0:",
        "cimd:aci-archive:v=0:",
        "cimd:docker:v=0:",
        "sha256-",
        "oci:",
        "oci:/a:",
        "oci-archive:",
        "docker-archive:a:",
        "/",
        "./",
    )
)
ANYTHING = st.builds(
    lambda prefix, body, end: f"{prefix}{body}{end}",
    PREFIXES,
    st.one_of(st.text(ALPHABET, max_size=20), st.text(max_size=20)),
    st.sampled_from(("", ".aci", "@x", ":1")),
)


class TestNames:
    """Whatever an image is called, it is kept under a name that appc, too, can say."""

    @given(strategies.image_path_references())
    def test_of_images_in_files(self, reference: ImagePathReference) -> None:
        name = image_name_of(reference)
        assert find_fault(name) is None
        tag = image_tag_of(reference)
        assert tag is None or tag in reference.name or tag == "latest"

    @given(strategies.docker_references())
    def test_of_registry_images(self, reference: DockerReference) -> None:
        assert find_fault(reference.image_name) is None
        assert reference.image_name == identifier_of(reference.name)

    @given(strategies.docker_references())
    def test_one_text_for_all_ways_of_writing_the_same(self, reference: DockerReference) -> None:
        again = PARSE(f"docker://{reference.normal}").unwrap()
        assert isinstance(again, DockerReference)
        assert again.normal == reference.normal
        assert (again.host, again.repository, again.tag, again.digest) == (
            reference.host,
            reference.repository,
            reference.tag,
            reference.digest,
        )

    @given(strategies.docker_references())
    def test_a_registry_image_in_a_file_has_its_own_name(self, reference: DockerReference) -> None:
        text = f"docker-archive:/a.tar:{reference.normal}"
        outcome = PARSE(text)
        if is_successful(outcome):  # Not every repository is a name in a file.
            found = outcome.unwrap()
            assert isinstance(found, ImagePathReference)
            assert image_name_of(found) == reference.image_name
            assert image_tag_of(found) == reference.tag


def ipv6_forms(number: int) -> tuple[str, ...]:
    """Return ways of writing an address (RFC 4291 section 2.2), but for those with dots."""
    whole = IPv6Address(number).exploded
    parts = [f"{int(each, 16):x}" for each in whole.split(":")]
    zeros = [start for start, part in enumerate(parts) if part == "0"]
    compressed = (f"{':'.join(parts[:start])}::{':'.join(parts[start + 1 :])}" for start in zeros)
    return (whole, whole.upper(), ":".join(parts), *compressed)


PORTS = st.one_of(st.just(""), st.integers(1, 65535).map(":{}".format))
IPV6_HOSTS = st.builds(
    "[{}]{}".format,
    st.one_of(st.integers(0, 2**128 - 1), st.integers(0, 2**20))
    .map(ipv6_forms)
    .flatmap(st.sampled_from),
    PORTS,
)


class TestIPv6Hosts:
    """distribution/reference v0.6.0: an address in brackets, and a port where there is one."""

    @given(IPV6_HOSTS, strategies.docker_references())
    def test_any_address_is_a_host(self, host: str, other: DockerReference) -> None:
        rest = other.normal.partition("/")[2]
        reference = PARSE(f"docker://{host}/{rest}").unwrap()
        assert isinstance(reference, DockerReference)
        assert (reference.host, reference.registry) == (host, host)
        assert reference.normal == f"{host}/{rest}"
        assert (reference.repository, reference.tag, reference.digest) == (
            other.repository,
            other.tag,
            other.digest,
        )
        assert PARSE(reference.cimd).unwrap() == reference
        assert PARSE(reference.string).unwrap() == reference
        assert find_fault(reference.image_name) is None

    @given(IPV6_HOSTS)
    def test_it_is_the_host_that_is_asked(self, host: str) -> None:
        [place] = DIRECT_REGISTRIES.places(
            parse_docker_reference(f"{host}/a:1").unwrap(), OciPlatform("linux", "amd64")
        ).unwrap()
        asked = urlsplit(place.base)
        written, _, port = host[1:].partition("]")
        assert IPv6Address(asked.hostname or "") == IPv6Address(written)
        assert asked.port == (int(port[1:]) if port else None)
        assert parse_repository(place.manifest_url("1")) is not None

    @given(st.text("0123456789abcdefABCDEF:.%[]", max_size=12), PORTS)
    def test_nothing_else_is_one_in_brackets(self, text: str, port: str) -> None:
        try:
            is_address = IPv6Address(text) is not None and not {".", "%"} & set(text)
        except ValueError:
            is_address = False
        assert is_successful(parse_docker_reference(f"[{text}]{port}/a")) is is_address


class TestAnyText:
    """Whatever is typed is a reference or an error, never an exception."""

    @given(ANYTHING)
    def test_success_survives_both_round_trips(self, text: str) -> None:
        outcome = PARSE(text)
        if not is_successful(outcome):
            return
        reference = outcome.unwrap()
        assert PARSE(reference.string).unwrap() == reference
        if not isinstance(reference, ImageIDReference):
            assert PARSE(reference.cimd).unwrap() == reference

    @given(ANYTHING)
    def test_errors_say_where_and_what_to_do(self, text: str) -> None:
        outcome = PARSE(text)
        if is_successful(outcome):
            return
        error = outcome.failure()
        assert error.hint
        unsafe = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        assert not unsafe & {unicodedata.category(character) for character in error.message}
        if isinstance(error, InvalidReference) and error.position is not None:
            assert 0 <= error.position <= len(text)
        if isinstance(error, UnsupportedReference):
            assert "://" in text

    @given(ANYTHING)
    def test_no_reference_holds_a_control_character(self, text: str) -> None:
        outcome = PARSE(text)
        if is_successful(outcome):
            reference = outcome.unwrap()
            shown = reference.string
            if isinstance(reference, ArchiveReference):
                shown += reference.url + (reference.path or "")
            if isinstance(reference, AppcReference):
                shown += "".join(label.value for label in reference.labels.items)
            assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in shown)

    @given(st.text(st.sampled_from("é a"), min_size=500, max_size=900))
    def test_what_is_accepted_can_be_written_down_within_the_limit(self, middle: str) -> None:
        outcome = PARSE(f"/{middle}.aci")
        if is_successful(outcome):
            assert len(outcome.unwrap().string) <= REFERENCE_CHARACTERS
            assert PARSE(outcome.unwrap().string) == outcome
        else:
            assert str(REFERENCE_CHARACTERS) in outcome.failure().message


class TestFileUrl:
    """A path survives being a URL (RFC 8089)."""

    @given(strategies.texts(min_size=1))
    def test_path_comes_back(self, name: str) -> None:
        path = "/" + name.lstrip("/")
        assert ArchiveReference(file_url(path)).path == path

    @given(st.binary(min_size=1, max_size=12))
    def test_bytes_that_are_no_text_come_back(self, raw: bytes) -> None:
        path = "/" + raw.decode(errors="surrogateescape").lstrip("/")
        assert ArchiveReference(file_url(path)).path == path


class TestSignatureLocation:
    """An image's signature lies beside it."""

    @given(strategies.archive_references())
    def test_host_and_query_stay(self, reference: ArchiveReference) -> None:
        image, signature = reference.url, signature_location(reference.url)
        start = len("https://") if image.startswith("http") else 0
        end = min((image + "?#").index("?"), (image + "?#").index("#"))
        host = image[: image.index("/", start)]
        assert signature.startswith(host + "/")
        assert signature.endswith(".aci.asc" + image[end:])

    @given(strategies.texts())
    def test_never_raises(self, text: str) -> None:
        assert ".aci.asc" in signature_location(text)
