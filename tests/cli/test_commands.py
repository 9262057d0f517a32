"""The commands as a user types them: what goes to stdout, what to stderr, and the exit code."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.world import (
    HOST,
    IMAGE_PATH,
    LABELS,
    REFERENCE,
    Answer,
    World,
    make_image,
    make_key,
    sign,
)

URL = f"https://{HOST}{IMAGE_PATH}"


@pytest.fixture
def published(world: World) -> World:
    """A world where the image is published and its maker trusted."""
    world.trust()
    world.publish()
    return world


def documents(out: str) -> list[dict[str, Any]]:
    """Read JSON lines."""
    return [json.loads(line) for line in out.splitlines()]


class TestFetch:
    """One image ID a line on stdout; talk on stderr."""

    def test_by_name(self, published: World) -> None:
        assert published.run("fetch", REFERENCE) == 0
        assert published.out.startswith("sha512-")
        assert len(published.out) == len("sha512-") + 32 + 1
        assert f"signature verified: {HOST}/app:1.2.0" in published.err
        assert "Example Images" in published.err

    def test_by_url(self, published: World) -> None:
        assert published.run("fetch", URL) == 0
        assert published.site.asked_for() == [f"{IMAGE_PATH}.asc", IMAGE_PATH]

    def test_by_path_with_the_signature_beside_it(self, published: World) -> None:
        image = make_image()
        Path("app.aci").write_bytes(image)
        Path("app.aci.asc").write_bytes(sign(published.key, image))
        assert published.run("fetch", "./app.aci") == 0, published.err

    def test_by_path_with_a_signature_elsewhere(self, published: World) -> None:
        image = make_image()
        Path("app.aci").write_bytes(image)
        Path("elsewhere.sig").write_bytes(sign(published.key, image))
        assert published.run("fetch", "./app.aci") == 5
        assert "no signature" in published.err
        assert published.run("fetch", "./app.aci", "--signature", "elsewhere.sig") == 0

    @pytest.mark.parametrize("path", ["./missing.aci", "./folder.aci"])
    def test_a_path_without_a_file_is_missed_itself(self, published: World, path: str) -> None:
        Path("folder.aci").mkdir()
        assert published.run("fetch", path) == 5
        assert f'{path[2:]}": there is no regular file' in published.err
        assert "signature" not in published.err

    def test_full_ids(self, published: World) -> None:
        published.run("fetch", REFERENCE, "--full")
        assert len(published.out) == len("sha512-") + 128 + 1

    def test_several_in_order(self, published: World) -> None:
        published.run("fetch", REFERENCE, "--full")
        first = published.out
        other = make_image(labels=LABELS | {"version": "2.0.0"})
        published.publish(other, IMAGE_PATH.replace("1.2.0", "2.0.0"))
        assert published.run("fetch", "--full", REFERENCE.replace("1.2.0", "2.0.0"), URL) == 0
        assert published.out.splitlines()[1] == first.strip()

    def test_json(self, published: World) -> None:
        assert published.run("fetch", "--json", REFERENCE, "sha512-00") == 8
        image, failure = documents(published.out)
        assert image["name"] == f"{HOST}/app"
        assert image["verified"] is True
        assert image["signers"][0]["user_ids"] == ["Example Images"]
        assert image["outcome"] == "new"
        assert failure["error"]["kind"] == "image-not-found"

    def test_quiet(self, published: World) -> None:
        published.run("fetch", "--quiet", REFERENCE)
        assert published.err == ""

    def test_global_options_may_stand_in_front(self, published: World) -> None:
        published.run("--quiet", "fetch", REFERENCE)
        assert published.err == ""

    def test_verbose_names_the_stages(self, published: World) -> None:
        published.run("fetch", "-v", REFERENCE)
        for stage in ("discover", "download", "verify", "extract", "store"):
            assert f"{stage}: done" in published.err

    def test_deferred_signature(self, published: World) -> None:
        signature = published.site.pages[f"{IMAGE_PATH}.asc"]
        assert isinstance(signature, bytes)

        def later(asked: int) -> Answer:
            return Answer(status=202) if asked == 0 else Answer(signature)

        published.site.pages[f"{IMAGE_PATH}.asc"] = later
        assert published.run("fetch", REFERENCE) == 0
        assert "deferring the signature" in published.err
        signature_path = f"{IMAGE_PATH}.asc"
        assert published.site.asked_for()[1:] == [signature_path, IMAGE_PATH, signature_path]

    def test_deferred_twice(self, published: World) -> None:
        published.site.pages[f"{IMAGE_PATH}.asc"] = Answer(status=202)
        assert published.run("fetch", REFERENCE) == 5
        assert "202" in published.err

    def test_a_stored_image_needs_no_request(self, published: World) -> None:
        published.run("fetch", REFERENCE)
        published.site.requests.clear()
        assert published.run("fetch", "--pull-policy=new", REFERENCE) == 0
        assert published.site.requests == []
        assert "from the store" in published.err

    def test_dependencies(self, published: World) -> None:
        below = make_image(f"{HOST}/base")
        labels = [{"name": "version", "value": "1.2.0"}]
        dependency = {"imageName": f"{HOST}/base", "labels": labels}
        published.publish(make_image(dependencies=(dependency,)))
        page = published.site.pages["/app"]
        assert isinstance(page, bytes)
        published.site.pages["/base"] = page.replace(f"{HOST}/app".encode(), HOST.encode())
        published.publish(below, IMAGE_PATH.replace("app", "base"))
        assert published.run("fetch", REFERENCE) == 6
        published.trust(HOST)
        assert published.run("fetch", REFERENCE) == 0, published.err
        assert len(published.out.splitlines()) == 1
        published.run("image", "list", "--json")
        assert {each["name"] for each in documents(published.out)} == {
            f"{HOST}/app",
            f"{HOST}/base",
        }

    def test_without_dependencies(self, published: World) -> None:
        published.publish(make_image(dependencies=({"imageName": f"{HOST}/missing"},)))
        assert published.run("fetch", REFERENCE) == 4
        assert published.run("fetch", "--no-deps", REFERENCE) == 0


class TestInsecureOptions:
    """Each leaves its own check out, and warns."""

    def test_image(self, world: World) -> None:
        world.publish()
        del world.site.pages[f"{IMAGE_PATH}.asc"]
        assert world.run("fetch", REFERENCE) == 5
        assert world.run("fetch", "--insecure-options=image", REFERENCE) == 0
        assert "warning: signatures are not checked" in world.err
        assert "is unverified" in world.err
        assert world.run("fetch", "--pull-policy=never", REFERENCE) == 6

    def test_image_does_not_claim_that_a_stored_proof_was_judged(self, published: World) -> None:
        published.run("fetch", REFERENCE)
        published.run("fetch", "--insecure-options=image", "--pull-policy=never", REFERENCE)
        assert "verified when it was stored, not now" in published.err

    def test_tls(self, published: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("IMAGE_PIPELINE_CA_FILE")
        assert published.run("fetch", URL) == 5
        assert published.run("fetch", "--insecure-options=tls", URL) == 0, published.err
        assert published.err.count("certificates are not checked") == 1

    def test_http(self, world: World) -> None:
        assert world.run("fetch", f"http://{HOST}/app.aci") == 5
        assert "wanted https" in world.err

    def test_warnings_are_not_silenced(self, world: World) -> None:
        world.run("--quiet", "--insecure-options=image,tls,http,pubkey", "image", "list")
        assert world.err.count("warning: ") == 4


class TestParse:
    """What a reference is taken for."""

    def test_json(self, world: World) -> None:
        Path("app.aci").touch()
        texts = [REFERENCE, "./app.aci", URL, "docker://busybox", "sha512-0a1b", "A B"]
        assert world.run("parse", "--json", *texts) == 3
        parsed = documents(world.out)
        kinds = [each.get("type") for each in parsed]
        assert kinds == ["appc", "aci-archive", "aci-archive", "docker", "image-id", None]
        assert parsed[0]["name"] == f"{HOST}/app"
        assert parsed[0]["labels"] == LABELS
        assert parsed[0]["cimd"].startswith("cimd:appc:v=0:example.com%2Fapp")
        assert parsed[5]["error"]["kind"] == "invalid-reference"

    def test_lines(self, world: World) -> None:
        assert world.run("parse", "example.com/app:1") == 0
        assert world.out == "appc\texample.com/app:1\n"


def test_an_image_for_another_machine(world: World) -> None:
    """What is asked for goes before what this machine is: by name, from the store, and again."""
    labels = {"version": "1.2.0", "os": "freebsd", "arch": "i386"}
    path = IMAGE_PATH.replace("linux", "freebsd").replace("amd64", "i386")
    world.publish(make_image(labels=labels), path)
    world.trust()
    reference = f"{HOST}/app:1.2.0,os=freebsd,arch=i386"
    for policy in ("update", "new", "never"):
        assert world.run("fetch", f"--pull-policy={policy}", reference) == 0, world.err
    assert world.run("fetch", "--pull-policy=never", f"{HOST}/app:1.2.0") == 8


class TestImage:
    """What the store has."""

    def test_empty_list(self, world: World) -> None:
        assert world.run("image", "list") == 0
        assert world.out == ""
        assert not (world.home / "store").exists()

    def test_list(self, published: World) -> None:
        published.run("fetch", REFERENCE)
        published.run("image", "list")
        header, line = published.out.splitlines()
        assert header.split() == ["ID", "NAME", "IMPORTED", "SIZE", "SIGNED", "BY"]
        assert f"{HOST}/app:1.2.0" in line
        published.run("image", "list", "--no-legend", "--full")
        assert len(published.out.split()[0]) == len("sha512-") + 128

    def test_manifest_is_byte_for_byte(self, published: World) -> None:
        published.run("fetch", REFERENCE)
        image_id = published.out.strip()
        for name in (image_id, image_id[:9], REFERENCE, f"{HOST}/app", URL):
            assert published.run("image", "manifest", name) == 0, published.err
            assert json.loads(published.out)["name"] == f"{HOST}/app"
        assert published.out.endswith("}\n")

    def test_rm(self, published: World) -> None:
        published.run("fetch", REFERENCE)
        image_id = published.out.strip()
        assert published.run("image", "rm", "sha512-00", image_id, REFERENCE) == 8
        assert published.out == f"{image_id}\n"
        assert "1 image(s) removed" in published.err
        assert published.store_files() == []
        assert published.run("image", "rm", image_id) == 8

    def test_unknown(self, world: World) -> None:
        for name in ("sha512-00", "example.com/unknown"):
            assert world.run("image", "manifest", name) == 8
            assert "no image" in world.err


class TestKeystoreNotices:
    """A junk file in the keystore is named, and breaks nothing."""

    def test_junk_is_reported_and_skipped(self, published: World) -> None:
        folder = published.home / "config/trustedkeys/root.d"
        folder.mkdir(parents=True)
        (folder / "README").write_text("not a key")
        assert published.run("fetch", REFERENCE) == 0
        assert str(folder / "README") in published.err

    def test_a_file_under_another_keys_name_grants_nothing(self, published: World) -> None:
        stranger = make_key("Somebody Else")
        folder = published.home / "config/trustedkeys/prefix.d/example.com/app"
        [file] = folder.iterdir()
        file.write_bytes(bytes(stranger.pubkey))
        image = make_image()
        published.site.pages |= {f"{IMAGE_PATH}.asc": sign(stranger, image), IMAGE_PATH: image}
        assert published.run("fetch", REFERENCE) == 6

    def test_a_file_with_several_keys_counts_whole(self, published: World) -> None:
        second = make_key("Second")
        folder = published.home / "config/trustedkeys/prefix.d/example.com/app"
        [file] = folder.iterdir()
        file.write_bytes(bytes(published.key.pubkey) + bytes(second.pubkey))
        image = make_image()
        published.site.pages |= {f"{IMAGE_PATH}.asc": sign(second, image), IMAGE_PATH: image}
        assert published.run("fetch", REFERENCE) == 0, published.err
        mask = published.home / "config/trustedkeys/root.d"
        mask.mkdir()
        (mask / str(second.fingerprint).replace(" ", "").lower()).touch()
        assert published.run("fetch", REFERENCE) == 6


class TestTerminal:
    """Help, completion, and a reader that goes away."""

    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_completion(self, world: World, shell: str) -> None:
        assert world.run("completion", shell) == 0
        assert "_IMAGE_PIPELINE_COMPLETE" in world.out

    def test_help_lists_commands_and_exit_codes(self, world: World) -> None:
        assert world.run("--help") == 0
        for word in ("fetch", "trust", "image", "parse", "6  verification", "--store"):
            assert word in world.out

    @pytest.mark.parametrize("command", ["fetch", "trust", "image", "parse", "completion"])
    def test_every_command_has_global_options(self, world: World, command: str) -> None:
        assert world.run(command, "--help") == 0
        assert "--connect-to" in world.out

    @pytest.mark.parametrize("group", ["image", "trust", "signature"])
    def test_no_line_of_help_is_cut_off(self, world: World, group: str) -> None:
        assert world.run(group, "--help") == 0
        assert "..." not in world.out.partition("Commands:")[2]

    def test_version(self, world: World) -> None:
        assert world.run("--version") == 0
        assert world.out.startswith("image-pipeline 0.")

    def test_a_reader_that_goes_away_is_no_error(self, published: World) -> None:
        published.run("fetch", REFERENCE)
        command = f"{sys.executable} -m pipeline --help | true"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert done.stderr == ""

    @pytest.mark.parametrize(
        ("words", "offered"),
        [
            ("fe", "plain,fetch"),
            ("fetch --pull", "plain,--pull-policy"),
            ("fetch --pull-policy n", "plain,never"),
            ("image man", "plain,manifest"),
            ("fetch ./a", "file,./a"),
            ("trust add ./k", "file,./k"),
        ],
    )
    def test_the_completion_scripts_are_answered(
        self, world: World, monkeypatch: pytest.MonkeyPatch, words: str, offered: str
    ) -> None:
        """What the script for bash asks, it is told."""
        line = f"image-pipeline {words}"
        monkeypatch.setenv("_IMAGE_PIPELINE_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
        assert world.run() == 0
        assert offered in world.out.splitlines()

    @pytest.mark.parametrize("command", [(), ("image",), ("trust",)])
    def test_no_command_gets_the_help_on_stderr(
        self, world: World, command: tuple[str, ...]
    ) -> None:
        assert world.run(*command) == 2
        assert world.out == ""
        assert world.err.startswith("Usage: image-pipeline")

    def test_stdout_that_takes_nothing(self) -> None:
        command = f"{sys.executable} -m pipeline --help > /dev/full"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("error: cannot write the results: No space left on device\n")
        assert "defect" not in done.stderr

    def test_interrupt_while_modules_are_imported(self, tmp_path: Path) -> None:
        """Ctrl-C may come before there is a command that could catch it."""
        (tmp_path / "click.py").write_text(
            "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
        )
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "--help"],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == -signal.SIGINT
        assert done.stderr == ""
