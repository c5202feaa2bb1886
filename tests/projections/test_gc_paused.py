"""Folding pauses garbage collection, and leaves it as it found it."""

import gc

import pytest

from reconcile.projections.folds import gc_paused


def test_collection_is_off_until_the_outermost_pause_ends() -> None:
    with gc_paused():
        with gc_paused():
            pass
        inside = gc.isenabled()

    assert (inside, gc.isenabled()) == (False, True)


def test_an_error_inside_a_pause_turns_collection_on_again() -> None:
    with pytest.raises(ValueError, match="x"), gc_paused():
        raise ValueError("x")

    assert gc.isenabled()


def test_a_host_that_works_without_collection_keeps_it_off() -> None:
    gc.disable()
    try:
        with gc_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
