"""The store on disk answers as the one in memory, whatever is done to it and wherever it stops."""

import copy
import shutil
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from returns.pipeline import is_successful
from returns.result import Result

from pipeline.adapters.layout.filesystem import Filesystem
from pipeline.adapters.layout.maintenance import (
    Checked,
    Collected,
    Rebuilt,
    collect_store,
    rebuild_store,
    verify_store,
)
from pipeline.adapters.memory import MemoryStore
from pipeline.digest import Digest, DigestAlgorithm
from pipeline.errors import StoreError
from pipeline.names import ImageName, Label, LabelName, Labels
from pipeline.oci import OciPlatform
from pipeline.ports import Clock
from pipeline.results import Freshness, Validators
from pipeline.testing.conformance import StoreUnderTest, put
from pipeline.testing.fakes import FixedClock
from pipeline.testing.oci_samples import OciSample
from pipeline.testing.samples import Sample
from tests.adapters.store_world import (
    StoppingFilesystem,
    assert_sound,
    interrupt,
    opened,
    quick_folder,
)

ALGORITHMS: tuple[DigestAlgorithm, ...] = ("sha256", "sha512")
NAMES = (ImageName("example.com/app"), ImageName("example.com/app/more"))
URLS = tuple(f"https://example.com/{number}" for number in range(3))
VERSIONS = ("1", "2")
REFERENCES = tuple(
    OciSample(repository=repository, tag=tag).url
    for repository in ("app", "more")
    for tag in VERSIONS
)
BLOBS = tuple(
    digest
    for algorithm in ALGORITHMS
    for digest in OciSample(layers=(b"a", b"b", b"c"), algorithm=algorithm).blobs
)
"""The layers of all OCI images."""

samples = st.builds(
    Sample,
    name=st.sampled_from(NAMES),
    version=st.sampled_from(VERSIONS),
    url=st.sampled_from((*URLS, "file:///app.aci", "https://user:secret@example.com/0")),
    signers=st.sampled_from(("", "a", "ab")),
    leniency=st.sampled_from(((), ("weak-hash",))),
    asked_version=st.sampled_from((None, "1")),
    by_name=st.booleans(),
    validators=st.builds(
        Validators, st.none() | st.text(st.characters(max_codepoint=127), max_size=3)
    ),
    max_age_seconds=st.integers(min_value=-1, max_value=2**70),
)
oci_samples = st.builds(
    OciSample,
    repository=st.sampled_from(("app", "more")),
    tag=st.sampled_from((None, "1", "2")),
    # Few of them, so that images share layers, and are each other's.
    layers=st.lists(st.sampled_from((b"a", b"b", b"c")), max_size=2).map(tuple),
    platform=st.sampled_from((OciPlatform("linux", "amd64"), OciPlatform("linux", "arm", "v7"))),
    algorithm=st.sampled_from(("sha256", "sha256", "sha512")),
    signers=st.sampled_from(("", "a", "*", "a*")),
    asked_digest=st.booleans(),
    max_age_seconds=st.integers(min_value=0, max_value=2),
)
any_samples: st.SearchStrategy[Sample | OciSample] = samples | oci_samples
seconds = st.integers(min_value=0, max_value=3)


@dataclass(frozen=True)
class Everything:
    """Every answer that a store can give, to compare."""

    images: object
    found: object
    remembered: object
    manifests: object
    resolved: object
    blobs: object


def everything(store: StoreUnderTest) -> Everything:
    images = store.list_images()
    names = {image.name: None for image in images.unwrap()}
    asked = [Labels()] + [Labels((Label(LabelName("version"), v),)) for v in VERSIONS]
    return Everything(
        images,
        [store.find(name, labels) for name in (*NAMES, *names) for labels in asked],
        [store.lookup(url) for url in (*URLS, *REFERENCES)],
        [store.manifest(image.image_id) for image in images.unwrap()],
        [
            store.resolve(image.image_id.hex[:2], image.image_id.algorithm)
            for image in images.unwrap()
        ],
        [read_blob(store, digest) for digest in BLOBS],
    )


def read_blob(store: StoreUnderTest, digest: Digest) -> bytes | None:
    """What lies under a digest, if anything does."""
    opened_blob = store.open_blob(digest)
    if not is_successful(opened_blob):
        return None
    with opened_blob.unwrap() as file:
        return file.read()


def stopping(at: int | None) -> StoppingFilesystem:
    return StoppingFilesystem() if at is None else StoppingFilesystem(at, interrupt)


def verify(root: Path) -> Checked:
    return verify_store(root, filesystem=StoppingFilesystem()).unwrap()


def collect(root: Path, filesystem: Filesystem) -> Result[tuple[Collected, ...], StoreError]:
    """Collect as if it were long after the files were written."""
    late = FixedClock(datetime.now(UTC) + timedelta(days=1))
    return collect_store(root, clock=late, grace=timedelta(0), filesystem=filesystem)


