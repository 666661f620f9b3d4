# SPDX-License-Identifier: Apache-2.0
"""The register of exhibits: pictures of the service's own pages, and papers that prove something, each dated and hashed
(Articles 6 and 17).

A picture is taken only when the page answers 200 and shows what it is to prove: a selector and a text are asserted.
"""

from __future__ import annotations

import datetime
import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from guiju.dossier.sources import Exhibit
from guiju.errors import ConfigError, OutsideError, failed
from guiju.records.sources import optional

FOLDER: Final = "exhibits"
REGISTER: Final = "exhibits.json"
EXTRA: Final = "exhibits"
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_WAIT_MS: Final = 10_000
_LARGEST: Final = 32 << 20


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One picture to take.

    Attributes:
        url: a page of the service itself.
        selector, text: what must be on it: an element, and a text within that.
    """

    tag: str
    zh: str
    en: str
    url: str
    selector: str
    text: str
    about: str = ""


class _Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    exhibit: tuple[Wanted, ...]


def read(folder: Path) -> tuple[list[Exhibit], dict[str, bytes]]:
    """The exhibits, and the content of each; a file that is not what its hash says is an error.

    Raises:
        ConfigError: `config_invalid`: the register is not well formed; `package_changed`: a file was changed.
    """
    listed = register(folder)
    content: dict[str, bytes] = {}
    for one in listed:
        path = folder / FOLDER / one.path
        try:
            content[one.id] = path.read_bytes()
        except OSError as error:
            raise ConfigError("not_found", what=failed(path, error)) from error
        if hashlib.sha256(content[one.id]).hexdigest() != one.sha256:
            raise ConfigError("package_changed", what=one.path)
    return listed, content


def register(folder: Path) -> list[Exhibit]:
    """The register alone.

    Raises:
        ConfigError: `config_invalid`.
    """
    path = folder / FOLDER / REGISTER
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Exhibit])
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    except msgspec.DecodeError as error:
        raise ConfigError("config_invalid", what=REGISTER, hint=str(error)) from error


def add(folder: Path, made: Exhibit, content: bytes) -> Exhibit:
    """Put an exhibit into the register, under the next number; one of the same tag, subject and page is replaced.

    Args:
        folder: of what documents are made of (`DATA/dossier`).
        made: the exhibit; its id, path and hash are given here.
        content: its file.

    Raises:
        ConfigError: `config_invalid`: it is too large.
        OutsideError: `cannot_write`.
    """
    if len(content) > _LARGEST:
        raise ConfigError("config_invalid", what=made.path, hint=f"≤ {_LARGEST >> 20} MiB")
    listed = register(folder)
    same = [one for one in listed if (one.tag, one.about, one.url) == (made.tag, made.about, made.url)]
    number = max((int(one.id[1:]) for one in listed), default=0) + 1
    id = same[0].id if same else f"E{number:02}"
    whole = msgspec.structs.replace(
        made, id=id, path=f"{id}{Path(made.path).suffix.lower()}", sha256=hashlib.sha256(content).hexdigest()
    )
    kept = sorted([*(one for one in listed if one.id != id), whole], key=lambda one: int(one.id[1:]))
    try:
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        for one in same:
            (folder / FOLDER / one.path).unlink(missing_ok=True)
        (folder / FOLDER / whole.path).write_bytes(content)
        raw = msgspec.json.format(msgspec.json.encode(kept), indent=1)
        (folder / FOLDER / REGISTER).write_bytes(raw + b"\n")
    except OSError as error:
        raise OutsideError("cannot_write", what=failed(folder, error)) from error
    return whole


def plan(path: Path) -> tuple[Wanted, ...]:
    """The pictures that an operator wants, from a TOML file.

    Raises:
        ConfigError: `not_found`, `config_invalid`.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=_Plan).exhibit
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    except msgspec.DecodeError as error:
        raise ConfigError("config_invalid", what=path.name, hint=str(error)) from error


def take(folder: Path, wanted: Sequence[Wanted], on: datetime.date, browser: str = "") -> list[Exhibit]:
    """Take pictures in headless Chromium, one after another; the first page that does not show what it must ends it.

    Args:
        folder: of what documents are made of.
        wanted: the pictures.
        on: the day that they bear.
        browser: path of Chromium; it is looked for where none is named.

    Raises:
        ConfigError: `config_invalid`: the extra `exhibits` is not installed; `not_found`: no Chromium;
            `exhibit_not_shown`: a page did not show what it must.
    """
    play: Any = optional("playwright.sync_api", "playwright", EXTRA)
    path = browser or next((found for one in _BROWSERS if (found := shutil.which(one))), "")
    if not path:
        raise ConfigError("not_found", what="Chromium")
    made = []
    with play.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            page = chromium.new_page(
                viewport={"width": 1280, "height": 800}, locale="zh-CN"
            )  # what is filed is Chinese
            for one in wanted:
                made.append(add(folder, *_picture(page, one, on, play)))
        finally:
            chromium.close()
    return made


def _picture(page: Any, one: Wanted, on: datetime.date, play: Any) -> tuple[Exhibit, bytes]:
    status = 0
    try:
        answer = page.goto(one.url, wait_until="load", timeout=_WAIT_MS)
        status = answer.status if answer else 0
        place = page.locator(one.selector).first
        place.wait_for(state="visible", timeout=_WAIT_MS)
        said = place.inner_text()
        shown = place.get_by_text(one.text).first if one.text and place.get_by_text(one.text).count() else place
        shown.evaluate("one => one.scrollIntoView({block: 'center'})")
    except play.Error as error:
        raise ConfigError("exhibit_not_shown", url=one.url, what=one.selector) from error
    if status != 200 or one.text not in said:
        raise ConfigError("exhibit_not_shown", url=one.url, what=one.text if status == 200 else str(status))
    told: Mapping[str, Any] = msgspec.structs.asdict(one)
    exhibit = Exhibit(**told, id="", path="page.png", sha256="", dated=on, status=status)
    return exhibit, page.screenshot()  # a whole page would be too small to read in a document
