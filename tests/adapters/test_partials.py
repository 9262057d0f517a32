"""Bodies on their way: what outlasts a session, a process, the machine, and what must not."""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from returns.pipeline import is_successful
from returns.primitives.exceptions import UnwrapFailedError

from pipeline.adapters.layout import partial_state
from pipeline.adapters.layout.failures import Refused
from pipeline.adapters.layout.filesystem import OsFilesystem
from pipeline.adapters.layout.partial_folders import try_take
from pipeline.adapters.layout.partials import FilePartial, name_of, take
from pipeline.errors import DiskFull, StoreUnavailable
from pipeline.ports import BodyStart, ResumePoint
from pipeline.results import QuarantinedBlob, Validators
from pipeline.testing.conformance import expect_success
from tests.adapters.store_world import (
    StoppingFilesystem,
    become_nobody,
    disk_full,
    fork,
    interrupt,
    io_error,
    opened,
    public_folder,
    quick_folder,
    require_child,
)

URL = "https://example.com/app.aci?token=s3cret"
BODY = bytes(range(256)) * 8
V1, V2 = Validators('"v1"'), Validators(None, "Mon, 23 Nov 2026 19:00:00 GMT")
WHOLE = BodyStart(URL, 0, len(BODY), V1)


def begun(root: Path, content: bytes = BODY[:100], start: BodyStart = WHOLE) -> FilePartial:
    """A transfer in its middle."""
    held = take(StoppingFilesystem(), root, URL, 0)
    expect_success(held.begin(start), "begin")
    expect_success(held.write(content), "write")
    return held


def left(root: Path, content: bytes = BODY[:100], start: BodyStart = WHOLE) -> None:
    """What an earlier transfer left."""
    begun(root, content, start).release()


def found(root: Path) -> ResumePoint | None:
    """What the next fetch finds."""
    held = take(StoppingFilesystem(), root, URL, 0)
    point = held.resume_point()
    held.release()
    return point


def kill(held: FilePartial) -> None:
    """Let go of what a killed process lets go of: its open files."""
    for descriptor in (held.lock, held.descriptor):
        if descriptor is not None:
            os.close(descriptor)
    held.given_up = True


