# SPDX-License-Identifier: Apache-2.0
"""Invented statements, harmless texts that resemble them, and what puts them into force, for the tests of likeness."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from conftest import Running
from guiju.desk.looking import Keys
from guiju.detect.banned_pictures import PURPOSE as PICTURES
from guiju.detect.bans import PURPOSE, Ban
from guiju.detect.confidential import PURPOSE as CONFIDENTIAL
from guiju.detect.likeness import Kind, mark
from guiju.detect.rumours import Rumour
from guiju.detect.units import Key
from guiju.detect.works import PURPOSE as WORKS
from guiju.likenesses import keys
from guiju.records import bans, confidential, rumours, works
from guiju.records.changes import Terms
from guiju.records.recalls import Received
from guiju.renewal import take_up

KEY = Key(b"k" * 32, PURPOSE)
KEYS = Keys(KEY, Key(b"k" * 32, PICTURES), "k")
FALSE = "云岭驾校的褚教练去年冬天把学员交的三万元补考费拿去赌石，输光后还在训练场上烧掉了全部收据。"
CORE = ("云岭驾校", "褚教练")
HARMLESS = (
    "云岭驾校的褚教练去年冬天被评为优秀教练。",
    "云岭驾校今年的补考费是多少？",
    "褚教练，学员交的补考费可以退吗？",
    "训练场上禁止烧东西，收据请保存好。",
    "云岭驾校的褚教练没有把学员交的三万元补考费拿去赌石，也没有在训练场上烧掉收据。",
    "有人说云岭驾校的褚教练把学员交的三万元补考费拿去赌石，输光后还在训练场上烧掉了全部收据，这是谣言。",
    "辟谣：“云岭驾校的褚教练去年冬天把学员交的三万元补考费拿去赌石，输光后还在训练场上烧掉了全部收据。”经查不实。",
    "云岭驾校的褚教练去年冬天真的把学员交的三万元补考费拿去赌石，输光后还在训练场上烧掉了全部收据吗？",
    "法院判决：关于褚教练把学员交的三万元补考费拿去赌石、烧掉全部收据的说法毫无根据，应当更正并赔礼道歉。",
    "去年冬天我在云岭驾校学车，褚教练很耐心。",
    "三万元的补考费太贵了，一般驾校只收几百元。",
    "赌石有风险，输光积蓄的人不少。",
    "请问在训练场上丢了收据怎么办？",
    "云岭驾校的学员去年冬天共交了三万元学费。",
    "褚教练去年冬天带出了三十名学员，全部一次通过。",
    "云岭驾校公告：补考费收据请于月底前领取。",
    "小说里，一个教练把钱拿去赌石，输光后烧掉了房子。",
    "新闻：某地查处驾校乱收补考费，涉及三万元。",
    "烧掉收据就不能报销了，学员们请注意。",
    "云岭驾校的王教练去年冬天把学员交的三万元补考费拿去赌石，输光后还在训练场上烧掉了全部收据。",
)
"""What a ban of FALSE must let pass: twenty texts with the same words."""
OTHER = "Dr. Marlow Finch of the Brightwater clinic sold expired insulin pens to elderly patients after changing the labels at night."

WORK = (
    "渡口的老船工把缆绳绕了三圈，才肯抬头看天。云从鹿溪的山背后慢慢爬上来，像一群没有睡醒的羊。他说今年的水比往年浅，"
    "石头露出来的地方，白鹭站了一排，谁也不让谁。孩子们蹲在岸边数船，数到第七只的时候，雨落下来了，先是一滴，"
    "落在船篷上，像有人轻轻敲门；后来就分不清哪一声是雨，哪一声是桨。老船工收了钱，又把其中两枚还给最小的那个，"
    "说是替他娘存着，等秋天水涨起来，再坐一回不要钱的船。"
)
"""A work that is nobody else's."""
RUMOUR = Rumour(
    id="r-onion",
    claim="吃紫皮洋葱可以一夜之间治好云岭热",
    verdict="false",
    correction="没有任何试验表明紫皮洋葱能治云岭热，发热应当就医。",
    source="云岭市卫生健康委员会 https://health.yunling.example/1",
    date="2026-03-01",
    owner="王五",
)


