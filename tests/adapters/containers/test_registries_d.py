"""``registries.d``: the most specific scope alone says where simple signatures are."""

from pathlib import Path

import pytest

from pipeline.adapters.containers import InsecureHost
from pipeline.limits import CONFIGURATION_BYTES
from tests.adapters.containers.cases import HEX, places, put, read

EXAMPLE = """
docker:
    registry.example.com:
        lookaside: https://registry-lookaside.example.com
    registry.example.com/mydepartment:
        lookaside: https://lookaside.mydepartment.example.com/
        lookaside-staging: file:///mnt/mydepartment/lookaside-staging
    registry.example.com/mydepartment/myproject:mybranch:
        lookaside: http://localhost:4242/lookaside
        lookaside-staging: file:///home/useraccount/webroot/lookaside
    localhost:5000/app:
        sigstore: file:///old
        sigstore-staging: file:///old-staging
        use-sigstore-attachments: true
    docker.io/library/busybox: {lookaside: "https://one.corp", sigstore: "https://two.corp"}
"""
DEFAULT = "default-docker: {lookaside: https://all.corp}\n"


def write(home: Path, content: str, folder: str = "user", name: str = "a.yaml") -> Path:
    return put(home / folder / "registries.d" / name, content)


def lookaside(home: Path, image: str) -> tuple[str, ...]:
    [urls] = {place.lookaside for place in places(read(home).unwrap(), image)}
    return urls


@pytest.mark.parametrize(
    ("image", "url"),
    [
        ("registry.example.com/app", "https://registry-lookaside.example.com"),
        ("registry.example.com/mydepartment/a/b", "https://lookaside.mydepartment.example.com"),
        ("registry.example.com/mydepartmental/a", "https://registry-lookaside.example.com"),
        (
            "registry.example.com/mydepartment/myproject:mybranch",
            "http://localhost:4242/lookaside",
        ),
        (
            f"registry.example.com/mydepartment/myproject:mybranch@sha256:{HEX}",
            "https://lookaside.mydepartment.example.com",
        ),
        ("localhost:5000/app/x", "file:///old"),
        ("busybox", "https://one.corp"),
        ("registry.example.com:5000/app", "https://all.corp"),
        ("localhost:5000/other", "https://all.corp"),
    ],
)
def test_the_examples_of_the_manual(tmp_path: Path, image: str, url: str) -> None:
    write(tmp_path, EXAMPLE)
    write(tmp_path, DEFAULT, name="b.yaml")
    write(tmp_path, "nonsense: 1", name="c.yml")
    assert lookaside(tmp_path, image) == (url,)


def test_by_digest(tmp_path: Path) -> None:
    write(tmp_path, f'docker: {{"a.corp/x@sha256:{HEX}": {{lookaside: https://s.corp}}}}')
    assert lookaside(tmp_path, f"a.corp/x@sha256:{HEX}") == ("https://s.corp",)
    assert lookaside(tmp_path, "a.corp/x") == (f"file://{tmp_path}/signatures",)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "# nothing\n",
        "docker:\n",
        "default-docker:\n    lookaside-staging: file:///mnt\n",
        "default-docker: {lookaside: }\n",
        "default-docker: {lookaside: ''}\n",
        "docker: {a.corp: {use-sigstore-attachments: yes}}\n" + DEFAULT,
    ],
)
def test_where_the_tools_put_signatures(tmp_path: Path, content: str) -> None:
    """Nobody says anything, or the most specific scope does not."""
    write(tmp_path, content)
    assert lookaside(tmp_path, "a.corp/x") == (f"file://{tmp_path}/signatures",)


def test_mirrors_have_the_references_signatures(tmp_path: Path) -> None:
    write(tmp_path, "docker: {a.corp: {lookaside: https://s.corp}}\n")
    put(tmp_path / "user/registries.conf", '[[registry]]\nprefix="a.corp"\nlocation="b.corp/c"\n')
    assert lookaside(tmp_path, "a.corp/x") == ("https://s.corp",)


def test_http_is_for_that_host(tmp_path: Path) -> None:
    write(tmp_path, EXAMPLE)
    assert read(tmp_path).unwrap().insecure_hosts == {InsecureHost("http", "localhost", 4242)}


