# SPDX-License-Identifier: Apache-2.0
"""Run by `.venv-exchange`: reads exported documents by readers that are not ours. Prints a line for each fault."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

OSCAL = {
    "catalog.json": ("catalog", "Catalog"),
    "catalog-draft-2023.json": ("catalog", "Catalog"),
    "component-definition.json": ("component", "ComponentDefinition"),
    "assessment-results.json": ("assessment_results", "AssessmentResults"),
    "poam.json": ("poam", "PlanOfActionAndMilestones"),
    "mapping.json": ("mapping", "MappingCollection"),
}


def faults(path: Path) -> list[str]:
    """What a reader says against a document."""
    if path.name == "bom.json":
        validator = import_module("cyclonedx.validation.json").JsonStrictValidator
        found = validator(import_module("cyclonedx.schema").SchemaVersion.V1_6).validate_str(path.read_text("utf-8"))
        return [] if found is None else [str(found).splitlines()[0]]
    module, name = OSCAL[path.name]
    try:
        read = getattr(import_module(f"trestle.oscal.{module}"), name).oscal_read(path)
    except Exception as error:  # whatever the reader raises is what it says
        return [str(error).splitlines()[0]]
    return [] if read is not None else ["not read"]


if __name__ == "__main__":
    every = sorted(Path(sys.argv[1]).glob("*.json"))
    said = [f"{path.name}: {fault}" for path in every for fault in faults(path)]
    print("\n".join([f"read {len(every)}", *said]))
