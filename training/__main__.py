# SPDX-License-Identifier: Apache-2.0
"""Train the shipped classifier: `python -m training --sets DIR`. Twice with the same sets gives the same files.

Written are the weights and thresholds that the package ships, and `training/figures.json`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from guiju.detect import shipped
from guiju.detect.discrimination import Discrimination
from guiju.detect.injection import Injection
from guiju.detect.model.heads import chances
from guiju.detect.words import Words
from guiju.terms import Text
from training import card, figures, folds, likeness, net, points, sets, sorts
from training.net import Floats, Net, Plan
from training.sets import HEADS, Row

_HERE: Final = Path(__file__).parent
SHIPPED: Final = _HERE.parent / "src" / "guiju" / "detect" / "model"
PLAN: Final = Plan()
NAMES: Final = ("weights.npz", "thresholds.toml")


def main() -> None:
    """Read, fit, calibrate, choose thresholds, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    given = parser.parse_args()
    whole = sets.distinct([*sets.own(), *sets.public(given.sets)])
    rows, origin = sets.pieces(whole)
    of = net.bags([row.text for row in rows])
    print(f"{len(whole)} texts, {len(rows)} rows, {of.nnz} features", flush=True)
    times = np.bincount(of.indices, minlength=of.shape[1])
    words, vectors = likeness.words()
    like = net.alike(of, words, likeness.weighed(words, vectors, times))
    logits = folds.crossed(rows, of, PLAN, like)
    said, counts = net.targets(rows, 1)
    slope, centre = points.calibrated(logits, said, counts)
    learns = np.flatnonzero([row.use == "train" for row in rows])
    said, counts = net.targets([rows[at] for at in learns], PLAN.positive)
    fitted = net.fit(of[learns], said, counts, PLAN, like.of(learns))
    scores = by_text(origin, chances(logits, slope, centre))
    shown = figures.shown(whole)
    whole, scores = [whole[at] for at in shown], scores[shown]
    others = flagged_by_lists([row.text for row in whole])
    chosen = choose(whole, scores, others)
    held = shrunk(fitted) | {"slope": slope, "centre": centre} | sorts.fitted(rows, of)
    version = write(given.out, held, chosen)
    made = figures.made(whole, scores, others, chosen) | {"weights": version, "plan": _plain(PLAN)}
    (_HERE / "figures.json").write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", "utf-8")
    card.main()


def _plain(plan: Plan) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in plan.__struct_fields__}


def by_text(origin: Sequence[int], scores: Floats) -> Floats:
    """Of each text the highest scores of its pieces."""
    made = np.zeros((max(origin) + 1, len(HEADS)), np.float32)
    np.maximum.at(made, np.array(origin), scores)
    return made


def flagged_by_lists(texts: Sequence[str]) -> NDArray[np.bool_]:
    """Which texts packs and patterns refuse by the shipped policy: as asked, and as answered."""
    words, injection, discrimination = Words(shipped.entries(["all"]), ""), Injection(), Discrimination()
    made = np.zeros((len(texts), 2), bool)
    for at, text in enumerate(texts):
        leaf = [Text("", text)]
        made[at] = any(one.severity == "block" for one in words.find(leaf))
        made[at, 0] |= bool(injection.find(leaf))
        made[at, 1] |= bool(discrimination.find(leaf))
    return made


def choose(whole: Sequence[Row], scores: Floats, others: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    """The thresholds of both languages, and those (`sure.zh`) from which on the classifier alone refuses."""
    pool = points.pool(whole)
    made, sure = {}, {}
    for lang in ("zh", "en"):
        which = [at for at in pool if whole[at].lang == lang]
        made[lang] = points.points(scores[which], others[which])
        own = [row.family.startswith("own.") and row.lang == lang and not row.yes for row in whole]
        close = np.flatnonzero(own)
        certain = points.sure(scores[which], scores[close])
        sure[f"sure.{lang}"] = {head: max(least, made[lang][head]) for head, least in certain.items()}
    return made | sure


def shrunk(fitted: Net) -> dict[str, NDArray[Any]]:
    """The net with one byte for each weight."""
    table, scale = net.bytes_of(fitted.table)
    return {"table": table, "scale": scale, "bias": fitted.bias}


def write(
    folder: Path, held: dict[str, NDArray[Any]], chosen: dict[str, dict[str, float]], names: tuple[str, str] = NAMES
) -> str:
    """Write the numbers and the thresholds to files of these names; gives the version."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / names[0]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(held):
            into = io.BytesIO()
            np.lib.format.write_array(into, held[name], allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), into.getvalue(), zipfile.ZIP_DEFLATED, 9)
    version = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        "# From which score on a head has found something, by language; written by `training`, not by hand.",
        f'version = "{version}"',
    ]
    for lang, heads in chosen.items():
        lines += ["", f"[{lang}]", *(f"{head} = {least:.5f}" for head, least in heads.items())]
    (folder / names[1]).write_text("\n".join(lines) + "\n", "utf-8")
    return version


if __name__ == "__main__":
    main()
