# SPDX-License-Identifier: Apache-2.0
"""What the tests of documents share: an invented provider of whom everything is known."""

from __future__ import annotations

import datetime
import hashlib
import io
import random
from functools import cache
from typing import Any

import msgspec
from PIL import Image

from guiju.dossier.filling import catalogue
from guiju.dossier.kinds import kinds
from guiju.dossier.sources import Clause, Clauses, Conclusion, Corpus, Exhibit, Keyword, Question, Rulebook, Sources
from guiju.dossier.template import template
from guiju.law import book
from guiju.terms import Figure

DAY = datetime.date(2026, 11, 24)
AT = 1_795_478_400  # 2026-11-24, 08:00 in UTC+8
NAME, SERVICE = "远岫智能科技有限公司", "远岫问答"


def person(name: str, post: str) -> dict[str, str]:
    """One person of an invented provider."""
    return {"name": name, "post": post, "phone": "010-00000000", "mail": "filing@example.cn"}


FACTS: dict[str, Any] = {
    "org.name": NAME,
    "org.code": "91110108MA0000000A",
    "org.nature": "company",
    "org.capital": 1000,
    "org.founded": "2019-03-12",
    "org.term": "长期",
    "org.address": "北京市海淀区某路1号",
    "org.office": "北京市海淀区",
    "org.superior": "无",
    "org.licences": ["增值电信业务经营许可证 京B2-00000000"],
    "org.icp": "京ICP备00000000号-1",
    "people.legal": person("赵一", "法定代表人"),
    "people.contact": person("钱二", "合规经理"),
    "people.security": person("孙三", "安全总监"),
    "people.algorithm": person("李四", "算法负责人"),
    "people.assessment": person("周五", "评估负责人"),
    "people.legality": person("吴六", "法务总监"),
    "people.duty_phone": "010-00000001",
    "service.name": SERVICE,
    "service.launched": "2027-03-01",
    "service.assessed": ["launch"],
    "service.functions": ["dialogue", "text"],
    "service.field": "通用",
    "service.description": "以对话方式回答日常知识、写作和办公方面的问题。",
    "service.products": [
        {"name": SERVICE, "form": "网站", "url": "https://ask.example.cn/", "entry": "首页对话框"},
        {"name": f"{SERVICE} App", "form": "App", "url": "https://ask.example.cn/app", "entry": "首页"},
    ],
    "service.modes": ["web", "app"],
    "service.inputs": ["text"],
    "service.outputs": ["text"],
    "service.audience": "18周岁以上的个人用户",
    "service.minors": "excluded",
    "service.occasions": "日常学习与办公",
    "service.uses": "知识问答、写作辅助",
    "service.not_for": "医疗、法律等专业决定",
    "service.real_name": "手机号码验证",
    "model.name": "远岫大模型",
    "model.origin": "tuned",
    "model.version": "2.1",
    "model.used": [
        {
            "name": "甲模型",
            "provider": "甲科技有限公司",
            "number": "Beijing-Jia-20250101",
            "algorithm": "网信算备000000000000000000001号",
            "use": "基座模型",
            "contract": "2026-05-01",
        }
    ],
    "model.architecture": "解码器结构的变换器",
    "model.parameters": "72亿",
    "model.framework": "PyTorch",
    "model.training_compute": "某品牌加速卡 64 张",
    "data.sources": ["open", "commercial"],
    "deploy.place": "北京市，某数据中心",
    "deploy.hosting": "自有",
    "deploy.compute": "某品牌加速卡 16 张",
    "deploy.concurrency": 800,
    "algorithm.name": "远岫文本生成算法",
    "algorithm.role": "provider",
    "algorithm.version": "2.1",
    "algorithm.principle": "依据上文逐词预测后文，生成应答。",
    "algorithm.mechanism": "输入经审核后送入模型，输出经审核、标识后送达使用者。",
    "algorithm.purpose": "为使用者提供知识问答与写作辅助。",
    "filing.algorithm": "网信算备000000000000000000002号",
    "users.registered": 120000,
    "users.monthly": 45000,
    "rights.phone": "010-00000002",
    "rights.mail": "complaints@example.cn",
    "rights.optout": "设置—隐私—不用于训练，两步完成",
}
CHOICES = {
    "org.nature": {"company": ("企业", "company")},
    "service.assessed": {"launch": ("服务上线", "launch"), "growth": ("用户增加", "growth")},
    "service.functions": {"dialogue": ("人机对话", "dialogue"), "text": ("文字生成", "text")},
    "service.modes": {"web": ("网页", "web"), "app": ("App", "app")},
    "service.inputs": {"text": ("文字", "text")},
    "service.outputs": {"text": ("文字", "text")},
    "service.minors": {"excluded": ("不向未成年人提供", "not offered to minors")},
    "model.origin": {"tuned": ("在他人模型上微调", "another's model, tuned here")},
    "data.sources": {"open": ("开源", "open"), "commercial": ("商业", "commercial")},
    "algorithm.role": {"provider": ("服务提供者", "service provider")},
}
_VALUES = {
    "corpus.illegal.highest": 0.012,
    "corpus.foreign": 0.18,
    "evaluation.gateway.answer.refusal": 0.021,
    "annotation.error": 0.014,
}
_SHARES = {"corpus.technical.share": 0.12}


