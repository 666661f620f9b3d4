# SPDX-License-Identifier: Apache-2.0
"""What a service is made of, as a bill of materials in CycloneDX 1.6 (Articles 5, 6, 17): models, guard models, the
shipped classifier, word lists, and the libraries of this program. Nobody's text and no secret are in it."""

from __future__ import annotations

import datetime
import hashlib
import re
import uuid
from collections.abc import Iterator
from importlib import metadata
from importlib.resources import files
from typing import Any, Final

import msgspec
from yarl import URL

from guiju.adapters.party import outside
from guiju.config import Guard, Settings, Upstream
from guiju.detect import shipped
from guiju.detect.model.weights import FOLDER, HEADS, thresholds

PRODUCT: Final = "guiju"
_ROOT: Final = uuid.uuid5(uuid.NAMESPACE_URL, "https://guiju.example/ns/bom")
_EXTRA: Final = re.compile(r";.*\bextra\b")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def bill(settings: Settings, lists: tuple[str, int], at: float) -> bytes:
    """The bill of materials as JSON; the same service at the same moment makes the same bytes.

    Args:
        settings: of the installation.
        lists: the version of the word lists in force, `""` for none, and how many entries they have.
        at: Unix seconds.
    """
    models = [part for one in settings.upstream for part in _models(one)]
    guards = [_guard(one) for one in settings.guard]
    data = [*_packs(settings), *_lists(lists)]
    components = [_classifier(), *models, *guards, *data, *_libraries()]
    services = [_service(one.name, one.url, bool(one.key_env), one.party, one.contract) for one in settings.upstream]
    services += [_service(one.id, one.url, bool(one.key_env), one.party, one.contract) for one in settings.guard]
    version = metadata.version(PRODUCT)
    product: dict[str, Any] = {"type": "application", "bom-ref": PRODUCT, "name": PRODUCT, "version": version}
    if settings.provider.name:
        product["manufacturer"] = {"name": settings.provider.name}
    depends = {"ref": PRODUCT, "dependsOn": [one["bom-ref"] for one in (*components, *services)]}
    moment = datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="seconds")
    made = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": moment, "component": product},
        "components": components,
        "services": services,
        "dependencies": [depends],
    }
    number = uuid.uuid5(_ROOT, hashlib.sha256(msgspec.json.encode(made)).hexdigest())
    return msgspec.json.format(msgspec.json.encode({**made, "serialNumber": f"urn:uuid:{number}"}), indent=1) + b"\n"


def _models(one: Upstream) -> Iterator[dict[str, Any]]:
    """The models of a service, by the names that callers know."""
    for public, own in one.models.items():
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"model:{one.name}:{public}",
            "group": one.name,
            "name": own if own != "*" else one.name,
            "modelCard": {"modelParameters": {"task": "generation"}},
            "properties": [_said("public-name", public), _said("protocol", one.kind), *_terms(one)],
        }


def _guard(one: Guard) -> dict[str, Any]:
    return {
        "type": "machine-learning-model",
        "bom-ref": f"guard-model:{one.id}",
        "group": one.id,
        "name": one.model or one.kind,
        "modelCard": {"modelParameters": {"task": "classification"}},
        "properties": [_said("protocol", one.kind), _said("side", one.side), *_terms(one)],
    }


def _terms(one: Upstream | Guard) -> list[dict[str, str]]:
    """In whose hands it is, and why it gets what is asked (Article 11)."""
    whose = "third-party" if outside(one.url, one.party) else "own"
    given = {"party": whose, "purpose": one.purpose, "contract": one.contract}
    return [_said(name, value) for name, value in given.items() if value]


def _classifier() -> dict[str, Any]:
    """The classifier that the package ships."""
    data = files(FOLDER).joinpath("weights.npz").read_bytes()
    return {
        "type": "machine-learning-model",
        "bom-ref": "model:classifier",
        "group": PRODUCT,
        "name": "classifier",
        "version": thresholds().version,
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(data).hexdigest()}],
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "modelCard": {
            "modelParameters": {
                "approach": {"type": "supervised"},
                "task": "classification",
                "architectureFamily": "linear",
                "modelArchitecture": "hashed n-grams",
                "inputs": [{"format": "text"}],
                "outputs": [{"format": f"score: {name}"} for name in HEADS],
            },
        },
    }


def _packs(settings: Settings) -> list[dict[str, Any]]:
    """The shipped packs of terms that are in force."""
    made = []
    for pack in shipped.shelf().pack:
        if shipped.ALL in settings.detect.packs or pack.id in settings.detect.packs:
            entries = shipped.entries((pack.id,), settings.detect.without)
            made.append(_data(f"pack:{pack.id}", pack.id, shipped.version(entries), f"{pack.en} / {pack.zh}"))
    return made


def _lists(lists: tuple[str, int]) -> list[dict[str, Any]]:
    version, count = lists
    return [_data("lists", "lists", version, f"{count} entries / {count} 条")] if version else []


def _data(ref: str, name: str, version: str, about: str) -> dict[str, Any]:
    return {"type": "data", "bom-ref": ref, "name": name, "version": version, "description": about}


def _libraries() -> list[dict[str, Any]]:
    """The libraries that this program asks for, and that are installed."""
    made = []
    for line in sorted(metadata.requires(PRODUCT) or ()):
        name = _NAME.match(line)
        if name is None or _EXTRA.search(line):
            continue
        try:
            version = metadata.version(name[0])
        except metadata.PackageNotFoundError:  # for another kind of machine
            continue
        purl = f"pkg:pypi/{name[0].lower()}@{version}"
        made.append({"type": "library", "bom-ref": purl, "name": name[0], "version": version, "purl": purl})
    return made


def _service(name: str, url: str, known: bool, party: Any, contract: str) -> dict[str, Any]:
    """A service that is asked over the network; of its address only what comes before the path."""
    made: dict[str, Any] = {
        "bom-ref": f"service:{name}",
        "name": name,
        "endpoints": [str(URL(url).origin())],
        "authenticated": known,
        "x-trust-boundary": outside(url, party),
    }
    if contract:
        made["properties"] = [_said("contract", contract)]
    return made


def _said(name: str, value: str) -> dict[str, str]:
    return {"name": f"guiju:{name}", "value": value}
