"""Configurations as appc manifests: docker2aci's mapping, and what appc cannot say."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from returns.pipeline import is_successful

from pipeline.digest import Digest
from pipeline.manifest import parse_manifest
from pipeline.manifest.docker import DockerSource, docker_manifest
from pipeline.manifest.oci import image_config
from pipeline.names import ImageName, Label, LabelName, Labels, Platform

MANIFEST = Digest("sha256", "1" * 64)
CONFIG = Digest("sha256", "2" * 64)
NAME = ImageName("docker.io/library/app")
SOURCE = DockerSource("docker.io", "library/app", "1.0", MANIFEST, CONFIG)


def labels(**values: str) -> Labels:
    return Labels(tuple(Label(LabelName(name), value) for name, value in values.items()))


PLATFORM = labels(os="linux", arch="amd64", version="1.0")


def convert(source: DockerSource = SOURCE, **members: object) -> dict[str, Any]:
    """Return the manifest of a configuration; it must be one."""
    raw = docker_manifest(NAME, PLATFORM, source, json.dumps(members).encode()).unwrap()
    assert is_successful(parse_manifest(raw)), parse_manifest(raw)
    document: dict[str, Any] = json.loads(raw)
    return document


def app(**run: object) -> dict[str, Any]:
    found: dict[str, Any] = convert(config=run)["app"]
    return found


def refusal(**members: object) -> str:
    return docker_manifest(NAME, PLATFORM, SOURCE, json.dumps(members).encode()).failure()


def annotations(document: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in document["annotations"]}


class TestMapping:
    def test_all_of_it(self) -> None:
        document = convert(
            author="Somebody <s@example.com>",
            created="2026-01-02T03:04:05.678Z",
            parent="sha256:3",
            config={
                "User": "app:staff",
                "Env": ["PATH=/bin", "A=b=c", "EMPTY=", "nothing"],
                "Entrypoint": ["/bin/app"],
                "Cmd": ["-v", "ü"],
                "WorkingDir": "/srv",
                "Volumes": {"/var/lib": {}, "/data": {}},
                "ExposedPorts": {"443/tcp": {}, "80": {}, "53/udp": {}},
                "Labels": {"tier": "web"},
                "StopSignal": "TERM",
                "Healthcheck": {"Test": ["NONE"]},
            },
        )
        assert document == {
            "acKind": "ImageManifest",
            "acVersion": "0.8.11",
            "name": "docker.io/library/app",
            "labels": [
                {"name": "arch", "value": "amd64"},
                {"name": "os", "value": "linux"},
                {"name": "version", "value": "1.0"},
            ],
            "app": {
                "exec": ["/bin/app", "-v", "ü"],
                "user": "app",
                "group": "staff",
                "environment": [
                    {"name": "PATH", "value": "/bin"},
                    {"name": "A", "value": "b=c"},
                    {"name": "EMPTY", "value": ""},
                ],
                "workingDirectory": "/srv",
                "mountPoints": [
                    {"name": "volume-data", "path": "/data"},
                    {"name": "volume-var-lib", "path": "/var/lib"},
                ],
                "ports": [
                    {"name": "53-udp", "protocol": "udp", "port": 53},
                    {"name": "80-tcp", "protocol": "tcp", "port": 80},
                    {"name": "443-tcp", "protocol": "tcp", "port": 443},
                ],
                "userLabels": {"tier": "web"},
            },
            "annotations": [
                {"name": name, "value": value}
                for name, value in {
                    "author": "Somebody <s@example.com>",
                    "created": "2026-01-02T03:04:05.678Z",
                    "appc.io/docker/originalname": "docker.io/library/app:1.0",
                    "appc.io/docker/registryurl": "docker.io",
                    "appc.io/docker/repository": "library/app",
                    "appc.io/docker/tag": "1.0",
                    "appc.io/docker/imageid": f"sha256:{'2' * 64}",
                    "appc.io/docker/parentimageid": "sha256:3",
                    "appc.io/docker/entrypoint": '["/bin/app"]',
                    "appc.io/docker/cmd": '["-v","\\u00fc"]',
                    "appc.io/docker/manifesthash": f"sha256:{'1' * 64}",
                }.items()
            ],
        }

    def test_none_of_it(self) -> None:
        for document in (convert(), convert(config=None), convert(config={"Cmd": None})):
            assert document["app"] == {"user": "0", "group": "0"}
            assert annotations(document).keys() == {
                f"appc.io/docker/{name}"
                for name in ("originalname", "registryurl", "repository", "tag", "imageid",
                             "manifesthash")
            }  # fmt: skip

    def test_one_that_lay_in_a_file(self) -> None:
        document = convert(DockerSource("", "", None, MANIFEST, CONFIG))
        assert {name.rpartition("/")[2] for name in annotations(document)} == {
            "imageid",
            "manifesthash",
        }

    def test_one_that_was_asked_for_by_digest(self) -> None:
        document = convert(DockerSource("h:1", "app", None, MANIFEST, CONFIG))
        assert annotations(document)["appc.io/docker/originalname"] == "h:1/app"

    @pytest.mark.parametrize(
        ("user", "wanted"),
        [("", ("0", "0")), ("app", ("app", "app")), ("7", ("7", "7")), ("7:8", ("7", "8")),
         ("app:", ("app", "app")), (":8", ("0", "8")), (":", ("0", "0"))],
    )  # fmt: skip
    def test_users(self, user: str, wanted: tuple[str, str]) -> None:
        found = app(User=user)
        assert (found["user"], found["group"]) == wanted

    def test_a_variable_twice(self) -> None:
        """The later counts, as it does to docker; appc allows each once."""
        assert app(Env=["A=1", "B=2", "A=3"])["environment"] == [
            {"name": "A", "value": "3"},
            {"name": "B", "value": "2"},
        ]

    def test_volumes_that_would_have_one_name(self) -> None:
        found = app(Volumes={"/a b": {}, "/a_b": {}, "/A/b/": {}, "/a/b-1": {}, "/": {}, "": {}})
        assert [each["name"] for each in found["mountPoints"]] == [
            "volume", "volume-1", "volume-a-b", "volume-a-b-1", "volume-a-b-1-1", "volume-a-b-2",
        ]  # fmt: skip

    def test_a_port_in_two_ways(self) -> None:
        found = app(ExposedPorts={"80": {}, "80/tcp": {}, "80/TCP": {}, "080/udp": {}})
        assert [each["name"] for each in found["ports"]] == ["80-tcp", "80-udp"]

    def test_a_time_that_is_none(self) -> None:
        for text in ("yesterday", "2026-13-01T00:00:00Z", ""):
            assert "created" not in annotations(convert(created=text))

    def test_the_command_comes_back(self) -> None:
        """What is exported as an OCI image again has entrypoint and command apart."""
        run = {"User": "a:b", "Entrypoint": ["e"], "Cmd": ["c"], "Env": ["A=b"],
               "WorkingDir": "/w", "ExposedPorts": {"80/tcp": {}}, "Volumes": {"/v": {}},
               "Labels": {"l": "m"}}  # fmt: skip
        raw = docker_manifest(NAME, PLATFORM, SOURCE, json.dumps({"config": run}).encode())
        manifest = parse_manifest(raw.unwrap()).unwrap()
        back = image_config(manifest, Platform("linux", "amd64"), CONFIG).unwrap()
        assert json.loads(back)["config"] == run


class TestRefusals:
    @pytest.mark.parametrize(
        ("run", "word"),
        [
            ({"User": "/bin/su"}, "user"),
            ({"User": "a:b:c"}, "user"),
            ({"User": "a:/bin/su"}, "user"),
            ({"User": 7}, "$.config.User"),
            ({"Env": ["=x"]}, 'called ""'),
            ({"Env": ["1A=x"]}, "1A"),
            ({"Env": ["A B=x"]}, "A B"),
            ({"Env": "A=b"}, "$.config.Env"),
            ({"Env": [None]}, "$.config.Env[0]"),
            ({"Entrypoint": "sh"}, "$.config.Entrypoint"),
            ({"Cmd": [1]}, "$.config.Cmd[0]"),
            ({"WorkingDir": "srv"}, "srv"),
            ({"ExposedPorts": {"0": {}}}, '"0"'),
            ({"ExposedPorts": {"65536/tcp": {}}}, "65536"),
            ({"ExposedPorts": {"80-90/tcp": {}}}, "80-90"),
            ({"ExposedPorts": {"80/": {}}}, "80/"),
            ({"ExposedPorts": ["80"]}, "$.config.ExposedPorts"),
            ({"Volumes": ["/a"]}, "$.config.Volumes"),
            ({"Labels": {"a": 1}}, "$.config.Labels.a"),
            ({"user": "root"}, "$.config"),
        ],
    )
    def test_what_appc_cannot_say(self, run: dict[str, object], word: str) -> None:
        assert word in refusal(config=run)

    def test_what_is_no_configuration(self) -> None:
        assert "$.config" in refusal(config=[])
        assert "$.author" in refusal(author=1)
        assert "$.created" in refusal(created=1)
        assert "$.parent" in refusal(parent=1)
        assert "$" in docker_manifest(NAME, PLATFORM, SOURCE, b"{").failure()

    @pytest.mark.parametrize(
        "found",
        [labels(os="linux", arch="riscv64"), labels(os="windows", arch="amd64"),
         labels(os="windows"), labels(os="darwin", arch="amd64")],
    )  # fmt: skip
    def test_a_platform_that_appc_has_no_word_for(self, found: Labels) -> None:
        assert "platform" in docker_manifest(NAME, found, SOURCE, b"{}").failure()

    def test_a_platform_that_says_less(self) -> None:
        for found in (labels(), labels(os="linux"), labels(arch="any")):
            assert is_successful(docker_manifest(NAME, found, SOURCE, b"{}"))


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=9)


class TestAnyConfiguration:
    """What is made is a manifest, by the parser that reads them; the same each time."""

    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "User": names,
                "Env": st.lists(names.map("A{}".format)),
                "Entrypoint": st.lists(names),
                "Cmd": st.lists(names),
                "WorkingDir": names.map("/{}".format),
                "Volumes": st.dictionaries(names, st.just({})),
                "ExposedPorts": st.dictionaries(
                    st.from_regex(r"[0-9]{1,5}(/(tcp|udp|sctp))?", fullmatch=True), st.just({})
                ),
                "Labels": st.dictionaries(names, names),
            },
        )
    )
    def test_it_is_a_manifest_or_refused(self, run: dict[str, object]) -> None:
        config = json.dumps({"config": run}).encode()
        made = docker_manifest(NAME, PLATFORM, SOURCE, config)
        assert made == docker_manifest(NAME, PLATFORM, SOURCE, config)
        if is_successful(made):
            assert is_successful(parse_manifest(made.unwrap())), parse_manifest(made.unwrap())
