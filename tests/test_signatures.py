# SPDX-License-Identifier: Apache-2.0
"""What files are signed with, from the settings to the file and back: half a pair is refused, the provider's own key is
trusted, and content credentials and the label's own protection do not break one another (Article 16; C2PA)."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli_kit import guiju
from conftest import Running, Start
from guiju.adapters import reader_credentials, signatures
from guiju.adapters.signatures import Credentials, Signatures
from guiju.config import DEVELOPMENT_CODE, Gateway, Provider, Settings, Verify
from guiju.errors import ConfigError
from guiju.house import check_production
from guiju.marking import c2pa, label_key, reserved
from guiju.marking.label import Aigc, parse, propagated
from guiju.marking.png import PNG
from guiju.marking.throwaway import NAME
from guiju.marking.verify import Verified, verified
from marking_kit import made
from pages_kit import BORDER, form
from test_marking_verify import OURS

ED = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SM2 = bytes(range(1, 33))
BY_OPENSSL = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgQK0lDjzlyY5/vXSB
FBMUzWiJuJLPPnQT2EimbRDt9y+hRANCAAQDMRP6CDrvM4tMlOLsoMvhAWruY5Z4
NKnGjfJkox0+ohTnCEbPzvanI4UyiGCM4YZt0rEQX8PF7w74tXuhvQXn
-----END PRIVATE KEY-----
"""
"""Made by `openssl genpkey -algorithm SM2`; its public key stands at its end."""


def pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    """A private key as a file."""
    locked: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        locked = serialization.BestAvailableEncryption(passphrase)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


def test_a_key_is_read_by_its_kind() -> None:
    ed = label_key.read(pem(ED))
    assert ed is not None
    assert ed.public == ED.public_key().public_bytes_raw().hex()
    sm2 = label_key.read(BY_OPENSSL.encode())
    assert sm2 is not None
    der = base64.b64decode("".join(BY_OPENSSL.splitlines()[1:-1]))
    assert sm2.public.removeprefix("04") == der[-64:].hex()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no key",
        pem(ED)[:60],
        pem(ED, b"secret"),
        pem(ec.derive_private_key(5, ec.SECP256R1())),
        BY_OPENSSL.replace("QK0lDjzlyY5/vXSB", "////////////////").encode(),
        b"-----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n",
    ],
)
def test_what_is_no_key_of_these_kinds_is_none(data: bytes) -> None:
    found = label_key.read(data)
    assert found is None or found.sm2  # a number that was changed is still a number


def written(by: Signatures, aigc: Aigc = OURS, *, theirs: bool = False) -> tuple[bytes, Aigc, str]:
    """A picture that was written, the label that was told, and who signed."""
    target = io.BytesIO()
    said, signer = by.written(PNG, io.BytesIO(made("png")), target, aigc, "png", theirs=theirs)
    return target.getvalue(), said, signer


def read(data: bytes, by: Signatures) -> Verified:
    """What a verifier with the same trust says."""
    more = reader_credentials.check(io.BytesIO(data), "png", by.anchors.encode())
    return verified(io.BytesIO(data), io.BytesIO(), "png", frozenset(by.known), (more,) if more else ())


def test_a_provider_s_own_key_makes_a_file_whole_and_a_change_shows() -> None:
    key = label_key.LabelKey(ed25519=ED)
    by = Signatures(key=key, known=(key.public,))
    data, said, signer = written(by)
    assert signer == ""
    assert read(data, by).verdict == "whole"
    assert read(data, Signatures()).verdict == "unknown_producer"
    assert read(data, by).label == said.fields()
    changed = data.replace(b"IDAT", b"IDAT", 1)[:-13] + bytes([data[-13] ^ 1]) + data[-12:]
    assert read(changed, by).verdict in {"altered", "unreadable"}