def test_a_users_folder_stands_in_place_of_the_machines(tmp_path: Path) -> None:
    write(tmp_path, DEFAULT, "system")
    assert lookaside(tmp_path, "a.corp/x") == ("https://all.corp",)
    (tmp_path / "user/registries.d").mkdir(parents=True)
    assert lookaside(tmp_path, "a.corp/x") == (f"file://{tmp_path}/signatures",)


def section(*lines: str) -> str:
    return "docker:\n    a.corp:\n" + "".join(f"        {line}\n" for line in lines)


@pytest.mark.parametrize(
    ("content", "line", "got"),
    [
        ("dockr: {}", 1, "dockr"),
        ("- a", 1, "another thing"),
        ("text", 1, "another thing"),
        ("docker: [a]", 1, "another thing"),
        ("docker: {a.corp: [a]}", 1, "another thing"),
        ("docker: {[a]: {}}", 1, "another thing"),
        ("docker: {}\ndocker: {}", 2, "docker"),
        ("docker:\n    a.corp: {}\n    a.corp: {}", 3, "a.corp"),
        (section("lookaside: https://s.corp", "lookaside: https://s.corp"), 4, "lookaside"),
        (section("lookasid: https://s.corp"), 3, "lookasid"),
        (section("Lookaside: https://s.corp"), 3, "Lookaside"),
        (section("<<: {lookaside: https://s.corp}"), 3, "<<"),
        (section("lookaside: 1"), 3, "another thing"),
        (section("lookaside: [https://s.corp]"), 3, "another thing"),
        (section("lookaside: !!python/name:os.system"), 3, "another thing"),
        (section("lookaside: !!binary aHR0cHM6Ly9zLmNvcnA="), 3, "another thing"),
        (section("use-sigstore-attachments: 1"), 3, "another thing"),
        (section("use-sigstore-attachments: 'true'"), 3, "another thing"),
        (section("lookaside: s.corp"), 3, "s.corp"),
        (section("lookaside: ftp://s.corp"), 3, "ftp://s.corp"),
        (section("lookaside: file://s.corp/a"), 3, "file://s.corp/a"),
        (section("lookaside: file:///"), 3, "file:///"),
        (section("lookaside: file:///a?b"), 3, "file:///a?b"),
        (section("lookaside: https://s.corp/%41"), 3, "https://s.corp/%41"),
        (section("lookaside: https://s.corp/../a"), 3, "https://s.corp/../a"),
        (section("lookaside-staging: s.corp"), 3, "s.corp"),
        (section("lookaside: https://me:hunter2@s.corp"), 3, "https://s.corp"),
        (section("lookaside: https://s.corp?token=hunter2"), 3, "https://s.corp?token=…"),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, content: str, line: int, got: str) -> None:
    path = write(tmp_path, content)
    error = read(tmp_path).failure()
    assert error.setting == f"{path}: line {line}"
    assert error.got == got
    assert "hunter2" not in error.message


@pytest.mark.parametrize(
    "content",
    [
        "docker: {",
        "a: b: c",
        "--- a\n--- b",
        "docker: *a",
        '"\\UFFFFFFFF": 1',
        "\0",
        "[" * 10_000,
        "#" * (CONFIGURATION_BYTES + 1),
    ],
)
def test_what_is_no_yaml(tmp_path: Path, content: str) -> None:
    path = write(tmp_path, content)
    assert read(tmp_path).failure().setting.startswith(str(path))


def test_what_is_no_text(tmp_path: Path) -> None:
    path = write(tmp_path, "")
    path.write_bytes(b"docker: {\xff: {}}")
    assert read(tmp_path).failure().setting == str(path)


@pytest.mark.parametrize("content", [DEFAULT, "docker: {a.corp: {}}"])
def test_a_section_in_two_files(tmp_path: Path, content: str) -> None:
    write(tmp_path, content)
    path = write(tmp_path, content, name="b.yaml")
    error = read(tmp_path).failure()
    assert error.setting == f"{path}: line 1"
    assert error.wanted == "each section once in all files"


def test_what_refers_to_itself(tmp_path: Path) -> None:
    write(tmp_path, "docker: &a {a.corp: *a}")
    assert read(tmp_path).failure().wanted.startswith("no key but")


def test_folders_that_cannot_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "user/registries.d"
    folder.parent.mkdir()
    folder.symlink_to(folder)
    assert read(tmp_path).failure().setting == str(folder)
