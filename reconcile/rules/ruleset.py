"""The loader of rulesets, and the fingerprint that knows a failure again."""

import hashlib
import re
import tomllib
from functools import lru_cache
from importlib import resources
from typing import Any

import attrs

from reconcile.domain.vocabulary import Verdict
from reconcile.errors import UsageError


@attrs.frozen(kw_only=True)
class Rule:
    """One line of a ruleset: the first whose conditions all hold classes a failure.

    `message` is a regular expression, searched without regard to case; `words` and
    `codes` list what a leg or a sync must say. An absent condition always holds.
    """

    name: str
    owner: str
    verdict: Verdict
    advice: str
    message: re.Pattern[str] | None = None
    words: frozenset[str] = frozenset()
    codes: frozenset[int] = frozenset()

    def holds(
        self, *, message: str | None, word: str | None, code: int | str | None
    ) -> bool:
        """Return whether the rule classes a failure told in these words."""
        if self.message is not None and not self.message.search(message or ""):
            return False
        if self.words and word not in self.words:
            return False
        return not self.codes or code in self.codes


@attrs.frozen(kw_only=True, eq=False)
class Ruleset:
    """Rules in order, with a name and a version that every report carries."""

    name: str
    version: int
    rules: tuple[Rule, ...]
    unknown: Rule

    @property
    def label(self) -> str:
        """Return the ruleset as reports name it."""
        return f"{self.name}@{self.version}"

    def classify(
        self, *, message: str | None, word: str | None, code: int | str | None
    ) -> Rule:
        """Return the first rule that holds, or the rule of the unknown.

        Rules see a message without its correlation id, which says nothing of a cause.
        """
        return _classified(self, message and gist(message), word, code)

    def gist(self, message: str) -> str:
        """Return what class and fingerprint look at of a message."""
        return gist(message)

    def fingerprint(
        self, *, message: str, code: int | str | None, http_status: int | None
    ) -> str:
        """Return the hash by which the same failure is known again."""
        return fingerprint(message, code=code, http_status=http_status)


def load(text: str) -> Ruleset:
    """Return the ruleset that a TOML text describes.

    Raises:
        UsageError: the text is no ruleset; the error says where.

    """
    try:
        data = tomllib.loads(text)
        return Ruleset(
            name=data["name"],
            version=data["version"],
            rules=tuple(_rule(entry) for entry in data.get("rule", ())),
            unknown=_rule({"name": "unknown", **data["unknown"]}),
        )
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the ruleset is not TOML: {error}") from error
    except (KeyError, ValueError, TypeError, AttributeError, re.error) as error:
        raise UsageError(f"the ruleset cannot be read: {error!r}") from error


def _rule(entry: dict[str, Any]) -> Rule:
    message = entry.get("message")
    return Rule(
        name=entry["name"],
        owner=entry["owner"],
        verdict=Verdict(entry["verdict"]),
        advice=entry["advice"],
        message=re.compile(message, re.IGNORECASE) if message else None,
        words=frozenset(entry.get("words", ())),
        codes=frozenset(entry.get("codes", ())),
    )


_NOISE = re.compile(
    r"correlation id:\s*\S+"
    r"|[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}"
    r"|-?\d+[.,]\d+",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def _classified(
    ruleset: Ruleset, message: str | None, word: str | None, code: int | str | None
) -> Rule:
    for rule in ruleset.rules:
        if rule.holds(message=message, word=word, code=code):
            return rule
    return ruleset.unknown


def gist(message: str) -> str:
    """Return the message without its first correlation id, as Codat spells it.

    Failures of one cause mostly differ in that alone, so what follows is done once for
    all of them.
    """
    start = message.find(_CORRELATION)
    if start < 0:
        return message
    end = message.find(" ", start + len(_CORRELATION))
    return message[:start] + (message[end:] if end >= 0 else "")


_CORRELATION = "Correlation ID: "


@lru_cache(maxsize=4096)
def _normal(message: str) -> str:
    """Return the message without what differs between two failures of one cause."""
    return " ".join(_NOISE.sub("", message).split()).casefold()


def fingerprint(
    message: str, *, code: int | str | None, http_status: int | None
) -> str:
    """Return the failure's fingerprint: the algorithm's version and 16 hex digits.

    Correlation ids, GUIDs and amounts are left out; the HTTP status and Codat's status
    code stay in.
    """
    return _hashed(_normal(gist(message)), code, http_status)


@lru_cache(maxsize=4096)
def _hashed(message: str, code: int | str | None, http_status: int | None) -> str:
    text = f"{message}\n{code}\n{http_status}"
    return "fp1:" + hashlib.sha256(text.encode()).hexdigest()[:16]


BUILT_IN = load(
    resources.files("reconcile.rules").joinpath("codat.toml").read_text("utf-8")
)
