# SPDX-License-Identifier: Apache-2.0
"""`guiju corpus audit`: every row of every form is counted with a reason, and a run that is ended goes on (Article 7)."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli_kit import GUIJU, entries, environment, guiju, typed
from guiju.corpus.chunks import chunks
from guiju.corpus.files import found
from guiju.corpus.parsed import rows
from personal_kit import id_card

BAD = "出售枪支弹药，货到付款，加微信"
FATES = ("kept", "masked", "dropped", "held")


def audited(folder: Path, *paths: str, status: int = 0, more: tuple[str, ...] = ()) -> dict[str, Any]:
    """Audit in one process; the rows must add up."""
    words = ("corpus", "audit", *paths, "--source", "s", "--data", "data", "-o", "out", "--workers", "1", *more)
    ran = typed(*words, cwd=folder)
    assert ran.returncode == status, ran.stderr
    report: dict[str, Any] = json.loads((folder / "out" / "report.json").read_text("utf-8"))
    rows = report["rows"]
    assert rows["in"] == sum(rows[fate] for fate in FATES) == sum(one["rows"] for one in report["files"])
    return report


def lines(path: Path) -> list[Any]:
    """The rows of a file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def rows_of(folder: Path, name: str) -> list[Any]:
    """All rows of one kind that an audit wrote."""
    return [row for path in sorted((folder / "out" / "shards").glob(f"*/{name}.jsonl")) for row in lines(path)]


def test_each_row_has_its_fate_and_its_reason(tmp_path: Path) -> None:
    card = id_card(random.Random(1))
    given = [
        {"id": 1, "text": "秋天的公园里，孩子们在放风筝。"},
        {"id": 2, "text": "秋天的公园里，孩子们在放风筝。 "},
        {"id": 3, "text": f"我的身份证号是{card}，请帮我登记。"},
        {
            "id": 4,
            "messages": [{"role": "user", "content": "手机号 13800138000"}, {"role": "assistant", "content": "好的"}],
        },
        {"id": 5, "text": "乱码锟斤拷" * 3},
        {"id": 6, "other": None},
    ]
    raw = "\n".join(json.dumps(row, ensure_ascii=False) for row in given).encode()
    (tmp_path / "a.jsonl").write_bytes(raw + b'\n{"text": \n\n{"text": "\xff\xfe\xfd"}\n')
    report = audited(tmp_path, "a.jsonl")
    assert report["rows"] == {"in": 8, "kept": 1, "masked": 2, "dropped": 1, "held": 4}
    assert report["reasons"] == {
        "dropped": {"duplicate": 1},
        "held": {"bad_encoding": 1, "bad_json": 1, "no_text": 1, "mojibake": 1},
        "masked": {"personal": 2},
    }
    assert report["personal"]["sensitive_rows"] == 1
    kept = rows_of(tmp_path, "kept")
    assert [row["id"] for row in kept] == [1, 3, 4]
    assert card not in json.dumps(kept)
    assert "13800138000" not in json.dumps(kept)
    assert kept[2]["messages"][1] == {"role": "assistant", "content": "好的"}
    excluded = lines(tmp_path / "out" / "excluded.jsonl")
    assert [(one["row"], one["fate"]) for one in excluded] == [
        (2, "dropped"),
        (5, "held"),
        (6, "held"),
        (7, "held"),
        (8, "held"),
    ]
    assert report["verdict"]["result"] == "not_for_use"
    assert report["verdict"]["reasons"][0]["code"] == "unregistered"
    written = [one["kind"] for one in entries(tmp_path / "data")]
    assert written[-2:] == ["corpus_shard", "corpus_audit"]


TEXTS = [f"第{n}段：河边的柳树绿了，燕子从南方飞回来。" for n in range(5)]


