"""What pieces of work need of the world, made once a process and run, for all of them together.

    Settings, Observer -> Result[Workshop, PipelineError]; Workshop.using() -> Tools

A workshop is picklable, and takes no secret along: whoever unpickles one works with the environment
and the credentials of their own process, in silence, and only where the same keys and policies say
whom to trust (:mod:`.agreement`); that is looked at for each piece of work.
"""

import atexit
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from secrets import token_hex
from threading import Lock
from types import TracebackType
from typing import Final, Self, final

from returns.pipeline import is_successful
from returns.result import Failure, Result, Success

from pipeline.digest import Digest
from pipeline.errors import InvalidSetting, PipelineError, StoreError
from pipeline.events import SILENCE, Observer
from pipeline.oci import OciPlatform
from pipeline.recipes.finder import Finder
from pipeline.recipes.mirroring.agreement import trust_fingerprint
from pipeline.recipes.mirroring.counting import CountingObserver
from pipeline.recipes.mirroring.looking import HasBlob, blob_question
from pipeline.recipes.policies import Judge
from pipeline.recipes.settings import PullPolicy, Settings
from pipeline.recipes.toolkit import Toolkit


@final
@dataclass(frozen=True, slots=True)
class Demands:
    """What a run demands of all its entries, where these say nothing else."""

    pull_policy: PullPolicy = "update"
    platform: OciPlatform | None = None
    check_layers: bool = False


@final
@dataclass(frozen=True, slots=True)
class Tools:
    """What a piece of work is done with. Several threads may use them."""

    finder: Finder
    judge: Judge
    has_blob: HasBlob


@final
class Workshop:
    """Tools for one run in one process: made for the first piece of work, closed by :meth:`close`.

    Made by :func:`open_workshop`.
    """

    def __init__(
        self,
        settings: Settings,
        demands: Demands,
        observer: Observer,
        *,
        run: str,
        agreed: str,
        is_elsewhere: bool = False,
    ) -> None:
        """Keep what is set; ``agreed`` is the fingerprint of what says whom to trust."""
        self._settings = settings
        self._demands = demands
        self._observer = observer
        self._run = run
        self._agreed = agreed
        self._is_elsewhere = is_elsewhere
        self._lock = Lock()
        self._users = 0
        self._opened: tuple[Toolkit, Result[Tools, PipelineError]] | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        self.close()

    def __reduce__(self) -> tuple[object, ...]:
        """Leave the environment and the observer behind."""
        settings = replace(self._settings, environment={})
        return _in_this_process, (self._run, settings, self._demands, self._agreed)

    @contextmanager
    def using(self) -> Iterator[Result[Tools, PipelineError]]:
        """Give the tools out for a ``with`` block.

        Errors: InvalidSetting where other keys or policies count here than where the work comes
        from; as :meth:`~pipeline.recipes.toolkit.Toolkit.finder`.
        """
        with self._lock:
            self._users += 1
        try:
            yield self._tools()
        finally:
            with self._lock:
                self._users -= 1

    def close(self) -> None:
        """Close every connection; who uses the workshop again has it opened again."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened[0].__exit__(None, None, None)

    @property
    def is_idle(self) -> bool:
        """Whether nobody has its tools."""
        return self._users == 0

    def _tools(self) -> Result[Tools, PipelineError]:
        with self._lock:
            if self._opened is None:
                toolkit = Toolkit(self._settings, CountingObserver(self._observer))
                self._opened = toolkit, _make_tools(toolkit, self._demands)
            tools = self._opened[1]
        if not self._is_elsewhere or not is_successful(tools):
            return tools
        agreed = trust_fingerprint(self._settings, tools.unwrap().judge)
        if not is_successful(agreed):
            return Failure(agreed.failure())
        if agreed.unwrap() != self._agreed:
            folders = f"{self._settings.system_config} and {self._settings.config} of this worker"
            wanted = "the keys, policy and config.toml that whoever sends the work has"
            return Failure(InvalidSetting(folders, "others", wanted))
        return tools


def open_workshop(
    settings: Settings, demands: Demands, observer: Observer = SILENCE
) -> Result[Workshop, PipelineError]:
    """Make a workshop, and see that its tools can be made.

    Errors: as :meth:`~pipeline.recipes.toolkit.Toolkit.finder`; InvalidSetting for a file of keys
    or policies that cannot be read.
    """
    with Toolkit(settings, SILENCE) as toolkit:
        judge = toolkit.judge()
    if not is_successful(judge):
        return Failure(judge.failure())
    agreed = trust_fingerprint(settings, judge.unwrap())
    if not is_successful(agreed):
        return Failure(agreed.failure())
    workshop = Workshop(settings, demands, observer, run=token_hex(8), agreed=agreed.unwrap())
    with workshop.using() as tools:
        if not is_successful(tools):
            return Failure(tools.failure())
    return Success(workshop)


def _make_tools(toolkit: Toolkit, demands: Demands) -> Result[Tools, PipelineError]:
    finder = toolkit.finder(
        pull_policy=demands.pull_policy,
        images_for=demands.platform,
        check_layers=demands.check_layers,
    )
    if not is_successful(finder):
        return Failure(finder.failure())
    store, judge = toolkit.store(), toolkit.judge()
    if not is_successful(store):
        return Failure(store.failure())
    if not is_successful(judge):
        return Failure(judge.failure())
    return Success(
        Tools(finder.unwrap(), judge.unwrap(), _Remembered(blob_question(store.unwrap())))
    )


@final
@dataclass(frozen=True, slots=True)
class _Remembered:
    """Asks the target once for a blob: many images need the same ones."""

    ask: HasBlob
    answers: dict[Digest, bool] = field(default_factory=dict)

    def __call__(self, digest: Digest) -> Result[bool, StoreError]:
        known = self.answers.get(digest)
        if known is not None:
            return Success(known)
        answer = self.ask(digest)
        if is_successful(answer):
            self.answers[digest] = answer.unwrap()
        return answer


_WORKSHOPS: Final[dict[str, Workshop]] = {}
_GOING_THROUGH: Final = Lock()


def _in_this_process(run: str, settings: Settings, demands: Demands, agreed: str) -> Workshop:
    """Return the one workshop that this process has for a run; those of others close, if idle."""
    with _GOING_THROUGH:
        for other in [key for key, shop in _WORKSHOPS.items() if key != run and shop.is_idle]:
            _WORKSHOPS.pop(other).close()
        if run not in _WORKSHOPS:
            own = replace(settings, environment=dict(os.environ))
            _WORKSHOPS[run] = Workshop(
                own, demands, SILENCE, run=run, agreed=agreed, is_elsewhere=True
            )
            atexit.register(_WORKSHOPS[run].close)
        return _WORKSHOPS[run]