def test_the_form_of_the_guide_speaks_of_the_label_alone() -> None:
    key = label_key.LabelKey(sm2=SM2)
    by = Signatures(key=key, known=(key.public,))
    data, said, _ = written(by)
    found = read(data, by)
    assert (found.verdict, [check.state for check in found.checks]) == ("unbound", ["unsure"])
    protection = reserved.parse(said.reserved1)
    assert protection is not None
    assert (protection.form, protection.deviations, reserved.holds(protection, said)) == ("sm2", (), "yes")


def test_content_credentials_and_the_label_s_protection_stand_together() -> None:
    key = label_key.LabelKey(ed25519=ED)
    signing, anchor = throwaway()
    by = Signatures(signing, key, (key.public,), anchor)
    data, said, signer = written(by)
    assert signer == NAME
    found = read(data, by)
    assert {check.how: check.state for check in found.checks} == {"c2pa": "whole", "reserved1": "unsure"}
    assert (found.verdict, found.label) == ("whole", said.fields())


def throwaway() -> tuple[Credentials, str]:
    """A certificate of development, and its authority as one that is trusted."""
    signing = signatures.credentials(Settings(), c2pa)
    authority = signing.chain[signing.chain.rindex(b"-----BEGIN CERTIFICATE") :]
    return signing, authority.decode()


def test_what_others_made_keeps_its_producer_s_protection() -> None:
    theirs = propagated(OURS, "other", "number")
    key = label_key.LabelKey(ed25519=ED)
    _, said, _ = written(Signatures(key=key), theirs, theirs=True)
    assert said == theirs


def settings(mode: str = "development", **provider: str) -> Settings:
    return msgspec.convert({"mode": mode, "provider": provider}, Settings)