def table_of(folder: Path) -> None:
    """The same five rows in every form."""
    objects = [{"text": text, "n": n} for n, text in enumerate(TEXTS)]
    json_lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects).encode()
    (folder / "a.jsonl").write_bytes(json_lines)
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(json_lines))
    (folder / "c.ndjson.bz2").write_bytes(bz2.compress(json_lines))
    (folder / "d.jsonl.xz").write_bytes(lzma.compress(json_lines))
    (folder / "e.jsonl.zst").write_bytes(pa.compress(json_lines, "zstd", asbytes=True))
    (folder / "f.json").write_text(json.dumps(objects, ensure_ascii=False, indent=1), "utf-8")
    (folder / "g.csv").write_text("text,n\r\n" + "".join(f'"{t}",{n}\r\n' for n, t in enumerate(TEXTS)), "utf-8-sig")
    (folder / "h.tsv").write_text("n\ttext\n" + "".join(f"{n}\t{t}\n" for n, t in enumerate(TEXTS)), "utf-8")
    (folder / "i.txt").write_text("\n".join(TEXTS), "utf-16")
    (folder / "j.txt").write_text("\n".join(TEXTS), "gb18030")
    (folder / "k.csv").write_text("\n".join(TEXTS), "gb18030")
    table = pa.table({"text": TEXTS, "n": range(5)})
    pyarrow.parquet.write_table(table, folder / "l.parquet", row_group_size=2)
    with pa.OSFile(str(folder / "m.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    with pa.OSFile(str(folder / "n.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)
    (folder / "o.json").write_text(json.dumps({"data": objects}, ensure_ascii=False), "utf-8")
    (folder / "p").write_bytes(json_lines)
    (folder / "q.dat").write_bytes(gzip.compress(json_lines))


@pytest.mark.slow
def test_every_form_says_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "set" / "data"
    folder.mkdir(parents=True)
    table_of(folder)
    (tmp_path / "set" / "README.md").write_text("what it is", "utf-8")
    (tmp_path / "set" / ".gitattributes").write_text("*", "utf-8")
    (folder / "empty.jsonl").write_bytes(b"")
    report = audited(tmp_path, "set")
    assert {one["name"]: one["rows"] for one in report["files"] if one["rows"] != 5} == {"set/data/empty.jsonl": 0}
    assert report["rows"] == {"in": 85, "kept": 5, "masked": 0, "dropped": 80, "held": 0}
    assert report["duplicates"]["exact"] == 80
    assert sorted(report["beside"]) == ["set/.gitattributes", "set/README.md"]


@pytest.mark.slow
def test_what_is_broken_is_held_and_named(tmp_path: Path) -> None:
    table = pa.table({"text": TEXTS * 400})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", row_group_size=1000)
    whole = bytearray((tmp_path / "a.parquet").read_bytes())
    whole[200:400] = b"\0" * 200
    (tmp_path / "a.parquet").write_bytes(whole)
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and then nothing")
    cut = gzip.compress("".join(f'{{"text": "{text}"}}\n' for text in TEXTS).encode() * 2000)
    (tmp_path / "c.jsonl.gz").write_bytes(cut[: len(cut) // 2])
    (tmp_path / "d.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (tmp_path / "e.json").write_text('[{"text": "好"}, {"text": ', "utf-8")
    (tmp_path / "f.csv").write_text('text\n"没有结尾的引号\n第二行', "utf-8")
    (tmp_path / "g.jsonl").write_bytes(b"[" * 100_000 + b"\n" + b'"a plain string"\nnull\n')
    report = audited(tmp_path, "a.parquet", "b.parquet", "c.jsonl.gz", "d.png", "e.json", "f.csv", "g.jsonl")
    rows = {one["name"]: one["rows"] for one in report["files"]}
    assert rows["a.parquet"] == 2000  # the file says how many it has
    assert rows["b.parquet"] == rows["d.png"] == 1
    assert rows["e.json"] == 2
    assert rows["g.jsonl"] == 3
    held = report["reasons"]["held"]
    assert held["not_text"] == 1
    assert held["bad_json"] == 2
    assert held["file_damaged"] > 1000
    assert held["no_text"] == 1


@pytest.mark.slow
def test_a_row_that_is_too_large_is_held_and_the_next_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as out:
        out.write(b"x" * (33 << 20) + b"\n" + "下一行。".encode())
    report = audited(tmp_path, "a.txt")
    assert report["rows"]["in"] == 2
    assert report["reasons"]["held"] == {"too_large": 1}


@pytest.mark.slow
def test_a_path_that_is_not_there_is_said(tmp_path: Path) -> None:
    ran = typed("corpus", "audit", "none", "--source", "s", "-o", "out", cwd=tmp_path)
    assert ran.returncode == 2
    assert "none" in ran.stderr
    (tmp_path / "nothing").mkdir()
    report = audited(tmp_path, "nothing", more=("--exact",))
    assert report["rows"]["in"] == 0
    assert "nothing" in [one["code"] for one in report["verdict"]["reasons"]]
    long = typed("corpus", "audit", "nothing", "--source", "s" * 65, "-o", "out", cwd=tmp_path)
    assert long.returncode == 2


@pytest.mark.slow
def test_several_processes_and_strict(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("\n".join(TEXTS), "utf-8")
    one = audited(tmp_path, "a.txt")
    words = ("corpus", "audit", "a.txt", "--source", "s", "--data", "data", "-o", "two", "--workers", "2", "--strict")
    ran = guiju(*words, "--json", cwd=tmp_path)
    assert ran.returncode == 1, ran.stderr
    assert json.loads(ran.stdout) == one == json.loads((tmp_path / "two" / "report.json").read_text("utf-8"))


@pytest.mark.slow
def test_a_run_that_is_killed_goes_on_to_the_same(tmp_path: Path) -> None:
    with (tmp_path / "a.jsonl").open("w", encoding="utf-8") as out:
        for n in range(70_000):
            out.write(f'{{"text": "第{n % 30_000}行：今天风和日丽。"}}\n')
    words = ["corpus", "audit", "a.jsonl", "--source", "s", "--data", "data", "--workers", "2", "--exact"]
    assert guiju(*words, "-o", "whole", cwd=tmp_path).returncode == 0
    child = subprocess.Popen(
        [str(GUIJU), *words, "-o", "cut"], cwd=tmp_path, env=environment("en"), start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "cut" / "shards" / "00000").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "cut" / "report.json").exists()
    assert guiju(*words, "-o", "cut", cwd=tmp_path).returncode == 0
    whole = {path.relative_to(tmp_path / "whole"): path.read_bytes() for path in (tmp_path / "whole").rglob("*.*")}
    cut = {path.relative_to(tmp_path / "cut"): path.read_bytes() for path in (tmp_path / "cut").rglob("*.*")}
    whole.pop(Path("run.json"))
    cut.pop(Path("run.json"))
    assert whole == cut
    assert json.loads(whole[Path("report.json")])["duplicates"]["exact"] == 40_000


@pytest.mark.slow
def test_its_own_results_pipes_and_links_to_nowhere_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("一行。", "utf-8")
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nowhere")
    (tmp_path / "again.txt").symlink_to(tmp_path / "a.txt")
    for _ in range(2):
        report = audited(tmp_path, ".", more=("--exact",))
        assert [(one["name"].split("/")[1], one["rows"]) for one in report["files"]] == [
            ("a.txt", 1),
            ("gone.jsonl", 1),
        ]
        assert report["reasons"]["held"] == {"file_damaged": 1}
        assert [name.split("/")[1] for name in report["beside"]] == ["pipe.jsonl"]


@given(
    st.binary(max_size=400),
    st.sampled_from(["jsonl", "json", "csv", "tsv", "txt", "parquet", "arrow", "gz", "zst", "xz", "bz2", "dat"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_any_bytes_are_read_to_their_end(tmp_path: Path, content: bytes, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(content)
    (file,) = found([path]).files
    every = [row for chunk in chunks(0, file) for row in rows(chunk, frozenset())]
    assert [row.number for row in every] == list(range(1, len(every) + 1))
    for row in every:
        assert row.fault or any(leaf.strip() for leaf in row.leaves)
        row.text.encode("utf-8", "surrogatepass")
