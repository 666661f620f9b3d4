# SPDX-License-Identifier: Apache-2.0
"""`guiju label write` as a person types it: files and folders, roles, and what goes wrong."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from cli_kit import guiju
from guiju.adapters.signatures import Signatures
from guiju.cli import credentials
from guiju.cli.explicit import asked
from guiju.cli.labelling import Wanted, places, write
from guiju.config import Provider, Settings
from guiju.errors import ConfigError
from guiju.marking import c2pa
from guiju.marking.label import parse
from guiju.marking.throwaway import NAME, certificate
from marking_kit import made, texts

CODE = "001191110000600037341L10000"
ME = Wanted(code=CODE)


def test_a_file_gets_its_label_and_keeps_its_mode(tmp_path: Path) -> None:
    (file := tmp_path / "a.png").write_bytes(made("png"))
    file.chmod(0o640)
    done = write(file, out := tmp_path / "new" / "b.png", ME)
    assert (done.state, done.family, done.label["ContentProducer"]) == ("labelled", "png", CODE)
    read = parse(texts(out.read_bytes())[0])
    assert read is not None
    assert read.aigc.fields() == done.label
    assert out.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in out.parent.iterdir()] == ["b.png"]


def test_what_has_a_label_keeps_its_producer(tmp_path: Path) -> None:
    (file := tmp_path / "a.jpg").write_bytes(made("jpeg"))
    mine, theirs = tmp_path / "b.jpg", tmp_path / "c.jpg"
    first = write(file, mine, ME)
    assert write(mine, theirs, ME).state == "labelled_already"
    assert not theirs.exists()
    spread = write(mine, theirs, Wanted(code="PROPAGATOR", role="propagator"))
    assert spread.label["ProduceID"] == first.label["ProduceID"]
    assert (spread.label["Label"], spread.label["ContentPropagator"]) == ("1", "PROPAGATOR")
    assert write(mine, theirs, Wanted(code="OTHER", number="7", replace=True)).label["ProduceID"] == "7"


def test_a_propagator_says_why_it_labels_what_has_none(tmp_path: Path) -> None:
    (file := tmp_path / "a.webp").write_bytes(made("webp"))
    assert write(file, tmp_path / "b.webp", Wanted(code="P", role="propagator")).state == "no_label"
    done = write(file, tmp_path / "b.webp", Wanted(code="P", role="propagator", kind="2"))
    assert (done.label["Label"], done.label["ContentProducer"], done.label["ContentPropagator"]) == ("2", "", "P")


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    (file := tmp_path / "a.png").write_bytes(made("png")[:-20])
    out = tmp_path / "out" / "a.png"
    assert write(file, out, ME).state == "unreadable"
    assert list(out.parent.iterdir()) == []
    assert write(file, file, ME).state == "out_is_in"
    (text := tmp_path / "a.xyz").write_bytes(b"\x00\x01 of no family")
    assert write(text, out, ME).state == "unsupported"
    assert write(tmp_path / "none.png", out, ME).state == "outside"


def test_folders_are_mirrored_and_no_two_files_meet(tmp_path: Path) -> None:
    for name in ("in/a.png", "in/deep/b.png", "in/.hidden", "c.png"):
        (path := tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "in" / "link.png").symlink_to(tmp_path / "c.png")
    inside, out = tmp_path / "in", tmp_path / "out"
    assert places([inside], out) == [(inside / "a.png", out / "a.png"), (inside / "deep/b.png", out / "deep/b.png")]
    assert places([tmp_path / "c.png"], out) == [(tmp_path / "c.png", out)]
    with pytest.raises(ConfigError, match="two files"):
        places([inside / "a.png", inside], out)
    with pytest.raises(ConfigError, match="none"):
        places([tmp_path / "none"], out)


def test_words_are_drawn_before_the_label_is_written(tmp_path: Path) -> None:
    (file := tmp_path / "a.jpg").write_bytes(made("jpeg rich", (160, 120)))
    seen = asked(["top", "auto"], "", None, "zh")
    done = write(file, tmp_path / "b.jpg", Wanted(code=CODE, explicit=seen))
    assert (done.state, done.explicit) == ("labelled", "top")
    assert len(texts((tmp_path / "b.jpg").read_bytes())) == 1
    (small := tmp_path / "c.png").write_bytes(made("png"))
    assert write(small, tmp_path / "d.png", Wanted(code=CODE, explicit=seen)).state == "too_small"
    assert not (tmp_path / "d.png").exists()


@pytest.mark.parametrize(
    ("places", "words", "font"),
    [(["middle"], "", None), (["auto"], "Made by us", None), ([], "AI生成", None), (["auto"], "", Path("none.otf"))],
)
def test_mistakes_about_words_are_told(places: list[str], words: str, font: Path | None) -> None:
    with pytest.raises(ConfigError):
        asked(places, words, font, "zh")
    assert asked([], "", None, "zh") is None


def test_a_signature_covers_the_label_and_names_its_certificate(tmp_path: Path) -> None:
    (file := tmp_path / "a.png").write_bytes(made("png"))
    signing = credentials.asked(["c2pa"], Settings())
    done = write(file, out := tmp_path / "b.png", Wanted(code=CODE, signatures=signing))
    assert (done.state, done.c2pa) == ("labelled", NAME)
    spread = write(out, tmp_path / "c.png", Wanted(code="P", role="propagator", signatures=signing))
    with (tmp_path / "c.png").open("rb") as source:
        found = c2pa.read(source, "image/png")
    assert found is not None
    assert (spread.state, found.state, found.ingredients) == ("labelled", "valid", 1)
    assert (found.actions, len(texts((tmp_path / "c.png").read_bytes()))) == (("c2pa.opened", "c2pa.edited"), 1)


def test_a_certificate_of_one_s_own_signs(tmp_path: Path) -> None:
    chain, key = certificate(datetime.datetime.now(datetime.UTC))
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(key)
    own = Provider(c2pa_certificate=str(tmp_path / "chain.pem"), c2pa_key=str(tmp_path / "key.pem"))
    signing = credentials.asked(["metadata", "c2pa"], Settings(provider=own, mode="production"))
    assert signing.credentials is not None
    assert (signing.credentials.chain, signing.credentials.key) == (chain, key)
    (tmp_path / "key.pem").write_bytes(certificate(datetime.datetime.now(datetime.UTC))[1])
    half = Provider(c2pa_certificate="chain.pem")
    none = Provider(c2pa_certificate="none.pem", c2pa_key="none.pem")
    for settings in (
        Settings(provider=own),
        Settings(provider=half),
        Settings(provider=none),
        Settings(mode="production"),
    ):
        with pytest.raises(ConfigError):
            credentials.asked(["c2pa"], settings)
    with pytest.raises(ConfigError, match="--implicit"):
        credentials.asked(["watermark"], Settings())
    assert credentials.asked(["metadata"], Settings(mode="production")) == Signatures()


@pytest.mark.slow
def test_the_command_labels_a_folder_and_tells_of_each_file(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.gif").write_bytes(made("gif"))
    (tmp_path / "in" / "b.bin").write_bytes(b"\x00\x01")
    done = guiju("label", "write", "in", "-o", "out", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert [(row["state"], row["family"]) for row in json.loads(done.stdout)] == [
        ("labelled", "gif"),
        ("unsupported", ""),
    ]
    assert "DEVELOPMENT" in done.stderr
    (tmp_path / "guiju.toml").write_text(f'[provider]\ncode = "{CODE}"\n', "utf-8")
    named = guiju("label", "write", "in/a.gif", "-o", "c.gif", "--id", "N1", cwd=tmp_path, language="zh")
    assert (named.returncode, named.stderr) == (0, "")
    assert "N1" in named.stdout
    assert CODE.encode() in (tmp_path / "c.gif").read_bytes()
    (tmp_path / "d.png").write_bytes(made("png", (160, 120)))
    seen = guiju("label", "write", "d.png", "-o", "e.png", "--explicit", "auto", "--json", cwd=tmp_path)
    assert json.loads(seen.stdout)[0]["explicit"] == "bottom-right"


@pytest.mark.slow
def test_mistakes_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(made("png"))
    for words, said in (
        (("a.png", "-o", "b.png", "--id", "a b"), "--id"),
        (("a.png", "-o", "b.png", "--kind", "2"), "--kind"),
        (("none.png", "-o", "b.png"), "none.png"),
    ):
        done = guiju("label", "write", *words, cwd=tmp_path)
        assert done.returncode == 2, words
        assert said in done.stderr, words
    (tmp_path / "guiju.toml").write_text('[provider]\ncode = "001191110000600037341M10000"\n', "utf-8")
    assert "checksum" in guiju("label", "write", "a.png", "-o", "b.png", cwd=tmp_path).stderr
