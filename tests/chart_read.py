# SPDX-License-Identifier: Apache-2.0
"""Run by `.venv-deploy`: reads the chart by Helm's own library. Values, one JSON a line, come in; for each a line of JSON goes
out: what was rendered and what the schemas of Kubernetes say against it, or what Helm says against the values."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

OLDEST, NEWEST = 27, 37


def faults(rendered: dict[str, str]) -> list[str]:
    """What the schemas of the oldest and the newest Kubernetes say, properties that they do not know included."""
    validate = import_module("kubernetes_validate")
    said = []
    for path, text in rendered.items():
        for one in import_module("yaml").safe_load_all(text):
            for version in (OLDEST, NEWEST) if one else ():
                try:
                    validate.validate(one, f"1.{version}", strict=True)
                except Exception as error:  # whatever the reader raises is what it says
                    said.append(f"1.{version} {path}: {error}")
    return said


def read(chart: Any, values: dict[str, Any]) -> dict[str, Any]:
    """One release of the chart."""
    try:
        made = chart.render(values, name="demo", namespace="prod")
    except Exception as error:  # as above
        return {"refused": str(error)}
    notes = {path: text for path, text in made.items() if path.endswith(".txt")}
    rendered = {path: text for path, text in made.items() if path not in notes}
    documents = [one for text in rendered.values() for one in import_module("yaml").safe_load_all(text) if one]
    return {"documents": documents, "faults": faults(rendered), "notes": "".join(notes.values())}


if __name__ == "__main__":
    helm = import_module("helm_python")
    print(json.dumps(helm.lint(sys.argv[1], strict=True)))
    with helm.Chart.load(sys.argv[1]) as chart:
        for line in sys.stdin:
            print(json.dumps(read(chart, json.loads(line))))
