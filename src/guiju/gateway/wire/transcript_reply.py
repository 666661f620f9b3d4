# SPDX-License-Identifier: Apache-2.0
"""What a model service heard: read into pieces like any answer, and written in the five forms that callers ask for.

The text, the segments put together and the words put together are three texts, each looked at as a whole. What stands
around them is numbers alone; what else the service sends is dropped and named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from guiju.adapters import refusals
from guiju.errors import OutsideError
from guiju.gateway.wire.chat_reply import Delta, Piece, Usage, decoded, wrong
from guiju.gateway.wire.protocol import Call, Said, Silent
from guiju.gateway.wire.strict import left_behind, shown

Format = Literal["json", "text", "verbose_json", "srt", "vtt"]
MOST: Final = 100_000
"""Segments or words of one answer, at most."""
_CODE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{2,4})?")
_WRITTEN: Final = (
    "afrikaans albanian amharic arabic armenian assamese azerbaijani bashkir basque belarusian bengali bosnian "
    "breton bulgarian burmese cantonese catalan chinese croatian czech danish dutch english estonian faroese "
    "finnish french galician georgian german greek gujarati hausa hawaiian hebrew hindi hungarian icelandic "
    "indonesian italian japanese javanese kannada kazakh khmer korean lao latin latvian lingala lithuanian "
    "luxembourgish macedonian malagasy malay malayalam maltese maori marathi mongolian myanmar nepali norwegian "
    "nynorsk occitan pashto persian polish portuguese punjabi romanian russian sanskrit serbian shona sindhi "
    "sinhala slovak slovenian somali spanish sundanese swahili swedish tagalog tajik tamil tatar telugu thai "
    "tibetan turkish turkmen ukrainian urdu uzbek vietnamese welsh yiddish yoruba"
)
LANGUAGES: Final = frozenset(_WRITTEN.split(" "))
"""Names of languages that services write out; another word in that place is left behind, since nobody looks at it."""
_BETWEEN: Final = " \u200b"
"""Between segments, and between words: a space to whoever looks at them, and found again afterwards."""
_KNOWN: Final = frozenset({"text", "segments", "words", "language", "duration", "usage", "task"})
_encode = msgspec.json.encode


class Segment(msgspec.Struct):
    """One stretch of what was heard. Its tokens are left behind: they spell the text a second time."""

    start: float
    end: float
    text: str
    id: int = 0
    seek: int = 0
    temperature: float = 0.0
    avg_logprob: float = 0.0
    compression_ratio: float = 0.0
    no_speech_prob: float = 0.0


class Word(msgspec.Struct):
    """One word."""

    word: str
    start: float
    end: float


_SEGMENT: Final = frozenset({*Segment.__struct_fields__, "tokens"})
_WORD: Final = frozenset(Word.__struct_fields__)


class Frame(msgspec.Struct):
    """What stands around the text.

    Attributes:
        form: how the caller wants it.
        seconds: of sound that were counted; 0 where tokens were, or nothing was told.
    """

    form: Format
    language: str = ""
    duration: float = 0.0
    seconds: float = 0.0
    segments: list[Segment] = []
    words: list[Word] = []

    def rejoined(self, texts: Mapping[str, str]) -> Frame:
        """The same with the texts that were released; a list that does not fit them any more is left out."""
        segments = texts.get("segments", "").split(_BETWEEN)
        words = texts.get("words", "").split(_BETWEEN)
        return msgspec.structs.replace(
            self,
            segments=[
                msgspec.structs.replace(one, text=text) for one, text in zip(self.segments, segments, strict=False)
            ]
            if len(segments) == len(self.segments)
            else [],
            words=[msgspec.structs.replace(one, word=text) for one, text in zip(self.words, words, strict=False)]
            if len(words) == len(self.words)
            else [],
        )


class _Answer(msgspec.Struct):
    text: str
    language: str = ""
    duration: float | str = 0.0
    segments: list[Segment] | None = None
    words: list[Word] | None = None


class _Usage(msgspec.Struct):
    type: str = "tokens"
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    seconds: float = 0.0


class TranscriptAnswer:
    """Reads one answer; see `services.Answer`.

    Args:
        frame: what takes in the numbers around the text.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._spoke = False

    def whole(self, body: bytes) -> Delta:
        """What a reply that was not streamed brought."""
        raw, made = decoded(body), Delta(dropped=set())
        if self._refused(raw, made):
            return made
        made.dropped = left_behind(raw, _KNOWN)
        for name, fields in (("segments", _SEGMENT), ("words", _WORD)):
            made.dropped |= left_behind(raw.get(name), fields)
        self._counted(raw.pop("usage", None), made)
        try:
            heard = msgspec.convert(raw, _Answer)
            self._frame.duration = float(heard.duration)
        except (msgspec.ValidationError, ValueError):
            wrong("what it sent is no transcript")
        segments, words = heard.segments or [], heard.words or []
        if max(len(segments), len(words)) > MOST:
            wrong("too many segments")
        known = _CODE.fullmatch(heard.language) or heard.language.casefold() in LANGUAGES
        self._frame.language = heard.language if known else ""
        self._frame.segments, self._frame.words = segments, words
        made.pieces = [Piece(0, "content", heard.text)]
        if segments:
            made.pieces.append(Piece(0, "segments", _joined([one.text for one in segments])))
        if words:
            made.pieces.append(Piece(0, "words", _joined([one.word for one in words])))
        made.finishes = [(0, "stop")]
        return made

    def events(self, came: Sequence[bytes]) -> Delta:
        """What events that came together brought."""
        made = Delta(pieces=[], finishes=[], dropped=set())
        for number, data in enumerate(came):
            try:
                self._event(decoded(data), made)
            except OutsideError as error:
                if not number:
                    raise
                made.broken = error
                break
        return made

    def _event(self, raw: dict[str, Any], made: Delta) -> None:
        if self._refused(raw, made):
            return
        kind = raw.get("type")
        if kind == "transcript.text.delta":
            made.pieces.append(Piece(0, "content", _string(raw.get("delta"))))
            self._spoke = True
        elif kind == "transcript.text.done":
            if not self._spoke:  # else it says again what it has said, and what was released is told
                made.pieces.append(Piece(0, "content", _string(raw.get("text"))))
            self._counted(raw.get("usage"), made)
            made.finishes.append((0, "stop"))
        else:
            made.dropped.add(shown(str(kind)))

    def _refused(self, raw: dict[str, Any], made: Delta) -> bool:
        if raw.get("error"):
            made.refused = refusals.read(raw, "output") or wrong("it reported an error")
        return made.refused is not None

    def _counted(self, usage: Any, made: Delta) -> None:
        """Take what the service says that it used."""
        if not usage:
            return
        try:
            told = msgspec.convert(usage, _Usage)
        except msgspec.ValidationError:
            made.dropped.add("usage")
            return
        if told.type == "duration":
            self._frame.seconds = told.seconds
        else:
            made.usage = Usage(told.input_tokens, told.output_tokens, told.total_tokens)


