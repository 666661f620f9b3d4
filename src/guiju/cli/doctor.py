# SPDX-License-Identifier: Apache-2.0
"""`guiju doctor`: what Guiju runs on, row by row, and what to do about each row that is not green. Changes nothing."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import stat
import statistics
import sys
import tempfile
import time
import zoneinfo
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from importlib.metadata import PackageNotFoundError, requires
from importlib.metadata import version as installed_version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec
import typer

from guiju.adapters import attachments
from guiju.brought import brought
from guiju.cli import doctor_outside
from guiju.cli.books import AsJson, Config, Data, settings_file
from guiju.cli.doctor_row import Row, State
from guiju.cli.tongue import language, say
from guiju.config import DEVELOPMENT_CODE, Guard, Settings, load
from guiju.dossier import typeset
from guiju.errors import ConfigError, GuijuError, failed
from guiju.records import db, engine, schema, secrets
from guiju.records.sources import Source, in_database, optional, place_of, source_of, time_of
from guiju.records.verify import verify
from guiju.records.writers import told

_MARKS: Final = {"green": "✓", "yellow": "!", "red": "✗"}
_SYNCS: Final = 15
_SLOW_SYNC_MS: Final = 20.0
_LOW_DISK: Final = 1024**3
_NO_DISK: Final = 100 * 1024**2
_QUICK_LOOK: Final = 64 * 1024**2  # bytes of ledger; about a second
_BUILT: Final = 1_793_000_000  # 2026-10-26: a clock before this is wrong

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(
    help=say("检查运行环境，逐项给出状态与办法。", "Check what Guiju runs on, row by row, and say what to do.")
)
def doctor(
    data: Data = Path("data"),
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Print the table; exit 1 when a row is red."""
    rows = list(examine(data, config))
    if as_json:
        typer.echo(json.dumps({"rows": [msgspec.to_builtins(row) for row in rows]}, ensure_ascii=False))
    else:
        width = max(len(row.id) for row in rows)
        for row in rows:
            typer.echo(f"{_MARKS[row.state]} {row.id:<{width}}  {row.found}")
            if row.advice:
                typer.echo(f"  {'':<{width}}  → {row.advice}")
    if any(row.state == "red" for row in rows):
        raise typer.Exit(1)


def examine(data: Path, config: Path | None) -> Iterator[Row]:
    """All rows, in the order in which they are printed.

    Args:
        data: the data directory; it need not exist yet.
        config: the settings file; see `books.settings_file`.
    """
    yield python()
    yield packages()
    yield doctor_outside.extras()
    path = settings_file(data, config)
    try:
        settings = load(path)
    except GuijuError as error:
        yield Row("config", "red", error.sentence(language()), error.advice(language()))
        settings = Settings()
    else:
        yield Row(
            "config", "green", str(path) if path else say("默认值（没有配置文件）", "defaults (there is no file)")
        )
        yield from settings_rows(settings)
        yield from (guard(one, settings) for one in settings.guard)
        yield from films(settings)
        yield from doctor_outside.outside(settings)
        yield from doctor_outside.certificates(settings, time.time())
        yield doctor_outside.port(settings)
    yield from documents()
    rows = [_guarded(name, data, check) for name, check in _of_data(data, settings)]
    if rows[0].state == "green":
        rows.insert(1, _guarded("words", data, lambda: doctor_outside.words(data, settings)))
    yield from rows
    yield clock(data, settings)
    yield time_zones()
    yield open_files(settings)


def _of_data(data: Path, settings: Settings) -> tuple[tuple[str, Callable[[], Row]], ...]:
    return (
        ("store", lambda: store(data, settings)),
        ("keys", lambda: keys(data)),
        ("ledger", lambda: ledger(data, settings)),
        ("disk", lambda: disk(data, settings)),
        ("sync", lambda: sync(data, settings)),
    )


def _guarded(name: str, data: Path, check: Callable[[], Row]) -> Row:
    """A check that can't be made is a red row, so that the others are still shown."""
    try:
        return check()
    except GuijuError as error:
        return Row(name, "red", error.sentence(language()), error.advice(language()))
    except OSError as error:
        return Row(
            name,
            "red",
            failed(error.filename or data, error).within(language()),
            say("请检查权限与磁盘。", "Look at permissions and the disk."),
        )


