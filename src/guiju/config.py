# SPDX-License-Identifier: Apache-2.0
"""What is read from guiju.toml at start: addresses, store, identity issuers, evidence sinks, limits (DESIGN §10).

What changes while the service runs (lexicons, keys, upstreams, policy) lives in the store instead. Environment
variables `GUIJU_SECTION__NAME` override the file, so that secrets need not stand in it; `…_FILE` names a file instead.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from guiju.config_console import ConsoleSettings
from guiju.config_evaluation import Evaluation
from guiju.config_mail import MailSettings
from guiju.config_public import PublicSettings
from guiju.config_regeneration import Regeneration
from guiju.config_telemetry import TelemetrySettings
from guiju.environment import overlaid
from guiju.errors import ConfigError, Page, failed
from guiju.terms import AgeBand, IdentityLevel, Reach

DEVELOPMENT_CODE = "DEVELOPMENT"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Settings know their names: an unknown one is an error, never ignored."""


class Provider(_Section, frozen=True):
    """The legal person that one installation serves (DESIGN, head).

    Attributes:
        code: the 27-character provider code of TC260-PG-20252A; `DEVELOPMENT` until it is set.
        redress_url: where a refused caller may contest a decision; `{decision}` in it stands for the decision's id.
            Until it is set, callers on this machine are led to our own page (`Settings.redress`).
        authority_url: where anybody may report to the authority (Article 18).
        c2pa_certificate, c2pa_key: files of the certificate chain and of the key that sign content credentials.
        label_key: file of the key that protects labels in ReservedCode1: Ed25519 (our own form) or SM2 (the guide's).
    """

    name: str = ""
    code: str = DEVELOPMENT_CODE
    redress_url: str = ""
    authority_url: str = "https://www.12377.cn"
    c2pa_certificate: str = ""
    c2pa_key: str = ""
    label_key: str = ""


class Serve(_Section, frozen=True):
    """Addresses. TLS files or `behind_proxy` are needed to bind anything but loopback."""

    host: str = "127.0.0.1"
    port: int = 8080
    tls_cert: str = ""
    tls_key: str = ""
    behind_proxy: bool = False
    workers: int = 1
    base_path: Annotated[str, msgspec.Meta(pattern=r"^(/[A-Za-z0-9._~-]+)*$", max_length=200)] = ""


class Store(_Section, frozen=True):
    """`sqlite` (the file guiju.db in the data directory) or a `postgresql://` address."""

    url: str = "sqlite"


Party = Literal["auto", "own", "third_party"]  # in whose hands a service is (Article 11)
UpstreamKind = Literal["openai", "anthropic"]  # the protocol that a model service speaks
Prompts = Literal["chat", "native"]  # how a model service gets the prompts of /v1/completions


class Upstream(_Section, frozen=True):
    """A model service that speaks OpenAI's protocol, or Anthropic's.

    Attributes:
        kind: the protocol that it speaks.
        url: its base address up to and with `/v1`.
        key_env, key_file: the environment variable, or the file, that has its key; the file is watched for another one.
        models: public model name → the upstream's own name; `"*"` → `"*"` takes every name as it is.
        weight: its share of a name's requests among those that serve that name; 0 when no other can be asked.
        completions: how it gets the prompts of /v1/completions: `chat` as a user's message, which every service can
            answer; `native` as they are, at its own `/completions`, as a base model needs it (`openai` alone).
        max_tokens: for `anthropic`, which must be told one: the tokens of an answer where the caller sets no limit.
        party: in whose hands it is (Article 11); `auto` takes one on this machine or a private network for the
            provider's own. Personal data are masked before they go to a third party.
        purpose, contract: why, and on what terms, a third party gets what is asked (Article 11).
    """

    name: str
    url: str
    key_env: str = ""
    models: dict[str, str] = msgspec.field(default_factory=lambda: {"*": "*"})
    weight: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 1
    kind: UpstreamKind = "openai"
    completions: Prompts = "chat"
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 4096
    party: Party = "auto"
    purpose: str = ""
    contract: str = ""
    key_file: str = ""

    def __post_init__(self) -> None:
        if self.completions == "native" and self.kind != "openai":
            raise ValueError('completions = "native" goes with kind = "openai" alone')


