"""What may pass is tried again; what will not is not."""

import pytest

from redactor.errors import DamagedTransfer, NotFound, Unavailable
from redactor.storage.retry import Retry


def failing(*errors):
    """Give a call that fails with each error in turn and then succeeds."""
    waiting = list(errors)

    def call():
        if waiting:
            raise waiting.pop(0)
        return "done"

    return call


@pytest.mark.parametrize("error", [Unavailable("busy"), DamagedTransfer("cut")])
def test_what_may_pass_is_tried_again(error):
    assert Retry(sleep=lambda _: None)(failing(error, error)) == "done"


def test_it_gives_up():
    with pytest.raises(Unavailable, match=r"third; tried 3 times"):
        Retry(sleep=lambda _: None)(
            failing(Unavailable("first"), Unavailable("second"), Unavailable("third"))
        )


def test_one_attempt_is_one():
    with pytest.raises(Unavailable, match=r"^first$"):
        Retry(attempts=1, sleep=lambda _: None)(failing(Unavailable("first")))


def test_what_will_not_pass_fails_at_once():
    waits = []

    with pytest.raises(NotFound):
        Retry(sleep=waits.append)(failing(NotFound("gone")))
    assert waits == []


def test_waits_grow_up_to_a_bound():
    waits = []

    Retry(attempts=10, sleep=waits.append, rand=lambda: 1)(failing(*[Unavailable("busy")] * 9))

    assert waits[:3] == [0.4, 0.8, 1.6]
    assert waits[-1] == 20


def test_waits_are_spread():
    waits = []

    Retry(sleep=waits.append, rand=lambda: 0.5)(failing(Unavailable("busy")))

    assert waits == [0.2]