def python() -> Row:
    """The interpreter's version is one that the tests run on."""
    found = sys.version.split()[0]
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Row("python", "green", found)
    return Row("python", "red", found, say("请使用 Python 3.11 至 3.13。", "Use Python 3.11 to 3.13."))


def packages() -> Row:
    """Every package that Guiju needs is installed."""
    wanted = [line for line in requires("guiju") or [] if "extra ==" not in line]
    names = [match[0] for line in wanted if (match := re.match(r"[A-Za-z0-9._-]+", line))]
    missing = []
    for name in names:
        try:
            installed_version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Row("packages", "red", say("缺少 ", "missing: ") + ", ".join(missing), "make setup")
    found = say(
        f"guiju {installed_version('guiju')}，依赖 {len(names)} 个",
        f"guiju {installed_version('guiju')}, {len(names)} packages",
    )
    return Row("packages", "green", found)


def films(settings: Settings) -> Iterator[Row]:
    """What writes words on films, where it is wanted and not there: films then do not go out (Article 16)."""
    missing = [
        name
        for name, there in (("ffmpeg", shutil.which("ffmpeg")), ("guiju[media]", find_spec("PIL")))
        if not there and settings.gateway.label_film != "envelope"
    ]
    if missing:
        yield Row(
            "films",
            "yellow",
            say(f"缺少 {', '.join(missing)}，视频不送出", f"missing: {', '.join(missing)}; films do not go out"),
            say(
                "apt-get install ffmpeg，pip install 'guiju[media]'；"
                '或由应用显示标识：gateway.label_film = "envelope"。',
                "apt-get install ffmpeg, pip install 'guiju[media]'; or let the app show the label: "
                'gateway.label_film = "envelope".',
            ),
        )


def documents(serif: Sequence[str] = typeset.SERIF) -> Iterator[Row]:
    """Whether documents for the authority can be printed, where their extra is installed: they need a Chinese font."""
    if find_spec("typst") is not None:
        try:
            yield Row("documents", "green", typeset.fonts(serif)[0])
        except GuijuError as error:
            yield Row("documents", "yellow", error.sentence(language()), error.advice(language()))


def settings_rows(settings: Settings) -> Iterator[Row]:
    """What the settings leave open. None of it keeps a first run from working."""
    if settings.provider.code == DEVELOPMENT_CODE:
        yield Row(
            "provider.code",
            "red" if settings.mode == "production" else "yellow",
            say("未填，标识写作 DEVELOPMENT", "not set; labels say DEVELOPMENT"),
            say(
                "在 guiju.toml 的 [provider] code 填 27 位编码。", "Set [provider] code in guiju.toml (27 characters)."
            ),
        )
    if not settings.provider.redress_url:
        yield Row(
            "provider.redress_url",
            "yellow",
            say("未填，外来的拒答中没有申诉地址", "not set; refusals name no place to contest that others can reach"),
            say(
                "填写 guiju.toml 的 [provider] redress_url，例如 https://…/appeal/{decision}。",
                "Set [provider] redress_url in guiju.toml, such as https://…/appeal/{decision}.",
            ),
        )
    if settings.complain.page and not set(attachments.PICTURES) <= set(attachments.taken()):
        yield Row(
            "complain",
            "yellow",
            say("缺少 Pillow，投诉不收图片", "Pillow is missing: complaints come without pictures"),
            "pip install 'guiju[media]'",
        )
    if settings.mode == "development":
        yield Row(
            "mode",
            "yellow",
            "development",
            say("guiju check 无缺口后改为 production。", "Change it to production once `guiju check` shows no gaps."),
        )
    if not settings.upstream:
        yield Row(
            "upstream",
            "yellow",
            say("未配置模型服务", "no model service is set"),
            say(
                "填写 [[upstream]]，或 guiju serve --upstream URL。",
                "Set [[upstream]], or `guiju serve --upstream URL`.",
            ),
        )
    if not settings.evidence.witness:
        yield Row(
            "witness",
            "yellow",
            say("见证：无", "witness: none"),
            say("填写 guiju.toml 的 [[evidence.witness]]。", "Set [[evidence.witness]] in guiju.toml."),
        )


