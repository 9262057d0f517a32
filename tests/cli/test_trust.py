"""``image-pipeline trust``: what it prints where, what it asks, and how it ends."""

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from pipeline.cli import trust as command
from pipeline.errors import ExitCode
from pipeline.limits import KEYRING_BYTES
from tests.support.world import HOST, World, make_key

APP = f"{HOST}/app"


@pytest.fixture(scope="module")
def other_key() -> Any:
    """A key of somebody else."""
    return make_key("Mallory \x1b[2J\u202e")


@pytest.fixture
def key_file(world: World) -> Path:
    """The maker's public key as a file."""
    path = world.home / "key.asc"
    path.write_text(str(world.key.pubkey))
    return path


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What somebody on a terminal will answer, in order; each question takes one."""
    to_give: list[bool] = []

    def confirm(text: str, default: bool, err: bool) -> bool:
        assert not default
        click.echo(text, err=err)
        return to_give.pop(0)

    monkeypatch.setattr(command, "is_terminal", lambda: True)
    monkeypatch.setattr(click, "confirm", confirm)
    return to_give


def fingerprint_of(key: Any) -> str:
    return str(key.fingerprint).replace(" ", "").lower()


def files(world: World) -> list[str]:
    """Every file of the local keystore, below trustedkeys."""
    folder = world.home / "config" / "trustedkeys"
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def add(world: World, *arguments: str, prefix: str = APP) -> int:
    return world.run("trust", "add", "--prefix", prefix, *arguments)


class TestAdd:
    """Nothing is trusted that nobody approved."""

    def test_approved(self, world: World, key_file: Path, answers: list[bool]) -> None:
        answers += [True]
        hex_ = fingerprint_of(world.key)
        assert add(world, "key.asc") == ExitCode.DONE
        assert world.out == f"{hex_}\t{APP}\n"
        grouped = re.sub("(....)(?=.)", r"\1 ", hex_.upper())
        assert f"  fingerprint  {grouped}\n  user ID      Example Images\n" in world.err
        assert f"Trust this key for {APP} and names under it?" in world.err
        assert files(world) == [f"prefix.d/{APP}/{hex_}"]

    def test_rejected(self, world: World, key_file: Path, answers: list[bool]) -> None:
        answers += [False]
        assert add(world, "key.asc") == ExitCode.CONFIGURATION
        assert world.out == ""
        assert "error: no key was trusted: none was approved\n\nhint: " in world.err
        assert files(world) == []

    def test_each_key_is_asked_about(
        self, world: World, key_file: Path, other_key: Any, answers: list[bool]
    ) -> None:
        (world.home / "other.asc").write_text(str(other_key.pubkey))
        answers += [True, False]
        assert add(world, "key.asc", "other.asc") == ExitCode.DONE
        assert answers == []
        assert world.out == f"{fingerprint_of(world.key)}\t{APP}\n"
        assert "warning: not trusted, since it was not approved: " in world.err
        # What is in a user ID stays in it.
        assert "Mallory \\x1b[2J\\u202e" in world.err
        assert "\x1b" not in world.err
        assert "\u202e" not in world.err

    def test_without_a_terminal(self, world: World, key_file: Path) -> None:
        assert add(world, "key.asc") == ExitCode.CONFIGURATION
        assert f"nobody is here to compare fingerprints: {fingerprint_of(world.key)}" in world.err
        assert "hint: compare the fingerprints" in world.err
        assert files(world) == []

    def test_skipping_the_review_for_root(self, world: World, key_file: Path) -> None:
        code = world.run("trust", "add", "--root", "--skip-fingerprint-review", "key.asc")
        assert code == ExitCode.DONE
        assert world.out == f"{fingerprint_of(world.key)}\tall names\n"
        assert "trusted " in world.err
        assert files(world) == [f"root.d/{fingerprint_of(world.key)}"]

    def test_discovered_keys(self, world: World) -> None:
        world.site.pages["/key.asc"] = str(world.key.pubkey).encode()
        assert add(world) == ExitCode.CONFIGURATION
        assert files(world) == []
        assert add(world, "--trust-keys-from-https") == ExitCode.DONE
        assert world.out == f"{fingerprint_of(world.key)}\t{APP}\n"

    def test_https_opens_no_door_to_files(
        self, world: World, key_file: Path, other_key: Any, answers: list[bool]
    ) -> None:
        world.site.pages["/key.asc"] = str(other_key.pubkey).encode()
        answers += [False]
        url = f"https://{HOST}/key.asc"
        assert add(world, "--trust-keys-from-https", url, "key.asc") == ExitCode.DONE
        assert answers == []
        assert world.out == f"{fingerprint_of(other_key)}\t{APP}\n"

    @pytest.mark.parametrize("word", ["tls", "http", "pubkey"])
    def test_discovery_that_may_be_forged_vouches_for_nothing(
        self, word: str, world: World
    ) -> None:
        world.site.pages["/key.asc"] = str(world.key.pubkey).encode()
        code = add(world, "--trust-keys-from-https", f"--insecure-options={word}")
        assert code == ExitCode.CONFIGURATION
        assert files(world) == []

    def test_plain_http(self, world: World) -> None:
        url = f"http://{HOST}/key.asc"
        for option in ((), ("--insecure-options=http",)):
            assert add(world, *option, "--skip-fingerprint-review", url) == ExitCode.DOWNLOAD
            assert "is not secure, wanted https" in world.err
        assert world.site.requests == []

    @pytest.mark.parametrize("prefix", ["a/../../root.d", "../x", "Bad", "", "example.com/"])
    def test_a_prefix_is_a_name(self, prefix: str, world: World, key_file: Path) -> None:
        # rkt wrote a root key for the first of these.
        code = add(world, "--skip-fingerprint-review", "key.asc", prefix=prefix)
        assert code == ExitCode.CONFIGURATION
        assert "is not a prefix of image names: wanted" in world.err
        assert not (world.home / "config").exists()

    @pytest.mark.parametrize(
        "arguments",
        [("key.asc",), ("--root",), ("--root", "--prefix", APP, "key.asc")],
    )
    def test_usage(self, arguments: tuple[str, ...], world: World, key_file: Path) -> None:
        assert world.run("trust", "add", *arguments) == ExitCode.USAGE
        assert files(world) == []

    def test_a_file_that_holds_no_key(self, world: World) -> None:
        (world.home / "junk").write_bytes(b"junk")
        assert add(world, "--skip-fingerprint-review", "junk") == ExitCode.CONFIGURATION
        assert "error: junk holds no usable public key: " in world.err
        assert add(world, "--skip-fingerprint-review", "nowhere") == ExitCode.CONFIGURATION


class TestList:
    """One line a file, in load order."""

    def test_nothing(self, world: World) -> None:
        assert world.run("trust", "list") == ExitCode.DONE
        assert (world.out, world.err) == ("", "no keys are trusted\n")
        assert world.run("trust", "list", "--json") == ExitCode.DONE
        assert (world.out, world.err) == ("", "")

    def test_states(self, world: World, other_key: Any) -> None:
        world.trust(APP)
        world.trust(APP, key=other_key)
        maker, other = fingerprint_of(world.key), fingerprint_of(other_key)
        local = world.home / "config/trustedkeys"
        system = world.home / "system/trustedkeys/root.d"
        system.mkdir(parents=True)
        (local / f"prefix.d/{APP}" / maker).rename(system / maker)
        (system / other).write_bytes((system / maker).read_bytes())
        (system / "junk").write_bytes(b"")
        assert world.run("trust", "mask", maker, "--root") == ExitCode.DONE
        assert world.run("trust", "list", "--json") == ExitCode.DONE
        documents = [json.loads(line) for line in world.out.splitlines()]
        shown = {(d["fingerprint"], d["origin"], d["prefix"], d["state"]) for d in documents}
        assert shown == {
            (maker, "system", None, "overridden"),
            (other, "system", None, "unusable"),
            (maker, "local", None, "mask"),
            (other, "local", APP, "trusted"),
        }
        assert documents[-1]["user_ids"] == ["Mallory \x1b[2J\u202e"]
        assert f"warning: left out {system / 'junk'}: not named by a fingerprint" in world.err
        assert f"{system / other}: it does not hold the key that it is named by" in world.err
        assert world.run("trust", "list") == ExitCode.DONE
        lines = world.out.splitlines()
        assert lines[0].split()[:2] == ["FINGERPRINT", "NAMES"]
        assert lines[-1].endswith("Mallory \\x1b[2J\\u202e")
        assert world.run("trust", "list", "--no-legend") == ExitCode.DONE
        assert world.out.splitlines() == lines[1:]


class TestTakeAway:
    """To take trust away says what is left of it."""

    def test_remove(self, world: World) -> None:
        hex_ = fingerprint_of(world.key)
        world.trust(APP)
        world.trust(HOST)
        assert world.run("trust", "remove", hex_, "--prefix", APP) == ExitCode.DONE
        assert world.out == f"{hex_}\t{APP}\n"
        assert f"warning: the key still counts for {HOST}: " in world.err
        assert world.run("trust", "remove", hex_, "--prefix", APP) == ExitCode.CONFIGURATION
        assert world.run("trust", "remove", hex_.upper(), "--prefix", HOST) == ExitCode.DONE
        assert world.err == ""
        assert files(world) == []

    def test_remove_everywhere(self, world: World) -> None:
        hex_ = fingerprint_of(world.key)
        world.trust(APP)
        world.trust(HOST)
        assert world.run("trust", "remove", "--all", hex_) == ExitCode.DONE
        assert world.out == f"{hex_}\t{HOST}\n{hex_}\t{APP}\n"
        assert files(world) == []
        assert world.run("trust", "remove", "--all", hex_) == ExitCode.CONFIGURATION
        assert f'error: no trusted key "{hex_}"' in world.err

    def test_mask_and_undo(self, world: World) -> None:
        hex_ = fingerprint_of(world.key)
        world.trust(f"{APP}/sub")
        world.run("trust", "mask", hex_, "--prefix", APP)
        assert world.out == f"{hex_}\t{APP}\n"
        assert f"warning: the key still counts for {APP}/sub: " in world.err
        assert world.run("trust", "mask", hex_, "--prefix", f"{APP}/sub") == ExitCode.DONE
        assert world.err == ""
        assert world.run("trust", "mask", "--undo", hex_, "--prefix", APP) == ExitCode.DONE
        assert world.out == f"{hex_}\t{APP}\n"
        code = world.run("trust", "mask", "--undo", hex_, "--prefix", APP)
        assert code == ExitCode.CONFIGURATION

    @pytest.mark.parametrize(
        "arguments",
        [
            ("remove", "abc", "--root"),
            ("mask", "abc", "--root"),
            ("remove", "a" * 40),
            ("mask", "a" * 40),
            ("remove", "a" * 40, "--all", "--root"),
            ("remove", "a" * 40, "--all", "--prefix", APP),
            ("mask", "a" * 40, "--root", "--prefix", APP),
        ],
    )
    def test_usage(self, arguments: tuple[str, ...], world: World) -> None:
        assert world.run("trust", *arguments) == ExitCode.USAGE
        assert not (world.home / "config").exists()


class TestShow:
    """Keys of a file or of the keystore, on stdout; nothing is trusted by it."""

    def test_a_file(self, world: World, key_file: Path) -> None:
        assert world.run("trust", "show", "./key.asc") == ExitCode.DONE
        assert world.out.startswith("key from ./key.asc\n  fingerprint  ")
        assert not (world.home / "config").exists()

    def test_json(self, world: World, key_file: Path) -> None:
        assert world.run("trust", "show", "--json", "key.asc") == ExitCode.DONE
        document = json.loads(world.out)
        assert document["fingerprint"] == fingerprint_of(world.key)
        assert document["user_ids"] == ["Example Images"]
        assert (document["source"], document["expires"]) == ("key.asc", None)
        assert (document["revoked"], document["problem"]) == (False, None)
        assert document["subkeys"] == []

    def test_a_fingerprint(self, world: World) -> None:
        hex_ = fingerprint_of(world.key)
        assert world.run("trust", "show", hex_) == ExitCode.CONFIGURATION
        world.trust(APP)
        path = world.home / f"config/trustedkeys/prefix.d/{APP}/{hex_}"
        assert world.run("trust", "show", str(world.key.fingerprint)) == ExitCode.DONE
        assert world.out.startswith(f"key from {path}\n")
        path.write_bytes(b"junk")
        assert world.run("trust", "show", hex_) == ExitCode.CONFIGURATION
        assert "holds no usable public key" in world.err


def test_the_reviewer_takes_no_for_an_answer(
    world: World, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "is_terminal", lambda: True)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda prompt: "")
    assert add(world, "key.asc") == ExitCode.CONFIGURATION
    assert world.out == ""
    assert files(world) == []


@pytest.mark.parametrize("source", ["missing.asc", "folder", "large.asc"])
def test_a_key_file_that_cannot_be_read(world: World, source: str) -> None:
    (world.home / "folder").mkdir()
    (world.home / "large.asc").write_bytes(bytes(KEYRING_BYTES + 1))
    assert world.run("trust", "add", "--root", source) == 9
    assert f"error: {source} holds no usable public key: it " in world.err
    assert "--max-size" not in world.err


def test_a_key_over_http_is_allowed_by_its_own_word(world: World) -> None:
    assert world.run("trust", "add", "--root", "http://example.com/key.asc") == 5
    assert "--insecure-options=pubkey" in world.err
