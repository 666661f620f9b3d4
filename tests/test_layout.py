# SPDX-License-Identifier: Apache-2.0
"""The shape of the house (DESIGN §2, §8; style.md), read from the syntax trees of all tracked Python files."""

from __future__ import annotations

import ast
import gc
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "guiju"
PURE = ("terms.py", "detect/", "controls/", "gateway/screen.py", "gateway/wire/")
OUTSIDE = {
    *("time", "os", "pathlib", "socket", "asyncio", "threading", "subprocess", "sqlite3", "tempfile"),
    *("shutil", "random", "secrets", "aiohttp", "uvicorn", "uvloop", "httptools", "sqlalchemy", "urllib", "http"),
}
FORBIDDEN_NAMES = {"guardrail", "filter", "checker", "rule", "manager", "helper", "util", "utils"}
LOG_LEVELS = {"debug", "info", "warning", "error", "critical", "log", "exception"}
LOGGED = {
    *("id", "code", "kind", "control", "count", "name", "status", "stage", "seq", "segment", "key", "account", "door"),
    *("asked", "answered", "action", "reach", "version", "revision", "port", "number", "milliseconds", "__name__"),
}


@cache
def tracked() -> tuple[Path, ...]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return tuple(path for path in paths if path.is_file())


def sources() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


@cache
def read() -> dict[Path, tuple[ast.Module, tuple[ast.AST, ...]]]:
    """The tree of each file and all its nodes, gathered once for all tests."""
    gc.disable()  # millions of nodes, none of them garbage: to look among them again and again takes most of the time
    trees = {path: ast.parse(path.read_text("utf-8"), str(path)) for path in sources()}
    made = {path: (one, tuple(ast.walk(one))) for path, one in trees.items()}
    gc.freeze()
    gc.enable()
    return made


def tree(path: Path) -> ast.Module:
    return read()[path][0]


def nodes(path: Path) -> tuple[ast.AST, ...]:
    return read()[path][1]


def package() -> list[Path]:
    return [path for path in sources() if path.is_relative_to(PACKAGE)]