def guard(one: Guard, settings: Settings) -> Row:
    """A guard model answers: it is asked about one harmless sentence."""
    name = f"guard {one.id}"
    try:
        lost = brought("guiju.adapters.guards.pinging").ping(one, settings.limits)
    except GuijuError as error:
        return Row(name, "red", error.sentence(language()), error.advice(language()))
    if not lost:
        return Row(name, "green", say(f"{one.kind}，有回答", f"{one.kind}, answers"))
    advice = say(
        "请检查其 url、model、密钥与 timeout_ms，见 docs/zh/how-to/guards.md。",
        "Look at its url, model, key and timeout_ms; see docs/en/how-to/guards.md.",
    )
    state: State = "red" if one.on_failure == "closed" else "yellow"
    return Row(name, state, say(f"没有回答：{lost}", f"no answer: {lost}"), advice)


def store(data: Path, settings: Settings) -> Row:
    """The store opens for reading and has the schema of this Guiju.

    Raises:
        GuijuError: it can't be reached, or its schema is another one.
    """
    if settings.store.url == "sqlite" and not (data / engine.FILE).exists():
        later = say("guiju serve 首次启动时建立。", "`guiju serve` makes it at its first start.")
        return Row("store", "yellow", say(f"{data} 中还没有数据库", f"there is none in {data} yet"), later)
    reader = engine.reader(settings.store.url, data)
    try:
        with db.outside(), reader.connect() as connection:
            found = db.found_revision(connection)
    finally:
        reader.dispose()
    if not found:
        later = say("guiju serve 首次启动时建立。", "`guiju serve` makes it at its first start.")
        return Row("store", "yellow", say("数据库是空的", "the database is empty"), later)
    db.check_revision(found)
    return Row("store", "green", say(f"结构版本 {schema.HEAD}", f"revision {schema.HEAD}"))


def keys(data: Path) -> Row:
    """The secrets are there, whole, and readable by their owner alone (DESIGN §8).

    Raises:
        GuijuError: a file is damaged or open to others.
    """
    folder = data / "keys"
    if not folder.exists():
        later = say("guiju serve 首次启动时建立。", "`guiju serve` makes them at its first start.")
        return Row("keys", "yellow", say("尚未建立", "not made yet"), later)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o077:
        return Row("keys", "red", f"{folder}: {mode:04o}", f"chmod 700 {folder}")
    missing = []
    for name in secrets.NAMES:
        try:
            secrets.read(folder / f"{name}.key")
        except FileNotFoundError:
            missing.append(name)
    if missing:
        advice = say(
            "请从备份恢复：新造的密钥认不出旧的记录。", "Restore them from a backup: new ones don't know old records."
        )
        return Row("keys", "red", say("缺少 ", "missing: ") + ", ".join(missing), advice)
    return Row(
        "keys", "green", say(f"{len(secrets.NAMES)} 个，权限 {mode:04o}", f"{len(secrets.NAMES)}, mode {mode:04o}")
    )


def ledger(data: Path, settings: Settings) -> Row:
    """The evidence can be written and is whole; one too long for a quick look is left to `guiju evidence verify`.

    Raises:
        GuijuError: the signing key is damaged or open to others.
    """
    later = say("guiju serve 首次启动时建立。", "`guiju serve` makes it at its first start.")
    none = Row("ledger", "yellow", say("尚未建立", "not made yet"), later)
    if not (data / "keys" / "signing.key").exists():
        return none
    try:
        source = source_of(place_of(settings, data))
    except ConfigError as error:
        if error.code != "not_found":
            raise
        return none
    with closing(source):
        return _looked_through(source, data, settings)


def _looked_through(source: Source, data: Path, settings: Settings) -> Row:
    place = place_of(settings, data)
    if in_database(place):
        with told(place, data):
            closed = optional("guiju.records.chain_sql").closed(place)
        opens = f"GRANT ALL ON {closed} TO …"
    else:
        closed = _closed(Path(place))
        opens = f"chmod u+w {closed}"
    if closed:
        allow = say("须允许运行服务的用户写入：", "Let the user who runs the service write there: ")
        found = say(f"{closed} 不可写", f"{closed} can't be written")
        return Row("ledger", "red", found, f"{allow}{opens}")
    size = source.size()
    if size > _QUICK_LOOK:
        found = say(f"{size / 1024**2:.0f} MiB，此处未核验", f"{size / 1024**2:.0f} MiB, not verified here")
        return Row("ledger", "yellow", found, f"guiju evidence verify --data {data}")
    report = verify(source, secrets.publics(data / "keys"), retention_days=settings.evidence.retention_days)
    entries = sum(writer.entries for writer in report.writers)
    if report.whole:
        return Row("ledger", "green", say(f"{entries} 条记录，完整", f"{entries} entries, whole"))
    return Row("ledger", "red", say("证据链有损", "the evidence is broken"), f"guiju evidence verify --data {data}")