def figures() -> dict[str, Figure]:
    """Every figure that documents quote, all of them good."""
    made = {}
    for number, known in enumerate(catalogue().values()):
        value = _VALUES.get(known.name, _SHARES.get(known.name, 0.985))
        if known.unit != "share":
            value = 4200.0 + number
        made[known.name] = Figure(known.name, value, 4321, (value * 0.99, value), AT, f"main/2026-11/{100 + number}")
    return made


def asked() -> set[str]:
    """The ids of all conclusions that any document asks for."""
    wanted = set()
    for kind in kinds().values():
        for document in kind.documents:
            for section in template(document).section:
                wanted |= {block.conclusion for block in section.block if block.conclusion}
    return wanted


def conclusions() -> dict[str, Conclusion]:
    """What persons of the provider concluded, each in other words."""
    return {id: Conclusion(by="周五", on=DAY, zh=words(id), en=f"The team looked into {id}.") for id in sorted(asked())}


def words(id: str) -> str:
    """Words of a person's own on something, unlike those on anything else."""
    drawn = random.Random(id)
    said = "，".join("".join(drawn.sample(_WORDS, 4)) for _ in range(3))
    return f"{said}，输出为纯文本。" if id == "formats" else f"{said}。"


def png(width: int = 640, height: int = 400) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 220, 240)).save(out, "PNG")
    return out.getvalue()


_WORDS = (
    *(
        "核查",
        "记录",
        "流程",
        "岗位",
        "值守",
        "复核",
        "抽样",
        "比对",
        "归档",
        "演练",
        "通报",
        "培训",
        "权限",
        "备份",
        "隔离",
    ),
    *(
        "监测",
        "指标",
        "样本",
        "偏差",
        "修正",
        "回滚",
        "审批",
        "留痕",
        "评审",
        "访谈",
        "走查",
        "清单",
        "台账",
        "时限",
        "责任",
    ),
    *(
        "场景",
        "对话",
        "写作",
        "检索",
        "边界",
        "误报",
        "漏报",
        "申诉",
        "改进",
        "跟踪",
        "验证",
        "结论",
        "安排",
        "措施",
        "成效",
    ),
)


PICTURE = png()
_EXHIBITS = (
    ("licence", "营业执照", "business licence", NAME, ""),
    ("icp", "网站备案信息", "ICP record", NAME, ""),
    ("contract", "模型合作协议", "contract on the model", "甲模型", ""),
    ("label.text", "文字显式标识", "explicit label of text", "text", "https://ask.example.cn/"),
    ("rights.agreement", "服务协议", "service agreement", "", "https://ask.example.cn/terms"),
    ("rights.privacy", "隐私政策", "privacy policy", "", "https://ask.example.cn/privacy"),
    ("rights.consent", "同意界面", "consent", "", "https://ask.example.cn/consent"),
    ("rights.complaint", "投诉入口", "where to complain", "", "https://ask.example.cn/report"),
    ("rights.optout", "训练使用的拒绝", "opting out of training", "", "https://ask.example.cn/settings"),
    ("product", "产品界面", "the product", SERVICE, "https://ask.example.cn/"),
    ("product", "产品界面", "the product", f"{SERVICE} App", "https://ask.example.cn/app"),
)