@pytest.mark.parametrize("mode", ["development", "production"])
@pytest.mark.parametrize("half", ["c2pa_certificate", "c2pa_key"])
def test_half_a_pair_is_refused(mode: str, half: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check_production(settings(mode, code="001191110000600037341L10000", **{half: "x.pem"}))
    assert raised.value.code == "config_invalid"
    assert "c2pa_certificate" in str(raised.value.facts["what"])


def test_production_does_not_sign_without_a_certificate() -> None:
    on = Gateway(credentials="on")
    code = Provider(code="001191110000600037341L10000")
    with pytest.raises(ConfigError):
        check_production(Settings(mode="production", provider=code, gateway=on))
    check_production(Settings(mode="production", provider=code))
    check_production(Settings(gateway=on))
    assert not signatures.signs(Settings())
    assert signatures.signs(Settings(gateway=on))
    assert signatures.signs(settings(c2pa_certificate="a", c2pa_key="b"))
    off = msgspec.structs.replace(settings(c2pa_certificate="a", c2pa_key="b"), gateway=Gateway(credentials="off"))
    assert not signatures.signs(off)


@pytest.mark.parametrize("named", ["label_key", "authorities", "keys", "c2pa"])
def test_a_file_that_is_missing_or_something_else_is_named(tmp_path: Path, named: str) -> None:
    (bad := tmp_path / "bad.pem").write_text("something else")
    for place in (bad, tmp_path / "missing.pem"):
        path = str(place)
        provider = Provider(label_key=path) if named == "label_key" else Provider()
        if named == "c2pa":
            provider = Provider(c2pa_certificate=path, c2pa_key=path)
        verify = (
            Verify(authorities=path) if named == "authorities" else Verify(keys=path) if named == "keys" else Verify()
        )
        with pytest.raises(ConfigError):
            signatures.load(Settings(provider=provider, verify=verify), c2pa)


@pytest.mark.slow
def test_the_command_signs_with_the_key_of_the_settings_and_trusts_it(tmp_path: Path) -> None:
    (tmp_path / "label.pem").write_bytes(pem(ED))
    (tmp_path / "a.png").write_bytes(made("png"))
    (tmp_path / "guiju.toml").write_text('[provider]\nlabel_key = "label.pem"\n', "utf-8")
    done = guiju("label", "write", "a.png", "-o", "b.png", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert reserved.OURS in row["label"]["ReservedCode1"]
    assert row["label"]["ContentProducer"] == DEVELOPMENT_CODE
    seen = json.loads(guiju("label", "verify", "b.png", "--json", cwd=tmp_path).stdout)
    assert (seen["verdict"], seen["label"]) == ("whole", row["label"])
    (tmp_path / "guiju.toml").write_text("", "utf-8")
    seen = json.loads(guiju("label", "verify", "b.png", "--json", cwd=tmp_path).stdout)
    assert seen["verdict"] == "unknown_producer"


@pytest.mark.parametrize("secret", [pem(ED), BY_OPENSSL.encode()], ids=["ed25519", "sm2"])
def test_the_label_beside_a_text_is_protected_with_the_key_of_the_settings(
    start: Start, tmp_path: Path, secret: bytes
) -> None:
    (tmp_path / "label.pem").write_bytes(secret)
    gateway = start(overlay=(("provider", Provider(label_key=str(tmp_path / "label.pem"))),))
    for stream in (False, True):
        answer = gateway.chat("[[say:好]]", stream=stream)
        labels = [answer.json["aigc"]] if not stream else [one["aigc"] for one in answer.events if "aigc" in one]
        assert labels[0] == json.loads(answer.headers["x-guiju-aigc"])
        for one in labels:
            read = parse(json.dumps(one))
            assert read is not None
            protection = reserved.parse(read.aigc.reserved1)
            assert protection is not None
            assert reserved.holds(protection, read.aigc) == "yes"
            assert reserved.holds(protection, msgspec.structs.replace(read.aigc, produce_id="X")) == "no"


def pictured(gateway: Running) -> bytes:
    """A picture that was asked for."""
    answer = gateway.ask("POST", "/v1/images/generations", {"model": "scripted", "prompt": "一只猫"})
    assert answer.status == 200
    return base64.b64decode(answer.json["data"][0]["b64_json"])


def told(gateway: Running, data: bytes, name: str = "a.png") -> Verified:
    """What the page of a gateway says of a file."""
    headers = {"content-type": f"multipart/form-data; boundary={BORDER}", "accept": "application/json"}
    answer = gateway.ask("POST", "/verify", form(("file", name, data)), headers)
    return msgspec.convert({k: v for k, v in answer.json.items() if k != "explanation"}, Verified)


@pytest.mark.slow
def test_a_picture_of_the_gateway_is_whole_at_its_own_page(start: Start, tmp_path: Path) -> None:
    (path := tmp_path / "label.pem").write_bytes(pem(ED))
    signing = start(overlay=(("provider.label_key", str(path)),))
    data = pictured(signing)
    assert told(signing, data).verdict == "whole"
    assert told(start(), data).verdict == "unknown_producer"


@pytest.mark.slow
def test_the_gateway_signs_credentials_where_a_type_takes_them(start: Start) -> None:
    gateway = start(overlay=(("gateway.credentials", "on"),))
    found = told(gateway, pictured(gateway))
    by = {check.how: (check.state, check.signer, check.known) for check in found.checks}
    assert by == {"c2pa": ("whole", NAME, False), "evidence": ("whole", "", True)}
    assert told(start(), pictured(gateway)).verdict == "unknown_producer"  # whose evidence knows nothing of it
    asked = {"model": "scripted", "input": "你好", "voice": "alloy", "response_format": "wav"}
    sound = gateway.ask("POST", "/v1/audio/speech", asked)
    assert sound.status == 200
    assert told(gateway, sound.body, "a.wav").checks[0].state == "whole"
    read_ = parse(json.dumps(told(gateway, sound.body, "a.wav").label))
    assert read_ is not None
    assert read_.aigc.produce_id == sound.headers["x-guiju-decision-id"]