GuardKind = Literal["encoder", "qwen3guard", "llama_guard", "openai", "alibaba", "tencent"]
"""The protocol of a guard model."""


class Guard(_Section, frozen=True):
    """A guard model that is asked over the wire, beside what is looked at here (Articles 4, 15; robustness §6).

    Attributes:
        id: its name in evidence and metrics.
        kind: the protocol that it speaks.
        url: its base address; for protocols of OpenAI's up to and with `/v1`.
        model: the name under which it is served; for Tencent Cloud the policy (BizType), for Alibaba Cloud a service
            code that replaces the two usual ones.
        region: Tencent Cloud's region.
        access_env, key_env: names of the environment variables that hold the id and the secret of its key; `key_env`
            alone where a key has no id.
        key_file: a file that holds them instead, a line for each.
        side: whether it is asked about requests, replies, or both.
        reach: how much of a reply it is asked about at once.
        timeout_ms: milliseconds within which it must answer about all that it is asked at once.
        on_failure: whether the service stops when it does not answer, or goes on for a while without it.
        characters: most that it is asked about at once; more counts as not looked at.
        severity: its own label → how far a finding of it may go, instead of labels.toml.
        party: in whose hands it is; `auto` takes one on this machine or a private network for the provider's own. Texts
            for a third party are masked.
        purpose, contract: why, and on what terms, a third party gets the texts (Article 11).
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")]
    kind: GuardKind
    url: str
    model: str = ""
    region: str = ""
    access_env: str = ""
    key_env: str = ""
    key_file: str = ""
    side: Literal["request", "reply", "both"] = "both"
    reach: Literal["sentence", "whole"] = "sentence"
    timeout_ms: Annotated[int, msgspec.Meta(ge=50, le=60_000)] = 2000
    on_failure: Literal["closed", "degrade"] = "degrade"
    characters: Annotated[int, msgspec.Meta(ge=1000)] = 100_000
    severity: dict[str, Literal["block", "signal", "off"]] = msgspec.field(default_factory=dict)
    party: Party = "auto"
    purpose: str = ""
    contract: str = ""


class Issuer(_Section, frozen=True):
    """Somebody whose signed assertions of real identity are believed (Article 9).

    Attributes:
        kind: `jwt` (RFC 7519, with OpenID's `verified_claims` where there are any), or `header` for an application of
            the provider's own that signs a line of text with a shared secret.
        issuer, audience: must equal `iss` and be in `aud`.
        jwks_file, jwks_url, secret_env: where the verifying key comes from; exactly one is set, for `header` the last.
        levels: the assertion's method or trust framework → our level.
        ages: the issuer's words for bands of age → ours, beside ours.
        accounts: names of the accounts with whose keys its assertions may come; none for all.
        longest_s: seconds for which an assertion may hold at most.
        reverify_days: days after which a verification must be made again; 0 for never.
        replay: whether an assertion may come `again` and again while it holds, or `once`.
    """

    issuer: str
    audience: str
    kind: Literal["jwt", "header"] = "jwt"
    jwks_file: str = ""
    jwks_url: str = ""
    secret_env: str = ""
    levels: dict[str, IdentityLevel] = msgspec.field(default_factory=dict)
    ages: dict[str, AgeBand] = msgspec.field(default_factory=dict)
    accounts: tuple[str, ...] = ()
    longest_s: Annotated[int, msgspec.Meta(ge=1)] = 86_400
    reverify_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    replay: Literal["again", "once"] = "again"


class Witness(_Section, frozen=True):
    """Where signed checkpoints go besides the ledger (DESIGN §7): a file elsewhere, syslog, HTTPS, an hourly mail."""

    kind: Literal["file", "syslog", "https", "mail"]
    path: str = ""
    address: str = ""
    url: str = ""


class EvidenceSettings(_Section, frozen=True):
    """Place and times of the ledger. Units: seconds and days.

    Attributes:
        ledger: `file` (a file a writer, under DATA/ledger) or `store` (a chain a writer in PostgreSQL).
    """

    ledger: Literal["file", "store"] = "file"
    checkpoint_every_s: float = 60.0
    queue_max: int = 1000
    queue_wait_s: float = 5.0
    retention_days: int = 183
    witness: tuple[Witness, ...] = ()


class Limits(_Section, frozen=True):
    """Defaults of robustness §5. Sizes in bytes, times in seconds, rates a minute."""

    header_bytes: int = 16_384
    header_fields: int = 64
    header_s: float = 10.0
    body_bytes: int = 4 * 1024 * 1024
    upload_bytes: int = 20 * 1024 * 1024
    body_s: float = 60.0
    json_depth: int = 32
    json_values: int = 16_384
    messages: int = 2048
    characters: int = 1_000_000
    choices: int = 8
    pictures: int = 8
    jobs: int = 1000
    job_hours: Annotated[int, msgspec.Meta(ge=1, le=720)] = 24
    film_bytes: int = 256 * 1024 * 1024
    connections: int = 1000
    connections_per_address: int = 50
    requests_per_minute: int = 600
    streams_per_key: int = 32
    tokens_per_day: int = 0
    upstream_connect_s: float = 5.0
    upstream_first_byte_s: float = 60.0
    upstream_between_s: float = 30.0
    upstream_whole_s: float = 600.0
    upstream_line_bytes: int = 1024 * 1024
    upstream_body_bytes: int = 32 * 1024 * 1024
    circuit_failures: int = 5
    circuit_window_s: float = 10.0
    circuit_open_s: float = 10.0
    write_stall_s: float = 30.0


class Verify(_Section, frozen=True):
    """The public page at which anybody may have a file's label verified (Article 16). It keeps nothing.

    Attributes:
        page: whether it is there.
        file_bytes: of a file, at most.
        upload_s: seconds for a file to arrive.
        files_per_minute: from one address; 0 for no limit. Behind a proxy, one address for everybody, it sees to it.
        uploads: files that may be under way at once; a process takes no more.
        readers: children that read them, 512 MiB at most each.
        authorities: file of the authorities whose content credentials are trusted, here and by `guiju label verify`.
        keys: file of the public keys whose labels are trusted; the provider's own is trusted anyway.
    """

    page: bool = True
    file_bytes: Annotated[int, msgspec.Meta(ge=1 << 20, le=1 << 30)] = 50 << 20
    upload_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 300.0
    files_per_minute: Annotated[int, msgspec.Meta(ge=0)] = 20
    uploads: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 8
    readers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    authorities: str = ""
    keys: str = ""


class Complain(_Section, frozen=True):
    """The public pages at which anybody complains, appeals, and sees how it stands (Articles 13, 15, 18).

    Attributes:
        page: whether they are there.
        per_address: what is sent from one address within an hour, at most; 0 for no limit. Behind a proxy, which is one
            address for everybody, the proxy has to see to it.
        per_contact: what is sent with one e-mail address or telephone number within an hour, at most; 0 for no limit.
        apart: complaints within an hour, without the id of a decision, that stand in the queue each on its own; what
            comes beyond is grouped by what it is about. None is refused over it.
        files: with one complaint, or at one time, at most.
        file_bytes: of a file, at most.
        hour_bytes: of files, that are kept within an hour; a tenth of it from one address. What comes beyond is not
            kept, and can be added later; the complaint itself is taken.
        upload_s: seconds for a form and its files to arrive.
        uploads: forms that may be under way at once; a process takes no more.
    """

    page: bool = True
    per_address: Annotated[int, msgspec.Meta(ge=0)] = 20
    per_contact: Annotated[int, msgspec.Meta(ge=0)] = 5
    apart: Annotated[int, msgspec.Meta(ge=1)] = 12
    files: Annotated[int, msgspec.Meta(ge=0, le=20)] = 3
    file_bytes: Annotated[int, msgspec.Meta(ge=1 << 16, le=100 << 20)] = 10 << 20
    hour_bytes: Annotated[int, msgspec.Meta(ge=0)] = 1 << 30
    upload_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 300.0
    uploads: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 16


class Gateway(_Section, frozen=True):
    """How the gateway answers.

    Attributes:
        reach: the largest reach of output controls in force.
        label: where the text label goes (DESIGN §4).
        identity: the least identity level of a key that sets none of its own.
        identity_doors: short name of a door, such as `images` → the least level there.
        fields: request field → `forward`, `drop` or `refuse`, beside the built-in table.
        guards: whether guard models are asked about a request before the model is, or beside it.
        faces: whether every picture counts as one with a face, or is looked at (guiju[faces]).
        uploads: whose model services may get pictures and sound, in which personal data can't be found (Article 11).
        label_sound: where speech gets a label that is heard (GB 45438-2025, 5.3): `as_text` where the text label goes.
        label_picture: whether pictures show the words (5.2): always, or where the text label goes.
        label_film: how long films show the words (5.4). `envelope`, here and for sound, leaves it to the app's player.
        label_recording: a WAV file with the words spoken, 30 seconds at most, instead of the rhythm.
        watermark: whether pictures that are made get an invisible watermark besides (Labelling Measures, 5).
        credentials: whether files that are made are signed with content credentials (C2PA): `auto` where the provider
            has a certificate; `on` in development with a throwaway one, too.
        texts: a file of the form of controls/guidance.toml, shown before the first use instead of the shipped text.
        first_use: whether a person is told of texts that they have not accepted, or waited for (Articles 10, 18).
    """

    reach: Reach = "sentence"
    label: Literal["envelope", "start", "end", "both"] = "envelope"
    identity: IdentityLevel = "none"
    identity_doors: dict[str, IdentityLevel] = msgspec.field(default_factory=dict)
    fields: dict[str, Literal["forward", "drop", "refuse"]] = msgspec.field(default_factory=dict)
    guards: Literal["before", "beside"] = "before"
    faces: Literal["assume", "detect"] = "assume"
    uploads: Literal["own", "any"] = "own"
    label_sound: Literal["as_text", "envelope", "start", "end", "both"] = "as_text"
    label_picture: Literal["words", "as_text"] = "words"
    label_film: Literal["opening", "throughout", "envelope"] = "opening"
    label_recording: str = ""
    watermark: bool = False
    credentials: Literal["auto", "on", "off"] = "auto"
    texts: str = ""
    first_use: Literal["tell", "wait"] = "tell"


class Detect(_Section, frozen=True):
    """What is looked for beside the operator's own word lists.

    Attributes:
        packs: shipped packs of terms, by name; `all` is every one.
        without: ids of entries of these packs that are left out.
    """

    packs: tuple[str, ...] = ("all",)
    without: tuple[str, ...] = ()


class Rest(_Section, frozen=True):
    """How long people use the service before they are reminded or should rest (Article 10). Minutes; 0 for never.

    Attributes:
        gap_minutes: a pause that ends a sitting.
        remind_minutes: from one reminder to the next.
        stop_minutes, break_minutes: length of a sitting at which a break begins, and of the break.
        day_minutes: a day.
        minors_under16_minutes, minors_16to17_minutes: a day, by band of age.
        minors_remind_minutes: from one reminder to the next.
        night_from, night_until: hours (UTC+8) between which minors are not served; equal for none.
    """

    gap_minutes: Annotated[int, msgspec.Meta(ge=1, le=240)] = 15
    remind_minutes: Annotated[int, msgspec.Meta(ge=0)] = 120
    stop_minutes: Annotated[int, msgspec.Meta(ge=0)] = 0
    break_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 15
    day_minutes: Annotated[int, msgspec.Meta(ge=0)] = 0
    minors_under16_minutes: Annotated[int, msgspec.Meta(ge=0)] = 60
    minors_16to17_minutes: Annotated[int, msgspec.Meta(ge=0)] = 120
    minors_remind_minutes: Annotated[int, msgspec.Meta(ge=0)] = 30
    night_from: Annotated[int, msgspec.Meta(ge=0, le=23)] = 22
    night_until: Annotated[int, msgspec.Meta(ge=0, le=23)] = 6


class Standing(_Section, frozen=True):
    """What follows from misuse (Article 19).

    Attributes:
        ladder: a file of the form of controls/standing.toml that takes its place; the shipped one where it is empty.
    """

    ladder: str = ""


class People(_Section, frozen=True):
    """Who may do what needs two persons (DESIGN §5).

    Attributes:
        mode: `single`: one person may, after a delay, and it is marked; `two`: at the desk only two may.
        delay_h: hours that a change which weakens waits, and in `single` what needs two.
    """

    mode: Literal["single", "two"] = "single"
    delay_h: float = 24.0


class Settings(_Section, frozen=True):
    """The whole of guiju.toml."""

    profile: Literal["interim-2023", "draft-2023", "companion-2026"] = "interim-2023"
    mode: Literal["development", "production"] = "development"
    language: Literal["zh", "en"] = "zh"
    route: Literal["own_model", "filed_model"] = "own_model"
    provider: Provider = Provider()
    serve: Serve = Serve()
    store: Store = Store()
    gateway: Gateway = Gateway()
    detect: Detect = Detect()
    rest: Rest = Rest()
    standing: Standing = Standing()
    regeneration: Regeneration = Regeneration()
    evaluation: Evaluation = Evaluation()
    people: People = People()
    evidence: EvidenceSettings = EvidenceSettings()
    limits: Limits = Limits()
    verify: Verify = Verify()
    complain: Complain = Complain()
    console: ConsoleSettings = ConsoleSettings()
    mail: MailSettings = MailSettings()
    public: PublicSettings = PublicSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    upstream: tuple[Upstream, ...] = ()
    issuer: tuple[Issuer, ...] = ()
    guard: tuple[Guard, ...] = ()

    def redress(self, decision: str = "") -> str:
        """Where a decision may be contested; `""` where the provider has named no place and nobody else can know one.

        Args:
            decision: its id; `""` where it is about none in particular.
        """
        if self.provider.redress_url:
            return self.provider.redress_url.replace("{decision}", decision)
        serve = self.serve
        if not self.complain.page or serve.behind_proxy or serve.host not in LOOPBACK:
            return ""
        host = f"[{serve.host}]:{serve.port}" if ":" in serve.host else f"{serve.host}:{serve.port}"
        place = f"{'https' if serve.tls_cert else 'http'}://{host}{serve.base_path}"
        return f"{place}/appeal/{decision}" if decision else f"{place}/complain/blocked"


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read settings from a TOML file, overlaid by the environment.

    Args:
        path: the file; none means defaults.
        environ: where `GUIJU_SECTION__NAME` and `GUIJU_SECTION__NAME_FILE` are looked up.

    Raises:
        ConfigError: see `parse`; or the file is missing, or is not TOML.
    """
    raw: dict[str, Any] = {}
    if path is not None:
        try:
            raw = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise ConfigError("config_invalid", what=failed(path, error), hint="guiju init") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError("config_invalid", what=f"{path}: {error}", hint="guiju init --help") from error
    for section, key, value in overlaid(environ):
        raw.setdefault(section, {})[key] = value
    return parse(raw)


def parse(raw: Mapping[str, Any]) -> Settings:
    """Turn a decoded mapping into settings.

    Raises:
        ConfigError: a name or value that settings do not know; the message names its place.
    """
    try:
        return msgspec.convert(raw, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError("config_invalid", what=str(error), hint=Page("reference/config.md")) from error
