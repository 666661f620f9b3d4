# SPDX-License-Identifier: Apache-2.0
"""Doors of OpenAI's API that stay closed, and why: what can't be looked at before it is answered is not opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from guiju.errors import Bilingual, Page

PAGE: Final = Page("reference/gateway.md")
"""Which doors are open, and why others are not."""

_STORED: Final = Bilingual(
    "内容会先存于模型服务，日后使用时不再经过检查。",
    "Content would be stored at the model service and be used later, where nobody looks at it.",
)
_THERE: Final = Bilingual(
    "对话存于模型服务，请求中没有全部内容，无从检查。",
    "The conversation would lie at the model service; what is asked is not all here, so it can't be looked at.",
)
_MEDIA: Final = Bilingual(
    "图片、声音的其他入口：由此生成的内容在此无从查看。",
    "Other doors of pictures and sound: what they make of these is not looked at here.",
)
_FILM: Final = Bilingual(
    "他人上传的视频在此无从查看，其中的人物也无从取得同意（第四条第五项）。",
    "Films that are sent are not looked at here, nor is it known whether the persons in them agreed (Article 4.5).",
)
_TRAINING: Final = Bilingual(
    "训练另有义务（第七条），不经此处进行。", "Training has duties of its own (Article 7); it does not go through here."
)
_ACCOUNT: Final = Bilingual(
    "这是模型服务的账户管理，不是对外服务。",
    "It administers the account at the model service; it is no service to the public.",
)
_OTHER: Final = Bilingual("", "")

CLOSED: Final[Mapping[str, Bilingual]] = {
    "/v1/realtime": Bilingual(
        "语音双向直通，说出之前没有可供检查的文字。",
        "Speech goes both ways at once; there is no text to look at before it is heard.",
    ),
    "/v1/files": _STORED,
    "/v1/uploads": _STORED,
    "/v1/vector_stores": _STORED,
    "/v1/batches": Bilingual(
        "应答日后以文件取回，取回时没有经过检查和标识。",
        "Answers are fetched later as files that nobody has looked at or labelled.",
    ),
    "/v1/assistants": _THERE,
    "/v1/threads": _THERE,
    "/v1/conversations": _THERE,
    "/v1/images": _MEDIA,
    "/v1/audio": _MEDIA,
    "/v1/videos/characters": _FILM,
    "/v1/videos/edits": _FILM,
    "/v1/videos/extensions": _FILM,
    "/v1/fine_tuning": _TRAINING,
    "/v1/fine-tunes": _TRAINING,
    "/v1/evals": _ACCOUNT,
    "/v1/containers": _ACCOUNT,
    "/v1/organization": _ACCOUNT,
}


def why(path: str) -> Bilingual:
    """Why a path is closed, as the next sentence of the error; empty for one that is none of OpenAI's."""
    parts = path.split("/", 4)
    reason = CLOSED.get("/".join(parts[:3])) or CLOSED.get("/".join(parts[:4]))
    return Bilingual(reason.zh, f" {reason.en}") if reason else _OTHER
