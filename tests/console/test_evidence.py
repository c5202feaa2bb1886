"""Bytes are shown as they came, but for what is secret, and never run."""

from pathlib import Path

import pytest

from reconcile import Reconciler
from reconcile.codat.scrubbing import struck_out
from tests.console.browser import Browser
from tests.console.stores import console_on, url_in
from tests.stories.test_scrub import KEY, OF_CODAT, OF_OTHERS, quarantine_raw


@pytest.mark.parametrize(
    "raw", [OF_OTHERS, OF_CODAT, f'{{"headers": "{KEY}", "re'.encode()]
)
def test_what_an_earlier_version_kept_of_others_is_not_shown(
    tmp_path: Path, raw: bytes
) -> None:
    with Reconciler.open(url_in(tmp_path)) as books:
        name = quarantine_raw(books, raw)

    answer = Browser(console_on(url_in(tmp_path))).get(f"/evidence/{name}")

    assert answer.status_code == 200
    assert KEY not in answer.text
    assert answer.text


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", b"whsec_[struck out]"),
        (b"Authorization: Basic " + b"QUJD" * 8, b"Authorization: Basic [struck out]"),
        (b'"bearer ' + b"a1-._~" * 6 + b'"', b'"bearer [struck out]"'),
        (b"Basic subscription, bearer of news", b"Basic subscription, bearer of news"),
        (b'{"message": "PushError"}', b'{"message": "PushError"}'),
    ],
)
def test_what_looks_like_a_credential_is_struck_out_and_nothing_else(
    body: bytes, shown: bytes
) -> None:
    assert struck_out(body) == shown
