"""Forms of pages, filled in and posted as a browser without JavaScript would."""

from html.parser import HTMLParser

import attrs
import httpx

from tests.console.browser import Browser


@attrs.define
class Form:
    """One form of a page: where it goes, and the fields that it would send."""

    action: str
    method: str
    ident: str | None
    fields: list[tuple[str, str]] = attrs.field(factory=list)
    buttons: list[tuple[str, str, bool]] = attrs.field(factory=list)  # name, value, off
    choices: dict[str, list[str]] = attrs.field(factory=dict)
    texts: list[str] = attrs.field(factory=list)

    def all(self, name: str) -> list[str]:
        """Return the values that a field would send."""
        return [value for field, value in self.fields if field == name]

    def filled(self, **given: str | list[str]) -> dict[str, list[str]]:
        """Return what is sent with some fields filled in; None is a field left out."""
        sent: dict[str, list[str]] = {}
        for name, value in self.fields:
            sent.setdefault(name, []).append(value)
        for name, some in given.items():
            sent[name] = [some] if isinstance(some, str) else some
        return sent


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._text: str | None = None
        self._typed = ""
        self._select: str | None = None
        self._chosen: tuple[bool, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(
                given.get("action", ""), given.get("method", "get"), given.get("id")
            )
            self.forms.append(self._form)
            return
        form = self._form
        if form is None:
            return
        name, value = given.get("name"), given.get("value", "on")
        if tag == "button" and given.get("type") != "button":
            form.buttons.append((name or "", value, "disabled" in given))
        if tag == "option" and self._select is not None:
            form.choices.setdefault(self._select, []).append(given.get("value", ""))
            if "selected" in given or self._chosen is None:
                self._chosen = "selected" in given, given.get("value", "")
        if name is None or "disabled" in given:
            return
        match tag:
            case "input" if given.get("type") in ("radio", "checkbox"):
                form.choices.setdefault(name, []).append(value)
                if "checked" in given:
                    form.fields.append((name, value))
            case "input":
                form.fields.append((name, given.get("value", "")))
            case "textarea":
                self._text, self._typed = name, ""
            case "select":
                self._select, self._chosen = name, None

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._typed += data
        if self._form is not None:
            self._form.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._form is None:
            return
        if tag == "textarea" and self._text is not None:
            self._form.fields.append((self._text, self._typed))
            self._text = None
        if tag == "select" and self._select is not None:
            if self._chosen is not None:
                self._form.fields.append((self._select, self._chosen[1]))
            self._select = None
        if tag == "form":
            self._form = None


def forms_in(html: str) -> list[Form]:
    """Return the forms of a page that act."""
    found = _Forms()
    found.feed(html)
    found.close()
    return [form for form in found.forms if form.method == "post"]


def form_in(html: str, action: str) -> Form:
    """Return the form of a page that goes to an address."""
    found = [form for form in forms_in(html) if form.action.endswith(action)]
    assert found, f"no form to {action} in the page"
    return found[0]


def sent(browser: Browser, form: Form, **given: str | list[str]) -> httpx.Response:
    """Return the answer to a form that is filled in and sent."""
    return browser.post(form.action, form.filled(**given))