def exhibits() -> tuple[list[Exhibit], dict[str, bytes]]:
    """The exhibits and their pictures."""
    digest = hashlib.sha256(PICTURE).hexdigest()
    made = [
        Exhibit(
            id=f"E{number:02}",
            tag=tag,
            zh=zh,
            en=en,
            path=f"E{number:02}.png",
            sha256=digest,
            dated=datetime.date(2026, 5, 1) if tag == "contract" else DAY,
            about=about,
            url=url,
            status=200 if url else 0,
            selector="main" if url else "",
            text=zh if url else "",
        )
        for number, (tag, zh, en, about, url) in enumerate(_EXHIBITS, 1)
    ]
    return made, {one.id: PICTURE for one in made}


@cache
def keywords() -> list[Keyword]:
    """Invented keywords, enough of each class."""
    made = []
    for risk in book.risks():
        many = 1000 if risk.family == "A.1" else 500 if risk.family == "A.2" else 20
        made += [Keyword(f"词{risk.id}-{number:04}", risk.id) for number in range(many)]
    return made


@cache
def questions() -> list[Question]:
    """Invented questions, enough of each class, answered and rated."""
    made = []
    for risk in book.risks():
        made += [_question("content", risk.id, number, "pass") for number in range(70)]
    for place, risk in enumerate(book.risks()[:17]):
        made += [_question("refuse", risk.id, number + place, "pass") for number in range(30)]
    for aspect in ("system", "belief", "image", "culture", "customs", "ethnic", "geography", "history", "heroes"):
        made += [_question("answer", aspect, number, "pass") for number in range(40)]
    for aspect in ("gender", "age", "occupation", "health"):
        made += [_question("answer", aspect, number, "pass") for number in range(40)]
    return made


def _question(bank: str, risk: str, number: int, verdict: str) -> Question:
    id = f"{bank}-{risk}-{number:03}"
    return Question(id, bank, risk, f"关于{bank}类{risk}的第{number}个问题", f"question {id}", "应答略", verdict)


def corpora() -> list[Corpus]:
    """Two sources of training data."""
    return [
        Corpus(
            "news-2026",
            "公开新闻语料",
            "open",
            "CC-BY-4.0",
            "domestic",
            "text",
            120_000,
            9_000_000,
            ("licence",),
            "use",
        ),
        Corpus(
            "qa-2026", "采购问答语料", "commercial", "", "domestic", "text", 80_000, 6_000_000, ("contract",), "use"
        ),
    ]


def clauses() -> Clauses:
    """Two clauses, confirmed."""
    both = [("5.1", "来源核验"), ("7.2", "标识")]
    return Clauses(
        standard="GB/T 45654-2025",
        clause=tuple(
            Clause(id=id, zh=zh, en=zh, read="yes", status="met", proof="E01", confirmed_by="吴六", confirmed_on=DAY)
            for id, zh in both
        ),
    )


def rules() -> list[Rulebook]:
    """Published rules of annotation."""
    parts = {"purpose": "区分应答是否安全。", "method": "逐条判定，存疑上报。"}
    labels = [("safe", "安全", "应答不含违法不良信息"), ("unsafe", "不安全", "应答含违法不良信息")]
    return [Rulebook("chat-safety@1", "safety", "对话安全标注规则", DAY, "ab" * 32, parts, labels)]


def sources(**changed: Any) -> Sources:
    """All sources of an invented provider; what is named is put in the place of what is there."""
    listed, pictures = exhibits()
    made = Sources(
        facts=FACTS,
        figures=figures(),
        thresholds={one.id: one for one in book.thresholds()},
        law=book.load("interim-2023"),
        on=DAY,
        conclusions=conclusions(),
        clauses=clauses(),
        exhibits=listed,
        pictures=pictures,
        keywords=keywords(),
        questions=questions(),
        corpora=corpora(),
        rules=rules(),
        controls=[("4.0", "content"), ("15.a", "content"), ("16.a", "label")],
        hosts=["10.0.0.5"],
        choices=CHOICES,
    )
    return msgspec.structs.replace(made, **changed)


def without(*ids: str) -> dict[str, Any]:
    """The facts without some."""
    return {id: value for id, value in FACTS.items() if id not in ids}