def at(path: Path, node: ast.AST | int) -> str:
    line = node if isinstance(node, int) else getattr(node, "lineno", 1)
    return f"{path.relative_to(ROOT)}:{line}"


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def called(node: ast.AST) -> str:
    """The last name of what a call calls."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def test_there_is_something_to_look_at() -> None:
    assert len(package()) > 20
    assert sum(1 for path in sources() for _ in functions(path)) > 100


def test_every_module_begins_with_licence_and_docstring() -> None:
    bad = [
        at(path, 1)
        for path in sources()
        if not path.read_text("utf-8").startswith("# SPDX-License-Identifier: Apache-2.0\n")
        or not ast.get_docstring(tree(path))
    ]
    assert not bad


def test_package_roots_hold_a_docstring_only() -> None:
    assert not [at(path, 1) for path in package() if path.name == "__init__.py" and len(tree(path).body) != 1]


def test_modules_and_functions_stay_small() -> None:
    long = [at(path, 500) for path in sources() if len(path.read_text("utf-8").splitlines()) > 500]
    long += [
        f"{at(path, node)} {node.name}"
        for path in sources()
        for node in functions(path)
        if (node.end_lineno or node.lineno) - node.lineno + 1 > 60
    ]
    assert not long


def test_only_the_books_make_evidence_and_only_hear_makes_hearings() -> None:
    bad = [
        at(path, node)
        for path in package()
        for node in nodes(path)
        if (called(node) == "Evidence" and not path.is_relative_to(PACKAGE / "records"))
        or (called(node) == "Hearing" and path != PACKAGE / "controls" / "hearing.py")
    ]
    assert not bad


def test_nothing_is_mocked() -> None:
    bad = [
        at(path, node)
        for path in sources()
        for node in nodes(path)
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Call)
        if any(name.split(".")[-1] == "mock" or ".mock." in name for name in imported(node))
        or (called(node) in ("setattr", "delattr") and "monkeypatch" in ast.unparse(node))
    ]
    assert not bad


def words(name: str) -> set[str]:
    """The words of a name in CamelCase or snake_case, in the singular."""
    return {word.lower().removesuffix("s") for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def test_vague_words_name_nothing() -> None:
    vague = {word.removesuffix("s") for word in FORBIDDEN_NAMES}
    bad = [at(path, 1) for path in package() if words(path.stem) & vague]
    bad += [
        f"{at(path, node)} {node.name}"
        for path in package()
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and words(node.name) & vague
    ]
    assert not bad
    assert words("HTTPRules") == {"http", "rule"}


def test_imports_stand_at_the_top() -> None:
    bad = [
        at(path, node)
        for path in sources()
        if any(isinstance(node, ast.Import | ast.ImportFrom) and node.col_offset for node in nodes(path))
        for function in functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    # Brought in by name when it is used: a noun of the command line; and what few ask for (ADR 0012).
    seams = {PACKAGE / "cli" / "main.py", PACKAGE / "brought.py"}
    bad += [
        at(path, node)
        for path in package()
        for node in nodes(path)
        if called(node) in ("import_module", "__import__") and path not in seams
    ]
    assert not bad


def constant(target: ast.expr) -> bool:
    return ast.unparse(target).isupper() or ast.unparse(target) == "__all__"


def test_no_state_at_module_level() -> None:
    makers = {"dict", "list", "set", "deque", "defaultdict", "Counter", "OrderedDict"}
    literals = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
    bad = [at(path, node) for path in package() for node in nodes(path) if isinstance(node, ast.Global)]
    for path in package():
        for node in tree(path).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                mutable = isinstance(node.value, literals) or called(node.value) in makers
                bad += [at(path, node) for target in targets if mutable and not constant(target)]
    assert not [place for place in bad if "/migrations/" not in place]  # alembic asks for lower-case names


def test_the_pure_rooms_know_neither_io_nor_clock() -> None:
    bad = [
        f"{at(path, node)} {name}"
        for path in package()
        if path.relative_to(PACKAGE).as_posix().startswith(PURE)
        for node in nodes(path)
        for name in [*imported(node), called(node)]
        if name.split(".")[0] in OUTSIDE or name in ("open", "now", "today", "utcnow")
    ]
    assert not bad


def logged(node: ast.expr) -> bool:
    """Whether an argument of a logging call is an identifier, an enum, a count or a constant."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Dict):
        return all(isinstance(key, ast.Constant) for key in node.keys) and all(logged(value) for value in node.values)
    if isinstance(node, ast.Call):
        return called(node) == "len"
    return (node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")) in LOGGED


def logging_faults(module: ast.Module) -> list[ast.Call]:
    """Logging calls that could carry content: text that is put together, values beyond the list, tracebacks."""
    bad = []
    for node in ast.walk(module):
        if not isinstance(node, ast.Call) or called(node) not in LOG_LEVELS or not isinstance(node.func, ast.Attribute):
            continue
        if ast.unparse(node.func.value).lstrip("_") not in ("log", "logger", "logging"):
            continue
        constant = bool(node.args) and isinstance(node.args[0], ast.Constant)
        named = all(word.arg == "extra" and logged(word.value) for word in node.keywords)
        if called(node) == "exception" or not constant or not named or not all(logged(a) for a in node.args[1:]):
            bad.append(node)
    return bad


def test_logs_carry_identifiers_enums_and_counts_only() -> None:
    assert not [at(path, node) for path in package() for node in logging_faults(tree(path))]


@pytest.mark.parametrize(
    "call",
    [
        "log.error(f'{text}')",
        "log.error('x %s', text)",
        "log.error('x', extra={'t': body.content})",
        "log.exception('x')",
        "log.error('x', exc_info=True)",
        "_log.error('x' + str(error))",
        "log.info(message)",
    ],
)
def test_the_look_at_logs_finds_content(call: str) -> None:
    assert logging_faults(ast.parse(call))


def test_print_is_for_scripts() -> None:
    calls = ((path, node) for path in package() for node in nodes(path) if isinstance(node, ast.Call))
    assert not [at(path, node) for path, node in calls if isinstance(node.func, ast.Name) and node.func.id == "print"]


def broad(node: ast.AST) -> bool:
    """Whether this is an except clause that takes every error and does not raise it again."""
    if not isinstance(node, ast.ExceptHandler) or (isinstance(last := node.body[-1], ast.Raise) and last.exc is None):
        return False
    return node.type is None or bool(re.search(r"\b(Base)?Exception\b", ast.unparse(node.type)))


def test_exceptions_to_the_habits_say_why() -> None:
    """A broad except, a noqa and a type-ignore each have their reason on the same line."""
    silenced = re.compile(r"#\s*(?:noqa|type:\s*ignore)(?:[:\[][\w,\s\[\]-]*?)?(?P<why>#.*|\s[a-z].*)?$")
    bad = []
    for path in sources():
        lines = path.read_text("utf-8").splitlines()
        bad += [at(path, n) for n in nodes(path) if broad(n) and "# " not in lines[getattr(n, "lineno", 1) - 1]]
        bad += [
            at(path, number)
            for number, line in enumerate(lines, 1)
            if (found := silenced.search(line)) and not found["why"] and "re.compile" not in line
        ]
    assert not bad


def test_nothing_of_one_machine_is_tracked() -> None:
    """No path of a machine, no address of a package index, nothing that a user does not have."""
    hosts = (r"pypi\." + "org", r"pythonhosted\." + "org", r"npmjs\." + "(org|com)", r"debian\." + "org")
    places = ("/wo" + r"rk/", "/ro" + r"ot/", "/home/" + r"[a-z]", r"\.\./sha" + "red")
    found = re.compile("|".join((*hosts, *places)))
    bad = []
    for path in tracked():
        if path.suffix in (".png", ".xlsx", ".db", ".gz", ".otf", ".npz", ".mp4") or path.name == "LICENSE":
            continue
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if found.search(line):
                bad.append(at(path, number))
    assert not bad