def _joined(texts: Sequence[str]) -> str:
    """Texts that are told one after the other, as the one text that they are."""
    return _BETWEEN.join(" ".join(text.replace("\u200b", "").split()) for text in texts)


def _string(value: Any) -> str:
    return value if isinstance(value, str) else wrong("a delta is not text")


class TranscriptWriter(Silent):
    """Writes one exchange's answer; see `Writer`. A stop is an error here: a transcript has no place for a refusal.

    Args:
        frame: what stands around the text.
        aigc: the label's envelope (Article 16).
    """

    def __init__(self, frame: Frame, aigc: dict[str, str]) -> None:
        self._frame = frame
        self._aigc = aigc
        self._released: list[str] = []

    def start(self, mark: str) -> bytes:
        """Nothing: the label stands in the header and in the last event."""
        return b""

    def piece(self, piece: Piece) -> bytes:
        """One event with one released piece of the text."""
        if piece.field != "content":
            return b""
        self._released.append(piece.text)
        return _event("transcript.text.delta", delta=piece.text)

    def call(self, call: Call) -> bytes:
        """The protocol knows no calls."""
        return b""

    def end(self, finishes: Iterable[tuple[int, str]], usage: Usage | None) -> bytes:
        """The last event."""
        return _event("transcript.text.done", text="".join(self._released), **self._beside(usage, None)) + _DONE

    def stopped(self, sentence: str, usage: Usage | None, guiju: dict[str, Any]) -> bytes:
        """A stop as an error event; the run asks for `broken` in its place."""
        return self.broken(_encode({"error": {"message": sentence, "code": "content_filter", "guiju": guiju}}))

    def broken(self, body: bytes) -> bytes:
        """An error in the middle of a stream."""
        return b"data: " + body + b"\n\n" + _DONE

    def whole(self, said: Sequence[Said], usage: Usage | None, guiju: dict[str, Any] | None) -> bytes:
        """A reply that was not streamed, in the form that was asked for."""
        texts = said[0].texts
        frame, text = self._frame.rejoined(texts), texts.get("content", "")
        if frame.form == "text":
            return text.encode() + b"\n"
        if frame.form in ("srt", "vtt"):
            return _subtitles(frame, text).encode()
        made: dict[str, Any] = {"text": text, **self._beside(usage, guiju)}
        if frame.form == "verbose_json":
            made |= {"task": "transcribe", "language": frame.language, "duration": frame.duration}
            made["segments"] = [{**msgspec.structs.asdict(one), "tokens": []} for one in frame.segments]
            if frame.words:
                made["words"] = frame.words
        return _encode(made)

    def _beside(self, usage: Usage | None, guiju: dict[str, Any] | None) -> dict[str, Any]:
        """What stands beside the text: the label, what was used, what the reader is to be told."""
        made: dict[str, Any] = {"aigc": self._aigc}
        if usage:
            made["usage"] = {
                "type": "tokens",
                "input_tokens": usage.prompt_tokens,
                "output_tokens": usage.completion_tokens,
                "total_tokens": usage.total_tokens,
            }
        elif self._frame.seconds:
            made["usage"] = {"type": "duration", "seconds": self._frame.seconds}
        if (ours := self._ours(guiju)) is not None:
            made["guiju"] = ours
        return made


_DONE: Final = b"data: [DONE]\n\n"


def _event(kind: str, **fields: Any) -> bytes:
    return b"data: " + _encode({"type": kind, **fields}) + b"\n\n"


def _subtitles(frame: Frame, text: str) -> str:
    """Subtitles; the whole text as one where the service gave no times."""
    segments = frame.segments or [Segment(0.0, frame.duration, " ".join(text.split()))]
    comma = "," if frame.form == "srt" else "."
    made = [] if frame.form == "srt" else ["WEBVTT\n"]
    for number, one in enumerate(segments, 1):
        head = f"{number}\n" if frame.form == "srt" else ""
        said = one.text.strip().replace("-->", "→")
        made.append(f"{head}{_clock(one.start, comma)} --> {_clock(one.end, comma)}\n{said}\n")
    return "\n".join(made) + "\n"


def _clock(seconds: float, comma: str) -> str:
    """A time as subtitles have it."""
    thousandths = round(min(max(seconds, 0.0), 359_999.999) * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{comma}{rest % 1000:03}"