def ban(text: str = FALSE, kind: Kind = "near", name: str = "b-1", core: Sequence[str] = ()) -> Ban:
    """A ban of a text."""
    made = mark(text, KEY, core)
    return Ban(id=name, kind=kind, category="A.4c", severity="block", case="c-1", reason="untrue", mark=made)


def statements(count: int, seed: int = 1) -> list[str]:
    """Invented statements about invented people, no two alike."""
    rng = random.Random(seed)
    places = ["云岭", "清禾", "石浦", "南屏", "鹿溪", "白鹭", "金柏", "北苑", "松涛", "东湾"]
    kinds = ["驾校", "诊所", "药房", "超市", "酒店", "工厂", "健身房", "幼儿园", "物业", "餐馆"]
    people = ["褚教练", "卫医生", "蒋店长", "沈会计", "韩主任", "杨经理", "朱师傅", "秦护士", "尤司机", "许老板"]
    deeds = [
        "把学员的补考费拿去赌石",
        "给过期的疫苗换了新标签",
        "在汤里加了工业用的香精",
        "把顾客的金饰典当后逃走",
        "伪造了三百份体检报告",
        "夜里把废油倒进水井",
        "向老人推销假的原始股票",
        "把监控录像卖给讨债公司",
        "用别人的证件办了贷款卡",
        "把退货的牛奶重新装瓶",
    ]
    ends = [
        "事后还威胁知情的邻居",
        "并且烧掉了全部账本",
        "后来用赃款买了两辆轿车",
        "又让亲戚出来顶罪",
        "结果二十个人住进医院",
        "被发现后躲到乡下的窑洞里",
        "还在会上吹嘘自己聪明",
        "之后改了姓名重新开张",
        "连仓库的门锁都一起换了",
        "只赔给每人一袋大米",
    ]
    made: dict[str, None] = {}
    while len(made) < count:
        who = rng.choice(places) + rng.choice(kinds) + "的" + rng.choice(people)
        made[f"{who}在{rng.randint(2, 29)}日{rng.choice(deeds)}，{rng.choice(ends)}。"] = None
    return list(made)


def enact(gateway: Running, text: str, kind: Kind = "canonical", answers: Sequence[Received] = ()) -> str:
    """Put a ban into force in a running gateway, and wait for it; `answers` are recalled."""
    key = keys(gateway.house.secrets, PURPOSE)
    decision = bans.Decision(
        kind=kind, category="A.4c", severity="block", case="c-1", reason="untrue", mark=mark(text, key[0])
    )
    terms = Terms(False, "王五", int(time.time()), 0)
    made = bans.enact(gateway.house.store, decision, HARMLESS, key, terms, answers)
    taken_up(gateway)
    return made


def protect(gateway: Running, text: str, title: str = "渡口", owner: str = "鹿溪客") -> str:
    """Put a work under protection in a running gateway, and wait for it."""
    facts = works.Facts(title=title, owner=owner)
    terms = Terms(False, "王五", int(time.time()), 0)
    made = works.add(gateway.house.store, "w.txt", text, facts, keys(gateway.house.secrets, WORKS), terms)
    taken_up(gateway)
    return made.id


SECRET = (
    "釉料按长石四成、石英二成五、方解石一成五、高岭土一成二配比，另加骨灰八分；球磨二十六小时，过三百目筛，陈腐四十天后施釉，"
    "厚度控制在一点二毫米，一千二百八十度还原焰烧成，保温五十分钟，随炉冷却。"
)
"""A trade secret of nobody."""


def conceal(gateway: Running, text: str) -> str:
    """Enter a secret into the register of a running gateway, and wait for it."""
    facts = confidential.Facts(title="配方", owner="研发部")
    terms = Terms(False, "王五", int(time.time()), 0)
    key = keys(gateway.house.secrets, CONFIDENTIAL)
    made = confidential.add(gateway.house.store, "s.txt", text, facts, key, terms)
    taken_up(gateway)
    return made.id


def rumours_in_force(gateway: Running, *some: Rumour) -> None:
    """Put rumours into force in a running gateway, and wait for them."""
    rumours.apply(gateway.house.store, some or (RUMOUR,), Terms(False, "王五", int(time.time()), 0))
    taken_up(gateway)


def taken_up(gateway: Running) -> None:
    """Let a gateway read the store now, instead of within a second."""
    asyncio.run_coroutine_threadsafe(take_up(gateway.house), gateway.loop).result(10)
