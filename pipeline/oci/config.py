"""Configurations of OCI images: which platform they are for, and what their layers unpack to.

    parse_config: bytes -> OciConfig | DocumentProblem

How an image is run is in the configuration, too; who wants that reads ``raw``. Its ``history`` is
for people: it need not have an entry for each layer, and binds nothing.

Source: OCI image-spec v1.1.0 ``config.md``; docker's configurations are the same but for members
that are not read here. The configuration of an artifact may be anything, and is not read.
"""

from typing import Final

from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.limits import CONFIG_BYTES, LAYERS, MANIFEST_DEPTH
from pipeline.oci import OciConfig, OciPlatform
from pipeline.oci.documents import DocumentProblem, problem_of, read_digest, read_word
from pipeline.strict_json import JsonProblem, JsonValue, parse_json

_LAYERED: Final = "layers"


def parse_config(untrusted: bytes) -> Result[OciConfig, DocumentProblem]:
    """Read an image's configuration.

    An operating system or architecture that is missing is empty: the spec demands them, and some
    builders leave them out.

    Errors: DocumentProblem.

    >>> config = b'{"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers"}}'
    >>> str(parse_config(config).unwrap().platform)
    'linux/amd64'
    """
    parsed = parse_json(untrusted, max_bytes=CONFIG_BYTES, max_depth=MANIFEST_DEPTH)
    config: Result[OciConfig, JsonProblem] = Result.do(
        OciConfig(OciPlatform(os, architecture, variant), diff_ids, untrusted)
        for value in parsed
        for _ in value.fields("os", "architecture", "variant", "rootfs", "config", "history")
        for os in read_word(value.member("os"))
        for architecture in read_word(value.member("architecture"))
        for variant in read_word(value.member("variant"))
        for diff_ids in _read_rootfs(value.member("rootfs"))
    )
    return config.alt(problem_of)


def _read_rootfs(value: JsonValue) -> Result[tuple[Digest, ...], JsonProblem]:
    diff_ids: Result[tuple[Digest, ...], JsonProblem] = Result.do(
        digests
        for _ in value.fields("type", "diff_ids")
        for _ in value.member("type").checked(_parse_rootfs_type)
        for bounded in value.member("diff_ids").at_most(LAYERS)
        for digests in bounded.items(read_digest)
    )
    return diff_ids


def _parse_rootfs_type(untrusted_text: str) -> Result[str, str]:
    if untrusted_text != _LAYERED:
        return Failure(f'wanted "{_LAYERED}"')
    return Success(untrusted_text)