def rebuild(root: Path, clock: Clock, filesystem: Filesystem) -> Result[Rebuilt, StoreError]:
    return rebuild_store(root, clock=clock, filesystem=filesystem)


class StoreMachine(RuleBasedStateMachine):
    """Everything that is done to a store, and crashes, against the store in memory as the model."""

    def __init__(self) -> None:
        super().__init__()
        self.leaving = ExitStack()
        self.root = self.leaving.enter_context(quick_folder()) / "store"
        self.clock = FixedClock()
        self.model = MemoryStore(self.clock)
        self.store = opened(self.root, clock=self.clock)

    def teardown(self) -> None:
        self.leaving.close()

    @rule(sample=any_samples, seconds=seconds)
    def commit(self, sample: Sample | OciSample, seconds: int) -> None:
        self.clock.advance(seconds)
        now = self.clock.now()
        assert put(self.store, sample, now) == put(self.model, sample, now)

    @rule(sample=any_samples)
    def remove(self, sample: Sample | OciSample) -> None:
        assert self.store.remove(sample.image_id) == self.model.remove(sample.image_id)

    @rule(url=st.sampled_from(URLS), etag=st.none() | st.just("e"), seconds=seconds)
    def refresh(self, url: str, etag: str | None, seconds: int) -> None:
        self.clock.advance(seconds)
        freshness = Freshness(self.clock.now(), seconds)
        for store in (self.store, self.model):
            assert is_successful(store.refresh(url, Validators(etag), freshness))

    @rule(sample=any_samples, number=st.integers(min_value=1, max_value=120), removes=st.booleans())
    def crash(self, sample: Sample | OciSample, number: int, removes: bool) -> None:
        """Stop a change before one of its calls; it happened wholly or not at all."""
        stopping = opened(self.root, StoppingFilesystem(number, interrupt), self.clock)
        after = copy.deepcopy(self.model)
        now = self.clock.now()
        if removes:
            after.remove(sample.image_id)
        else:
            put(after, sample, now)
        try:
            if removes:
                stopping.remove(sample.image_id)
            else:
                put(stopping, sample, now)
        except KeyboardInterrupt:
            pass
        found = everything(self.store)
        if found == everything(after):
            # The clock that moves on is the machine's own, not its copy.
            self.model = replace(after, clock=self.clock)
        else:
            assert found == everything(self.model)

    @rule(sample=any_samples)
    def touch(self, sample: Sample | OciSample) -> None:
        self.store.touch(sample.image_id)

    @rule(stop_at=st.none() | st.integers(min_value=1, max_value=30))
    def collect(self, stop_at: int | None) -> None:
        """Whatever is left is removed, and no image with it."""
        with suppress(KeyboardInterrupt):
            collect(self.root, stopping(stop_at)).unwrap()
        if stop_at is None:
            assert verify(self.root).findings == ()

    @rule(stop_at=st.none() | st.integers(min_value=1, max_value=150))
    def rebuild(self, stop_at: int | None) -> None:
        """An index that is made again says what it said."""
        # An archive whose removal was stopped half-way would be an image again.
        collect(self.root, stopping(None)).unwrap()
        if not self.root.exists():
            return
        with suppress(KeyboardInterrupt):
            rebuilt = rebuild(self.root, self.clock, stopping(stop_at)).unwrap()
            assert (rebuilt.unproven, rebuilt.left_out) == ((), ())

    @rule(junk=st.none() | st.binary(max_size=9_000))
    def lose_the_index(self, junk: bytes | None) -> None:
        """Archives and records alone say everything but which URLs were forgotten since."""
        collect(self.root, stopping(None)).unwrap()
        database = self.root / "image-pipeline.db"
        if not database.exists():
            return
        copied = shutil.copytree(self.root, self.root.with_name("copy"))
        for path in copied.glob("image-pipeline.db*"):
            path.unlink()
        if junk is not None:
            (copied / database.name).write_bytes(junk)
        rebuilt = rebuild(copied, self.clock, stopping(None)).unwrap()
        assert (rebuilt.unproven, rebuilt.left_out) == ((), ())
        lost, model = everything(opened(copied, clock=self.clock)), everything(self.model)
        assert replace(lost, remembered=()) == replace(model, remembered=())
        assert verify(copied).findings == ()
        shutil.rmtree(copied)

    @rule()
    def reopen(self) -> None:
        self.store = opened(self.root, clock=self.clock)

    @invariant()
    def answers_are_the_same(self) -> None:
        assert everything(self.store) == everything(self.model)

    @invariant()
    def files_are_sound(self) -> None:
        assert_sound(self.root)
        checked = verify(self.root)
        assert not checked.is_damaged, checked.findings


TestStore = StoreMachine.TestCase
# Each example is a whole history, so there are fewer of them than of other properties.
TestStore.settings = settings(max_examples=settings().max_examples // 7, stateful_step_count=15)