class TestWhatIsHeld:
    def test_it_outlasts_a_release_and_a_kill(self, tmp_path: Path) -> None:
        left(tmp_path)
        assert found(tmp_path) == ResumePoint(100, V1, len(BODY))
        held = take(StoppingFilesystem(), tmp_path, URL, 0)
        expect_success(held.begin(BodyStart(URL, 100, len(BODY), V1)), "go on")
        expect_success(held.write(BODY[100:150]), "write")
        kill(held)
        assert found(tmp_path) == ResumePoint(150, V1, len(BODY))

    @pytest.mark.parametrize("start", [WHOLE, BodyStart(URL, 0, None, V2)])
    def test_each_validator_will_do(self, tmp_path: Path, start: BodyStart) -> None:
        left(tmp_path, start=start)
        assert found(tmp_path) == ResumePoint(100, start.validators, start.total)

    def test_of_a_whole_body_the_last_byte_is_asked_for(self, tmp_path: Path) -> None:
        left(tmp_path, BODY)
        assert found(tmp_path) == ResumePoint(len(BODY) - 1, V1, len(BODY))

    def test_more_than_the_whole_is_no_part_of_it(self, tmp_path: Path) -> None:
        left(tmp_path, BODY + b"x")
        assert found(tmp_path) is None

    def test_without_a_validator_nothing_stays(self, tmp_path: Path) -> None:
        left(tmp_path, start=BodyStart(URL, 0, len(BODY), Validators()))
        assert not (tmp_path / "partials" / name_of(URL)).exists()

    def test_no_secret_is_written_down(self, tmp_path: Path) -> None:
        left(tmp_path)
        folder = tmp_path / "partials" / name_of(URL)
        assert "s3cret" not in str(folder) + (folder / "state.json").read_text()

    def test_it_is_nobody_elses_to_read(self, tmp_path: Path) -> None:
        left(tmp_path)
        folder = tmp_path / "partials" / name_of(URL)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "data").stat().st_mode & 0o777 == 0o600

    def test_a_finished_body_is_read_only_and_can_be_gone_on_with(self, tmp_path: Path) -> None:
        held = begun(tmp_path, BODY)
        blob = expect_success(held.finish(), "finish")
        assert held.data.stat().st_mode & 0o777 == 0o444
        assert blob == QuarantinedBlob(f"partials/{name_of(URL)}", len(BODY))
        assert not is_successful(held.write(b"x"))
        held.release()
        assert found(tmp_path) == ResumePoint(len(BODY) - 1, V1, len(BODY))

    def test_a_finished_body_of_an_ordinary_user_too(self) -> None:
        def body() -> None:
            become_nobody()
            held = begun(root / "store", BODY)
            expect_success(held.finish(), "finish")
            held.release()
            assert found(root / "store") == ResumePoint(len(BODY) - 1, V1, len(BODY))

        with public_folder() as root:
            root.chmod(0o777)
            require_child(body)

    @pytest.mark.parametrize(
        "junk",
        [
            b"",
            b"{",
            b"[]",
            b"{}",
            b"\xff",
            b"null",
            b"[" * 10_000,
            json.dumps({"etag": 1, "last_modified": None, "total": 1, "durable": 0, "boot": ""}),
            json.dumps({"etag": "e", "last_modified": None, "total": -1, "durable": 0, "boot": ""}),
            json.dumps({"etag": "e", "last_modified": None, "total": 1, "durable": "", "boot": ""}),
        ],
    )
    def test_a_state_that_cannot_be_read_is_none(self, tmp_path: Path, junk: bytes | str) -> None:
        left(tmp_path)
        state = tmp_path / "partials" / name_of(URL) / "state.json"
        state.write_bytes(junk if isinstance(junk, bytes) else junk.encode())
        assert found(tmp_path) is None
        state.unlink(missing_ok=True)
        state.parent.mkdir(exist_ok=True)
        state.mkdir()
        held = take(StoppingFilesystem(), tmp_path, URL, 0)
        assert held.resume_point() is None
        assert held.size == 0
        kill(held)