def _closed(ledger: Path) -> Path | None:
    """What can't be written of that which the next entries go to; older months may be locked away."""
    for folder in (ledger, *sorted(path for path in ledger.iterdir() if path.is_dir())):
        for path in (folder, *sorted(folder.glob("*.log"))[-1:]):
            if not os.access(path, os.W_OK):
                return path
    return None


def _standing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def disk(data: Path, settings: Settings) -> Row:
    """Room for the store and the ledger: the ledger stops the service when it can't write."""
    free = shutil.disk_usage(_standing(data)).free
    found = say(f"剩余 {free / 1024**3:.1f} GiB", f"{free / 1024**3:.1f} GiB free")
    if settings.store.url != "sqlite":
        found += say("；数据库服务器的磁盘此处看不到", "; the disk of the database's server is not seen from here")
    if free >= _LOW_DISK:
        return Row("disk", "green", found)
    advice = say(
        "请腾出空间；证据写不下时服务会停止放行。", "Make room; when evidence can't be written nothing is answered."
    )
    return Row("disk", "yellow" if free >= _NO_DISK else "red", found, advice)


def sync(data: Path, settings: Settings) -> Row:
    """How long one full sync takes where the ledger is: every answer waits for one (DESIGN §7).

    Raises:
        GuijuError: the ledger is in a database that can't be reached.
    """
    place = place_of(settings, data)
    if in_database(place):
        with told(place, data):
            times: list[float] = optional("guiju.records.chain_sql").commit_times(place, _SYNCS)
        faster = say("请把数据库放到更快的磁盘或更近处。", "Put the database on a faster disk, or nearer.")
    else:
        times = _sync_times(_standing(data))
        faster = say("请把数据目录放到更快的磁盘。", "Put the data directory on a faster disk.")
    middle = statistics.median(times)
    found = say(f"落盘 {middle:.2f} 毫秒（{_SYNCS} 次的中位数）", f"{middle:.2f} ms a sync (median of {_SYNCS})")
    if middle <= _SLOW_SYNC_MS:
        return Row("sync", "green", found)
    return Row("sync", "yellow", found, faster)


def _sync_times(folder: Path) -> list[float]:
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(_SYNCS):
            file.write(b"\0" * 512)
            file.flush()
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - start) * 1000)
    return times


def clock(data: Path, settings: Settings) -> Row:
    """The clock is not behind what was already written: deadlines of the law are counted by it."""
    now = time.time()
    try:
        with closing(source_of(place_of(settings, data))) as source:
            newest = max((_newest(source, writer) for writer in source.writers()), default=0.0)
    except (GuijuError, OSError):
        newest = 0.0  # no ledger, or one that its own row tells of
    found = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    if now >= max(newest - 2, _BUILT):
        return Row("clock", "green", found)
    return Row("clock", "red", found, say("请校准系统时钟（NTP）。", "Set the system's clock right (NTP)."))


def _newest(source: Source, writer: str) -> float:
    """When the newest entry was written, in Unix seconds; 0 where there is none."""
    for segment in reversed(source.segments(writer)):
        for line in source.newest(writer, segment, b'"t":'):
            return time_of(line) / 1000
    return 0.0


def time_zones() -> Row:
    """The zone in which the law's days are counted is known."""
    try:
        zoneinfo.ZoneInfo("Asia/Shanghai")
    except zoneinfo.ZoneInfoNotFoundError:
        return Row("time zones", "red", "Asia/Shanghai", "sudo apt-get install tzdata")
    return Row("time zones", "green", "Asia/Shanghai")


def open_files(settings: Settings) -> Row:
    """Each connection takes two file descriptors, one on either side."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * settings.limits.connections + 256
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return Row("open files", "green", str(soft))
    return Row("open files", "yellow", f"{soft} < {wanted}", f"ulimit -n {wanted}")
