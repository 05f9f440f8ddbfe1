"""The texts of messages, from files in which names stand for what is filled in.

A directory holds one directory a language: for each kind of message NAME.mail.txt, whose first line
is "Subject: ", and NAME.sms.txt; words.toml has the words for what is not text. `$name` is filled
in (string.Template): templates hold no code.
"""

import string
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from signerd.core.boot import BootError, ExitCode
from signerd.core.message import Channel, MessageKind

_SHIPPED: Final = Path(__file__).with_name("templates")
_WORDS: Final = "words.toml"
_SUBJECT: Final = "Subject: "
_ENDINGS: Final = MappingProxyType({Channel.EMAIL: ".mail.txt", Channel.SMS: ".sms.txt"})

_CERTIFICATE: Final = frozenset({"bank", "name", "certificate", "not_before", "not_after"})
PARAMETERS: Final[Mapping[MessageKind, frozenset[str]]] = MappingProxyType(
    {
        MessageKind.CODE: frozenset({"bank", "name", "code", "until"}),
        MessageKind.CERTIFICATE_ISSUED: _CERTIFICATE,
        MessageKind.CERTIFICATE_REISSUED: _CERTIFICATE,
        MessageKind.CERTIFICATE_RENEWED: _CERTIFICATE,
        MessageKind.CERTIFICATE_SUSPENDED: _CERTIFICATE | {"limit"},
        MessageKind.CERTIFICATE_RESUMED: _CERTIFICATE,
        MessageKind.CERTIFICATE_REVOKED: _CERTIFICATE | {"reason"},
        MessageKind.CERTIFICATE_EXPIRING: _CERTIFICATE | {"days"},
    }
)
"""What the template of each kind may name."""


@dataclass(frozen=True, slots=True)
class Text:
    """A message in words. subject: empty for an SMS."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class _Template:
    subject: string.Template
    body: string.Template


@dataclass(frozen=True, slots=True)
class Language:
    """The templates of one language."""

    name: str
    templates: Mapping[tuple[MessageKind, Channel], _Template]
    reasons: Mapping[str, str]

    def write(self, kind: MessageKind, channel: Channel, parameters: Mapping[str, str]) -> Text:
        """Fill in a template. A value is put on one line, whatever it holds. Raises KeyError for a
        parameter that is missing."""
        values = {name: " ".join(text.split()) for name, text in parameters.items()}
        if "reason" in values:
            values["reason"] = self.reasons.get(values["reason"], values["reason"])
        template = self.templates[kind, channel]
        return Text(template.subject.substitute(values), template.body.substitute(values))


class Templates:
    """All languages."""

    def __init__(self, languages: Mapping[str, Language]) -> None:
        self._languages = languages

    @property
    def languages(self) -> list[str]:
        """Their names, as ISO 639-1."""
        return sorted(self._languages)

    def language(self, wanted: str, otherwise: str) -> Language:
        """The language that is wanted, if there is such a one."""
        return self._languages.get(wanted) or self._languages[otherwise]


def load_templates(own: Path | None = None) -> Templates:
    """The shipped templates, and instead of them those files that own, a directory, has too.

    Raises BootError (CONFIG_INVALID) that names file and fault: a name that is not filled in, a
    missing subject, a file that is no template, a language that is not whole.
    """
    found = {path.name for path in _directories(_SHIPPED)}
    if own is not None:
        if not own.is_dir():
            raise _invalid(f"{own}: there is no such directory of templates")
        found |= {path.name for path in _directories(own)}
    places = [_SHIPPED] if own is None else [own, _SHIPPED]
    return Templates({name: _load_language(name, places) for name in sorted(found)})


def _directories(place: Path) -> Iterator[Path]:
    return (path for path in place.iterdir() if path.is_dir())


def _load_language(name: str, places: list[Path]) -> Language:
    templates = {
        (kind, channel): _load_template(_find(name, _file_of(kind, channel), places), kind, channel)
        for kind in MessageKind
        for channel in Channel
    }
    known = {_file_of(kind, channel) for kind, channel in templates} | {_WORDS}
    for place in places:
        for path in (place / name).glob("*.*"):
            if path.name not in known:
                raise _invalid(f"{path} is no template; there are {', '.join(sorted(known))}")
    return Language(name, templates, _load_reasons(_find(name, _WORDS, places)))


def _file_of(kind: MessageKind, channel: Channel) -> str:
    return kind.value.replace(".", "-") + _ENDINGS[channel]


def _find(language: str, name: str, places: list[Path]) -> Path:
    for place in places:
        if (place / language / name).is_file():
            return place / language / name
    raise _invalid(f"{places[0] / language / name} is missing: a language needs every template")


def _load_template(path: Path, kind: MessageKind, channel: Channel) -> _Template:
    text = _read(path)
    head = ""
    if channel is Channel.EMAIL:
        head, _, text = text.partition("\n\n")
        if not head.startswith(_SUBJECT) or "\n" in head or not text.strip():
            raise _invalid(f'{path}: begin with a line "{_SUBJECT}…" and an empty line')
    template = _Template(
        string.Template(head.removeprefix(_SUBJECT)), string.Template(text.rstrip() + "\n")
    )
    for part in (template.subject, template.body):
        if not part.is_valid():
            raise _invalid(f"{path}: a $ is followed by no name; write $$ for the sign itself")
        if foreign := set(part.get_identifiers()) - PARAMETERS[kind]:
            known = ", ".join(f"${name}" for name in sorted(PARAMETERS[kind]))
            raise _invalid(f"{path}: ${min(foreign)} is not filled in; there are {known}")
    return template


def _load_reasons(path: Path) -> Mapping[str, str]:
    try:
        reasons = tomllib.loads(_read(path))["reason"]
        return {str(name): str(word) for name, word in reasons.items()}
    except (tomllib.TOMLDecodeError, KeyError, AttributeError):
        raise _invalid(f"{path}: must be TOML with a table [reason]") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(f"{path} cannot be read as UTF-8 text: {error}") from None


def _invalid(message: str) -> BootError:
    return BootError(ExitCode.CONFIG_INVALID, message)
