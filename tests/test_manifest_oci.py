"""An appc manifest as OCI documents: what docker2aci makes of them comes back."""

import json

import pytest

from pipeline.digest import Digest
from pipeline.manifest import ImageManifest, parse_manifest
from pipeline.manifest.oci import image_config, image_index, image_manifest
from pipeline.names import Platform
from pipeline.oci import Descriptor
from pipeline.testing.makers import make_manifest

HERE = Platform("linux", "s390x")
DIFF_ID = Digest("sha256", "a" * 64)
LABELS = {"os": "linux", "arch": "amd64", "version": "1.2.0"}


def manifest_of(
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **app: object,
) -> ImageManifest:
    """Return a manifest with an app."""
    extra: dict[str, object] = {
        "annotations": [{"name": key, "value": text} for key, text in (annotations or {}).items()]
    }
    if app:
        extra["app"] = {"exec": ["/bin/app"], "user": "0", "group": "0"} | app
    raw = make_manifest("example.com/app", LABELS if labels is None else labels, (), **extra)
    return parse_manifest(raw).unwrap()


def config_of(manifest: ImageManifest) -> dict[str, object]:
    """Return a configuration as JSON has it."""
    document: dict[str, object] = json.loads(image_config(manifest, HERE, DIFF_ID).unwrap())
    return document


class TestConfig:
    def test_everything_that_an_app_says(self) -> None:
        manifest = manifest_of(
            annotations={"created": "2026-01-02T03:04:05Z", "authors": "Example <a@example.com>"},
            exec=["/bin/app", "-v"],
            user="app",
            group="10",
            workingDirectory="/srv",
            environment=[{"name": "A", "value": "b=c"}, {"name": "B", "value": ""}],
            ports=[
                {"name": "web", "protocol": "tcp", "port": 80, "count": 2},
                {"name": "dns", "protocol": "udp", "port": 53},
            ],
            mountPoints=[{"name": "data", "path": "/var/data"}],
            userLabels={"tier": "web"},
        )
        assert config_of(manifest) == {
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-01-02T03:04:05Z",
            "author": "Example <a@example.com>",
            "config": {
                "User": "app:10",
                "Entrypoint": ["/bin/app", "-v"],
                "WorkingDir": "/srv",
                "Env": ["A=b=c", "B="],
                "ExposedPorts": {"80/tcp": {}, "81/tcp": {}, "53/udp": {}},
                "Volumes": {"/var/data": {}},
                "Labels": {"tier": "web"},
            },
            "rootfs": {"type": "layers", "diff_ids": [str(DIFF_ID)]},
            "history": [{"created_by": "appc image example.com/app"}],
        }

    def test_an_image_without_an_app(self) -> None:
        assert config_of(manifest_of())["config"] == {}

    @pytest.mark.parametrize(
        ("entrypoint", "command", "expected"),
        [
            ('["/bin/app"]', '["-v"]', {"Entrypoint": ["/bin/app"], "Cmd": ["-v"]}),
            ('["/bin/other"]', '["-v"]', {"Entrypoint": ["/bin/app", "-v"]}),
            ("junk", "[1]", {"Entrypoint": ["/bin/app", "-v"]}),
        ],
    )
    def test_a_command_is_taken_apart_as_it_was_put_together(
        self, entrypoint: str, command: str, expected: dict[str, object]
    ) -> None:
        annotations = {"appc.io/docker/entrypoint": entrypoint, "appc.io/docker/cmd": command}
        manifest = manifest_of(annotations=annotations, exec=["/bin/app", "-v"])
        config = config_of(manifest)["config"]
        assert config == expected | {"User": "0:0"}

    @pytest.mark.parametrize("user", ["/etc/passwd", "a:b"])
    def test_a_user_that_oci_cannot_name(self, user: str) -> None:
        failure = image_config(manifest_of(user=user), HERE, DIFF_ID).failure()
        assert user in failure

    @pytest.mark.parametrize(
        ("labels", "expected"),
        [
            ({}, {"os": "linux", "architecture": "s390x"}),
            ({"os": "linux", "arch": "aarch64"}, {"os": "linux", "architecture": "arm64"}),
            (
                {"os": "linux", "arch": "armv7l"},
                {"os": "linux", "architecture": "arm", "variant": "v7"},
            ),
            ({"os": "darwin", "arch": "x86_64"}, {"os": "darwin", "architecture": "amd64"}),
            ({"os": "linux", "arch": "i386"}, {"os": "linux", "architecture": "386"}),
        ],
    )
    def test_platforms(self, labels: dict[str, str], expected: dict[str, object]) -> None:
        config = config_of(manifest_of(labels))
        assert {key: config[key] for key in config if key in {"os", "architecture", "variant"}} == (
            expected
        )


class TestDocuments:
    BLOB = Descriptor("x/y", DIFF_ID, 5)

    def test_the_manifest(self) -> None:
        manifest = manifest_of(annotations={"homepage": "https://example.com", "other": "x"})
        document = json.loads(image_manifest(manifest, self.BLOB, self.BLOB))
        described = {"mediaType": "x/y", "digest": str(DIFF_ID), "size": 5}
        assert document == {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": described,
            "layers": [described],
            "annotations": {
                "org.opencontainers.image.title": "example.com/app",
                "org.opencontainers.image.url": "https://example.com",
            },
        }

    @pytest.mark.parametrize(
        ("version", "tag"), [("1.2.0", "1.2.0"), ("", "latest"), ("a b", "latest"), ("-", "latest")]
    )
    def test_the_index_names_the_version(self, version: str, tag: str) -> None:
        manifest = manifest_of(LABELS | {"version": version})
        (entry,) = json.loads(image_index(manifest, HERE, self.BLOB))["manifests"]
        assert entry["annotations"] == {"org.opencontainers.image.ref.name": tag}
        assert entry["platform"] == {"architecture": "amd64", "os": "linux"}