class TestAnotherBoot:
    @pytest.fixture
    def boot(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        current = ["first"]
        monkeypatch.setattr(partial_state, "boot_id", lambda: current[0])
        return current

    def test_only_what_was_made_durable_counts(self, tmp_path: Path, boot: list[str]) -> None:
        held = begun(tmp_path)
        held.synced_at = -1e9
        expect_success(held.write(BODY[100:200]), "write")
        expect_success(held.write(BODY[200:300]), "write")
        kill(held)
        assert found(tmp_path) == ResumePoint(300, V1, len(BODY))
        boot[0] = "second"
        assert found(tmp_path) == ResumePoint(200, V1, len(BODY))

    def test_nothing_counts_that_was_durable_of_another_body(
        self, tmp_path: Path, boot: list[str]
    ) -> None:
        held = begun(tmp_path)
        held.synced_at = -1e9
        expect_success(held.write(BODY[100:200]), "write")
        expect_success(held.begin(BodyStart(URL, 0, None, V2)), "begin anew")
        expect_success(held.write(BODY[:150]), "write")
        kill(held)
        boot[0] = "second"
        assert found(tmp_path) is None

    def test_a_machine_that_does_not_say_counts_as_another(
        self, tmp_path: Path, boot: list[str]
    ) -> None:
        boot[0] = ""
        left(tmp_path)
        assert found(tmp_path) is None

    def test_the_data_are_durable_before_the_state_says_so(self, tmp_path: Path) -> None:
        filesystem = StoppingFilesystem()
        held = take(filesystem, tmp_path, URL, 0)
        expect_success(held.begin(WHOLE), "begin")
        held.synced_at = -1e9
        filesystem.calls.clear()
        expect_success(held.write(BODY[:100]), "write")
        shown = [call.rpartition("/")[2] for call in filesystem.calls if "write" not in call]
        assert shown == [
            "data",
            "state.json.new",
            "state.json.new",
            "state.json",
            name_of(URL),
            name_of(URL),
        ]
        held.release()


class TestRoom:
    def test_a_body_without_room_is_refused_before_it_is_asked_for(self, tmp_path: Path) -> None:
        class Small(StoppingFilesystem):
            def free_bytes(self, folder: Path) -> int:
                return 1000

        left(tmp_path, BODY[:1500], BodyStart(URL, 0, 4000, V1))
        held = take(Small(), tmp_path, URL, 0)
        # What is held of it already takes no more, and what is void gives room.
        for offset, total, fits in [
            (1500, 2500, True),
            (1500, 2501, False),
            (500, 2500, True),
            (500, 2501, False),
            (0, 10**15, False),
        ]:
            outcome = held.begin(BodyStart(URL, offset, total, V1))
            assert is_successful(outcome) is fits, (offset, total)
            if not fits:
                assert outcome.failure() == DiskFull(str(tmp_path))
            else:
                expect_success(held.write(bytes(1500 - offset)), "write")
        held.release()

    def test_half_a_chunk_on_a_full_disk_counts(self, tmp_path: Path) -> None:
        class Filling(StoppingFilesystem):
            def write(self, descriptor: int, chunk: memoryview) -> int:
                if len(self.calls) and chunk.nbytes > 10 and descriptor == held.descriptor:
                    return os.write(descriptor, chunk[:10])
                if descriptor == held.descriptor:
                    disk_full()
                return os.write(descriptor, chunk)

        held = take(Filling(), tmp_path, URL, 0)
        expect_success(held.begin(WHOLE), "begin")
        assert isinstance(held.write(BODY[:15]).failure(), DiskFull)
        held.release()
        assert found(tmp_path) == ResumePoint(10, V1, len(BODY))


class TestTurns:
    def test_two_sessions_take_turns(self, tmp_path: Path) -> None:
        held = begun(tmp_path)
        with pytest.raises(Refused) as refused:
            take(StoppingFilesystem(), tmp_path, URL, 0.1)
        assert isinstance(refused.value.error, StoreUnavailable)
        assert refused.value.error.doing == "lock"
        held.release()
        assert found(tmp_path) is not None

    def test_a_thread_that_waits_goes_on_where_the_first_stopped(self, tmp_path: Path) -> None:
        held = begun(tmp_path)
        points: list[ResumePoint | None] = []

        def wait() -> None:
            mine = take(StoppingFilesystem(), tmp_path, URL, 30)
            points.append(mine.resume_point())
            mine.release()

        threads = [threading.Thread(target=wait) for _ in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(0.1)
        assert points == []
        held.release()
        for thread in threads:
            thread.join()
        assert points == [ResumePoint(100, V1, len(BODY))] * 4

    def test_a_dead_owners_body_is_taken_over(self, tmp_path: Path) -> None:
        ready, told = os.pipe()
        child = fork()
        if child == 0:
            begun(tmp_path)
            os.write(told, b"x")
            signal.pause()
        os.read(ready, 1)
        with pytest.raises(Refused):
            take(StoppingFilesystem(), tmp_path, URL, 0)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert found(tmp_path) == ResumePoint(100, V1, len(BODY))

    def test_a_lock_that_was_removed_while_waiting_is_no_lock(self, tmp_path: Path) -> None:
        """Its holder discards the body, lock and all; the name may be another's by now."""
        held = begun(tmp_path)

        class Racing(StoppingFilesystem):
            def open(self, path: Path, flags: int, mode: int) -> int:
                descriptor = super().open(path, flags, mode)
                if path.name == "lock" and not held.given_up:
                    held.discard()
                return descriptor

        mine = take(Racing(), tmp_path, URL, 5)
        assert mine.data.with_name("lock").exists()
        with pytest.raises(Refused):
            take(StoppingFilesystem(), tmp_path, URL, 0)
        mine.release()

    def test_what_was_given_up_is_not_touched_again(self, tmp_path: Path) -> None:
        held = begun(tmp_path)
        held.release()
        other = begun(tmp_path)
        held.discard()
        held.release()
        assert not is_successful(held.write(b"x"))
        assert other.data.read_bytes() == BODY[:100]
        other.release()

    def test_collecting_leaves_what_somebody_is_at(self, tmp_path: Path) -> None:
        folder = tmp_path / "partials" / name_of(URL)
        assert try_take(OsFilesystem(), folder) is None
        held = begun(tmp_path)
        assert try_take(OsFilesystem(), folder) is None
        held.release()
        lock = try_take(OsFilesystem(), folder)
        assert lock is not None
        os.close(lock)


class TestSessions:
    def test_a_finished_body_goes_with_a_session_that_ends_well(self, tmp_path: Path) -> None:
        with opened(tmp_path).quarantine() as session:
            held = session.unwrap().resume(URL, 0).unwrap()
            expect_success(held.begin(WHOLE), "begin")
            expect_success(held.write(BODY), "write")
            blob = expect_success(held.finish(), "finish")
            with session.unwrap().open(blob).unwrap() as file:
                assert file.read() == BODY
        assert found(tmp_path) is None

    @pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
    def test_but_not_with_one_that_is_interrupted(
        self, tmp_path: Path, ending: type[BaseException]
    ) -> None:
        """It was not judged yet, so it is as good as it was."""

        def interrupted() -> None:
            with opened(tmp_path).quarantine() as session:
                held = session.unwrap().resume(URL, 0).unwrap()
                expect_success(held.begin(WHOLE), "begin")
                expect_success(held.write(BODY), "write")
                expect_success(held.finish(), "finish")
                raise ending

        with pytest.raises(ending):
            interrupted()
        assert found(tmp_path) == ResumePoint(len(BODY) - 1, V1, len(BODY))

    def test_nor_where_it_is_kept(self, tmp_path: Path) -> None:
        with opened(tmp_path).quarantine() as session:
            held = session.unwrap().resume(URL, 0).unwrap()
            expect_success(held.begin(WHOLE), "begin")
            expect_success(held.write(BODY), "write")
            session.unwrap().keep(expect_success(held.finish(), "finish"))
        assert found(tmp_path) == ResumePoint(len(BODY) - 1, V1, len(BODY))

    @pytest.mark.parametrize("url", ["file:///app.aci", "https://user:pass@example.com/app.aci"])
    def test_what_may_not_be_remembered_goes_with_its_session(
        self, tmp_path: Path, url: str
    ) -> None:
        with opened(tmp_path).quarantine() as session:
            quarantine = session.unwrap()
            first = quarantine.resume(url, 0).unwrap()
            second = quarantine.resume(url, 0).unwrap()
            for held in (first, second):
                expect_success(held.begin(WHOLE), "begin")
                expect_success(held.write(BODY), "write")
            blob = expect_success(first.finish(), "finish")
            with quarantine.open(blob).unwrap() as file:
                assert file.read() == BODY
            quarantine.keep(blob)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == [
            tmp_path / "locks" / "quarantine"
        ]

    def test_another_sessions_body_is_not_opened(self, tmp_path: Path) -> None:
        with opened(tmp_path).quarantine() as one, opened(tmp_path).quarantine() as other:
            held = one.unwrap().resume(URL, 0).unwrap()
            expect_success(held.begin(WHOLE), "begin")
            blob = expect_success(held.finish(), "finish")
            assert not is_successful(other.unwrap().open(blob))


@pytest.mark.parametrize("stop", [io_error, disk_full, interrupt])
def test_a_transfer_stopped_before_any_call_leaves_a_true_prefix(
    tmp_path: Path, stop: Callable[[], None]
) -> None:
    """Every call of beginning, going on, beginning anew and finishing is where it stops once."""
    other = bytes(reversed(BODY))
    versions = {V1: BODY, V2: other}

    def transfer(filesystem: StoppingFilesystem, root: Path) -> None:
        held = take(filesystem, root, URL, 0)
        held.synced_at = -1e9
        try:
            for body, start in [
                (BODY[:700], WHOLE),
                (BODY[500:900], BodyStart(URL, 500, len(BODY), V1)),
                (other[:800], BodyStart(URL, 0, None, V2)),
                (other[800:], BodyStart(URL, 800, len(other), V2)),
            ]:
                held.begin(start).unwrap()
                held.synced_at = -1e9
                held.write(body).unwrap()
            held.finish().unwrap()
        finally:
            held.release()

    counting = StoppingFilesystem()
    transfer(counting, tmp_path / "whole")
    for number in range(1, len(counting.calls) + 1):
        root = tmp_path / str(number)
        with contextlib.suppress(KeyboardInterrupt, OSError, Refused, UnwrapFailedError):
            transfer(StoppingFilesystem(number, stop), root)
        held = take(StoppingFilesystem(), root, URL, 0)
        point = held.resume_point()
        if point is not None:
            content = held.data.read_bytes()[: point.offset]
            assert content == versions[point.validators][: point.offset]
        # And the same again ends as if nothing had happened.
        held.release()
        transfer(StoppingFilesystem(), root)
        assert (root / "partials" / name_of(URL) / "data").read_bytes() == other


class PartialMachine(RuleBasedStateMachine):
    """Transfers that break, processes that are killed, machines that lose their power.

    The model: whatever is offered for going on is a prefix of the very version that its
    validators name.
    """

    VERSIONS: ClassVar = {
        Validators(f'"{number}"'): bytes([number]) * 50 + bytes(range(200)) for number in range(3)
    }

    def __init__(self) -> None:
        super().__init__()
        self.leaving = ExitStack()
        self.root = self.leaving.enter_context(quick_folder()) / "store"
        self.boot = 0
        patch = pytest.MonkeyPatch()
        patch.setattr(partial_state, "boot_id", lambda: str(self.boot))
        self.leaving.callback(patch.undo)
        self.held: FilePartial | None = None
        self.version = Validators()

    def teardown(self) -> None:
        if self.held is not None:
            self.held.release()
        self.leaving.close()

    @precondition(lambda self: self.held is None)
    @rule()
    def take_up(self) -> None:
        self.held = take(StoppingFilesystem(), self.root, URL, 0)

    @precondition(lambda self: self.held is not None)
    @rule(version=st.sampled_from(sorted(VERSIONS, key=str)), knows_size=st.booleans())
    def ask(self, version: Validators, knows_size: bool) -> None:
        """A server sends the rest where it has the version that is held, else all of its own."""
        assert self.held is not None
        point = self.held.resume_point()
        offset = point.offset if point is not None and point.validators == version else 0
        total = len(self.VERSIONS[version]) if knows_size else None
        expect_success(self.held.begin(BodyStart(URL, offset, total, version)), "begin")
        self.version = version

    @precondition(lambda self: self.held is not None and self.version != Validators())
    @rule(count=st.integers(min_value=1, max_value=120), syncs=st.booleans())
    def receive(self, count: int, syncs: bool) -> None:
        assert self.held is not None
        if syncs:
            self.held.synced_at = -1e9
        size = self.held.size
        chunk = self.VERSIONS[self.version][size : size + count]
        expect_success(self.held.write(chunk), "write")

    @precondition(lambda self: self.held is not None)
    @rule(how=st.sampled_from(["release", "discard", "kill", "finish"]))
    def end(self, how: str) -> None:
        assert self.held is not None
        if how == "kill":
            kill(self.held)
        elif how == "discard":
            self.held.discard()
        else:
            if how == "finish":
                expect_success(self.held.finish(), "finish")
            self.held.release()
        self.held, self.version = None, Validators()

    @precondition(lambda self: self.held is None)
    @rule(kept=st.integers(min_value=0, max_value=300), junk=st.binary(max_size=40))
    def lose_power(self, kept: int, junk: bytes) -> None:
        """What was not durable is gone, or is whatever the disk had there before."""
        self.boot += 1
        folder = self.root / "partials" / name_of(URL)
        if (folder / "state.json").exists():
            durable = json.loads((folder / "state.json").read_text())["durable"]
            data = (folder / "data").read_bytes()
            (folder / "data").chmod(0o600)
            (folder / "data").write_bytes(data[: max(durable, kept)] + junk)

    @invariant()
    def what_is_offered_is_true(self) -> None:
        if self.held is None or self.version != Validators():
            return
        point = self.held.resume_point()
        if point is not None:
            held = self.held.data.read_bytes()[: point.offset]
            assert held == self.VERSIONS[point.validators][: point.offset]


TestPartials = PartialMachine.TestCase
TestPartials.settings = settings(max_examples=settings().max_examples // 3, stateful_step_count=20)
