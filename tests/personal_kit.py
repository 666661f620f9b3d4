# SPDX-License-Identifier: Apache-2.0
"""Personal data that belong to nobody, made by code: check digits hold, days of birth lie in the 1880s, blocks of
numbers were never given out. Each row is a sentence and the kind and place of what it holds."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
SURNAMES: Final = "王李张刘陈杨赵黄周吴徐孙胡朱林何郭罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡"
GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建国玉兰志红梅雪琳宇轩浩然子涵雨欣梓睿"
FULL: Final = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


class Row(NamedTuple):
    """A sentence; what of which kind it holds, from where to where."""

    text: str
    kind: str
    start: int
    end: int


def id_card(some: random.Random) -> str:
    """An identity number of somebody born in the 1880s."""
    place = some.choice(("110101", "310104", "440305", "510107", "330106", "420111", "610113", "810000"))
    body = (
        f"{place}188{some.randrange(10)}{some.randrange(1, 13):02}{some.randrange(1, 29):02}{some.randrange(1, 999):03}"
    )
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]


def with_luhn(body: str) -> str:
    """Digits and their check digit."""
    total = sum(int(d) if i % 2 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(body)))
    return body + str(-total % 10)


def bank_card(some: random.Random) -> str:
    """A card number of an issuer that does not exist."""
    return with_luhn(f"620000{some.randrange(10**12):012}")


def uscc(some: random.Random) -> str:
    """A unified social credit code."""
    signs = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = "91110000" + "".join(some.choice(signs) for _ in range(8)) + "0"
    return body + signs[(31 - sum(signs.index(c) * pow(3, i, 31) for i, c in enumerate(body)) % 31) % 31]


def mobile(some: random.Random) -> str:
    """A mobile number of a block that was never given out."""
    return f"1{some.choice(('38', '59', '86', '77', '99', '35'))}0000{some.randrange(10_000):04}"


def name(some: random.Random) -> str:
    """A name."""
    return some.choice(SURNAMES) + "".join(some.sample(GIVEN, some.choice((1, 2))))


def address(some: random.Random) -> str:
    """An address of a road that there is not."""
    city = some.choice(("北京市朝阳区", "上海市徐汇区", "广东省深圳市南山区", "浙江省杭州市西湖区", "成都市武侯区"))
    road = some.choice(("云杉路", "白石渡大街", "望鹤巷", "青梧大道", "听松胡同", "小石桥路"))
    return f"{city}{road}{some.randrange(1, 400)}号{some.choice(('', '3号楼', '7栋'))}{some.randrange(1, 30)}0{some.randrange(1, 9)}室"


def grouped(number: str, *sizes: int, by: str = " ") -> str:
    """A number in groups."""
    made, at = [], 0
    for size in sizes:
        made.append(number[at : at + size])
        at += size
    return by.join([*made, number[at:]] if number[at:] else made)


def wide(text: str) -> str:
    """Full-width forms."""
    return text.translate(FULL)


def in_han(number: str) -> str:
    """Digits as Chinese numerals."""
    return number.translate(str.maketrans("0123456789", "零一二三四五六七八九"))


_L: Final = "abcdefghijklmnopqrstuvwxyz"
MAKERS: Final[Mapping[str, Callable[[random.Random], str]]] = {
    "id_card": id_card,
    "mobile": mobile,
    "landline": lambda r: f"{r.choice(('010', '021', '0755', '0571', '028'))}-{r.randrange(60_000_000, 69_999_999)}",
    "phone": lambda r: f"+{r.choice(('44 7700 900', '1 202-555-0', '852 5000 0'))}{r.randrange(100, 999)}",
    "bank_card": bank_card,
    "passport": lambda r: f"E{r.choice('ABCDEFGH')}{r.randrange(10**6, 10**7)}",
    "permit": lambda r: f"{r.choice('HM')}{r.randrange(10**9, 10**10)}",
    "plate": lambda r: (
        f"{r.choice('京沪粤川浙')}{r.choice('ABC')}{r.choice(('·', '', ' '))}{r.choice('KMNT')}{r.randrange(1000, 9999)}"
    ),
    "uscc": uscc,
    "address": address,
    "email": lambda r: f"{''.join(r.sample(_L, 6))}{r.randrange(99)}@{''.join(r.sample(_L, 5))}.zz",
    "ip": lambda r: f"{r.choice((120, 183, 221))}.{r.randrange(10, 99)}.{r.randrange(100, 250)}.{r.randrange(1, 254)}",
    "wechat": lambda r: f"{''.join(r.sample(_L, 5))}_{r.randrange(1000)}",
    "qq": lambda r: str(r.randrange(10_000_000, 4_000_000_000)),
    "name": name,
    "token": lambda r: "sk-" + "".join(r.choice(_L + _L.upper() + "0123456789") for _ in range(40)),
    "password": lambda r: "".join(r.sample(_L, 5)) + f"{r.randrange(100, 999)}!",
}
"""Kind → what makes one of it."""

FRAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "id_card": ("我的身份证号是{}，请帮我登记。", "{}这个号码能查到吗？", "乘客证件：{}", "请核对{}的信息"),
    "mobile": ("请打{}联系我。", "手机{}", "我的号码{}，微信同号", "客户留的是{}，记一下"),
    "landline": ("座机{}", "公司电话：{}，转人工", "请拨{}咨询", "传真{}。"),
    "phone": ("海外电话 {} 联系他", "Call {} please.", "他的号码是{}。", "WhatsApp：{}"),
    "bank_card": ("钱转到{}，谢谢", "卡号：{}", "我的银行卡{}丢了", "请把退款打到 {} 上"),
    "passport": ("护照号{}", "我的护照是{}，下周出发", "护照号码：{}。", "passport no. {} please"),
    "permit": ("回乡证号码{}", "港澳居民来往内地通行证：{}", "我的回乡证是{}", "通行证{}已过期"),
    "plate": ("车牌{}", "一辆{}停在门口", "我的车是{}，白色", "请给{}放行"),
    "uscc": ("统一社会信用代码{}", "开票信息：{}", "代码是{}。", "信用代码 {} 查一下"),
    "address": ("收货地址：{}", "我住在{}，离地铁近吗", "请寄到{}。", "户籍地址为{}"),
    "email": ("发到{}就行", "邮箱：{}", "我的邮件地址是 {} 。", "请联系{}，谢谢"),
    "ip": ("登录IP是{}", "来自{}的请求", "服务器 {} 连不上", "我的IP地址：{}"),
    "wechat": ("加我微信{}", "微信号：{}", "我的vx是{}", "wechat {}"),
    "qq": ("QQ：{}", "加QQ{}聊", "我的QQ号是{}", "扣扣{}"),
    "name": ("我叫{}，今年三十岁", "姓名：{}", "收件人：{} 电话稍后给", "患者：{}，男"),
    "token": ("我的密钥是 {}", "api_key = \"{}\"", "export KEY={}", "用{}调用"),
    "password": ("密码是{}", "登录密码：{}", "password: {}", "密码：{}，别告诉别人"),
}  # fmt: skip
"""Kind → sentences in which it stands."""


def rows(count: int, seed: int) -> Iterator[Row]:
    """So many rows of each kind: plain, grouped, in full width, and in numerals where people write so."""
    some = random.Random(seed)
    for kind, make in MAKERS.items():
        for number in range(count):
            value = _written(kind, make(some), some, number)
            frame = some.choice(FRAMES[kind])
            start = frame.index("{}")
            yield Row(frame.replace("{}", value), kind, start, start + len(value))


def _written(kind: str, value: str, some: random.Random, number: int) -> str:
    """One of the ways in which it is written."""
    if kind == "mobile":
        ways = (
            value,
            grouped(value, 3, 4, 4),
            grouped(value, 3, 4, 4, by="-"),
            "+86 " + value,
            in_han(value),
            wide(value),
        )
        return some.choice(ways)
    if kind == "id_card":
        return some.choice(
            (value, grouped(value, 6, 8, 4), grouped(value, 6, 4, 4, 4, by="-"), wide(value), value.lower())
        )
    if kind == "bank_card":
        return some.choice((value, grouped(value, 4, 4, 4, 4, 3), grouped(value, 4, 4, 4, 4, 3, by="-"), wide(value)))
    return wide(value) if number % 8 == 7 and kind in ("uscc", "passport", "qq", "email") else value


BENIGN: Final = (
    "订单号13800001234567已发货，请留意。", "您的订单 6200001234567890 已签收", "快递单号：YT1380000123456", "运单号 75380000123456",
    "ISBN 978-7-111-12345-6", "书号：9787111123453", "ISSN 1001-4551", "时间戳1700000000000对应哪一天", "timestamp 1700000000123456789",
    "2024-01-15 13:45:30.123456", "版本1.2.3.4已发布", "v10.20.130.40 release", "Chrome/120.0.6099.130", "0.13800001234 是小数",
    "圆周率3.14159265358979323846264338327950288", "commit 4c1380000123456789abcdef", "md5 e10adc3949ba59abbe56e057f20f883e",
    "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "第一百二十条第三款", "中华人民共和国主席令第七十六号",
    "国发〔2020〕13号", "京公网安备11010502030143号", "(2019)京01民初123号", "依照刑法第二百六十四条", "一二三四五六七八九十",
    "1 + 1 = 2，13800001234元", "总额 13800001234 元", "100000000000000000", "1 2 3 4 5 6 7 8 9 10 11 12", "x = 13800001234567890123",
    "a = [1, 3, 8, 0, 0, 0, 0, 1, 2, 3, 4]", "A@B.T", "x@y.shape(1)", "git@github.com:a/b.git", "@app.route('/x')", "logo@2x.png",
    "user@example.com", "127.0.0.1:8080", "192.168.1.1", "10.0.0.255", "子网掩码255.255.255.0", "8.8.8.8", "1.1.1.1",
    "std::vector<int>::iterator", "12:34:56", "AKIAIOSFODNN7EXAMPLE", "sk-xxxxxxxxxxxxxxxxxxxxxxxx", "api_key = \"YOUR_API_KEY_GOES_HERE\"",
    "密码是由字母和数字组成的", "password: required", "密码：请输入", "微信支付怎么开通", "微信小程序 framework", "QQ浏览器12.5版本", "QQ2024新功能",
    "我叫他来吃饭", "我叫不出名字", "他的名字是什么", "姓名：请填写", "客户：高级会员", "家长：请签字", "联系人：无", "我叫高兴不起来",
    "长安街很宽", "南京路步行街", "第3号楼梯", "1号店", "5号线地铁", "三号机组", "课程表：第2单元", "第12层神经网络", "主席令第3号",
    "4111 1111 1111 1111", "11010519491231002X", "400-800-1234", "10086", "电话是什么时候发明的", "手机有1380000个像素",
    "UUID 123e4567-e89b-12d3-a456-426614174000", "https://example.com/status/1380000123412345678", "arXiv:2303.08774", "doi 10.1000/182",
    "GB/T 45654-2025", "本人32周岁，女", "高中，男，女", "01.02.03.04", "TC260-PG-20252A", "北京2022年冬奥会", "1949年10月1日", "京A股票", "川端康成", "津津有味", "My name is required.",
    "Name: string", "This is the end.", "Dr. No", "call me maybe", "range(13800001234)", "0x13800001234", "rgb(138, 000, 012)",
    "3.5e10", "10^18", "12,345,678,901", "13,800,001,234", "ρ=1.38000012", "Ctrl+1234567", "MH370", "B737-800", "T1380000", "5G基站1380000座",
)  # fmt: skip
"""What looks like personal data and is none."""
