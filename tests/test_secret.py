"""A secret shows itself to nobody who does not ask for its value."""

import pickle
from dataclasses import dataclass

from pipeline.secret import Secret


@dataclass(frozen=True)
class _Holder:
    login: Secret


def test_it_is_not_shown() -> None:
    secret = Secret("hunter2")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r}", "%s" % secret]  # noqa: UP031 - one of the ways
    shown += [repr([secret]), repr({"a": secret}), repr(_Holder(secret)), format(secret)]
    assert all("hunter2" not in each for each in shown)


def test_it_is_a_value() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a").value == "a"
    assert pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")
