# SPDX-License-Identifier: Apache-2.0
"""Names, by the words around them: no list says who is called what (Articles 4.5, 11)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guiju.detect.personal.kinds import Span

_SURNAMES: Final = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段漕钱汤尹黎易常武乔贺赖龚文"
    "庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边"
)
_DOUBLE: Final = "欧阳|上官|司马|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|夏侯|端木|司徒|独孤|南宫|宇文|长孙"
_GIVEN: Final = "[\u4e00-\u9fa5]"
_HAN_NAME: Final = rf"(?P<it>(?:{_DOUBLE}){_GIVEN}{{1,2}}|[{_SURNAMES}]{_GIVEN}{{1,2}}?)"
_ENDS: Final = (
    r"(?=[\s，。,.;；、！!？?:：()（）\[\]【】<>《》\"“”'|/]|$|今年|的|是|在|和|来自|住|女|男|岁|同学|先生|"
    "女士|电话|手机|身份证|毕业|想|要|现|于|出生|与)"
)
_FIRST: Final = re.compile(
    rf"(?:我叫|我的名字是|我名叫|本人叫|本人姓名|真名叫|真名是|全名是|我是.{{0,6}}叫){_HAN_NAME}{_ENDS}"
)
_FIELD: Final = re.compile(
    r"(?:姓名|联系人|收件人|收货人|寄件人|发件人|患者|病人|当事人|申请人|委托人|代理人|投保人|被保险人|受益人|法定代表人|法人代表|负责人|经办人|持卡人|户名|开户名|客户|家长|监护人|学生|"
    rf"申报人|乘客|旅客|入住人|买受人|出卖人|承租人|出租人|借款人|担保人|员工|新郎|新娘|甲方|乙方|真实姓名)\s?[:：]\s?{_HAN_NAME}{_ENDS}"
)
_COURT: Final = re.compile(
    rf"(?:原告|被告人?|上诉人|被上诉人|被申请人|再审申请人|犯罪嫌疑人|证人)[:：]?\s?{_HAN_NAME}(?=[，,（(])"
)
_BESIDE: Final = re.compile(
    rf"(?:(?<![\u4e00-\u9fff0-9])|本人|我是|患者|客户|学生|员工|同事|朋友|邻居|原告|被告人?){_HAN_NAME}"
    r"(?=\s?[，,（(、：:]\s?(?:[男女](?=[，,、）)。])|身份证|手机|电话|出生于|[0-9]{2}岁))"
)
_NOT_NAMES: Final = re.compile(
    "高兴|高级|高效|高中|高考|方法|方便|方案|方向|安全|安装|白天|白色|马上|黄金|黄色|石油|金额|金融|时间|时候|时代|成为|成功|成本|成绩|关于|关系|单位|单一|单独|管理|管道|"
    "文化|文件|文章|文学|任务|任何|"
    "强大|包括|包含|华丽|解释|解决|盛大|江湖|江南|常见|常用|安排|万一|万能|程序|程度|史上|陆续|余额|项目|向导|章节|武器|阳光|路径|路由|景区|边界|房产|房东|柴油|车辆|车主|"
    "田野|牛奶|龙头|温度|夏天|"
    "白领|康复|严格|严重|钟表|段落|常规|于是|何时|何人|何地|查询|位置|位于|强制|梅花|兰花|金牌|易于|莫名|凌晨|许可|许多|应|于此|于是|周末|周一|周二|周三|周四|周五|周六|周日|周年|周期|周围|周岁"
)
_TITLES: Final = re.compile("(?:先生|女士|小姐|老师|总|经理|医生|主任|某|同学|性别|年龄|电话)$|某")

_PART: Final = r"[A-Z][a-zà-öø-ÿ]+(?:['’-][A-Z]?[a-zà-öø-ÿ]+)?|[A-Z]\.|Mc[A-Z][a-z]+|O['’][A-Z][a-z]+"
_LATIN: Final = rf"(?P<it>(?:{_PART})(?: (?:{_PART}|de|da|van|von|der|bin|al)){{0,3}})"
_SAYS: Final = re.compile(
    rf"(?:(?:[Mm]y|[Hh]is|[Hh]er|[Tt]heir|[Ff]ull|[Ll]ast|[Ff]irst|[Uu]ser|[Cc]ustomer|[Pp]atient|"
    rf"[Cc]lient)(?:'s)?(?: full| first| last)? [Nn]ame(?: is|'s|:)"
    rf"|(?:^|(?<=[\n,;|，；]))[ *\-]{0, 4}[Nn]ame ?:|\bI am called|\b[Tt]his is(?= [A-Z][a-z]+ [A-Z])|\bI'm "
    rf"called|\b[Cc]all me|\b(?:Patient|Customer|Client|Attn|Recipient|Cardholder|Employee) ?:)\s{{1,2}}{_LATIN}"
)
_TITLED: Final = re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof)\.? {_LATIN}")
_ALONE: Final = frozenset(
    [
        "The",
        "This",
        "That",
        "It",
        "He",
        "She",
        "They",
        "We",
        "You",
        "I",
        "Not",
        "What",
        "Who",
        "Where",
        "When",
        "Why",
        "How",
        "Please",
        "Hello",
        "Hi",
        "If",
        "In",
        "On",
        "At",
        "For",
        "To",
        "And",
        "But",
        "Or",
        "Is",
        "Are",
        "A",
        "An",
        "President",
        "Minister",
        "Speaker",
        "Chairman",
        "Chair",
        "Google",
        "Siri",
        "Alexa",
        "Claude",
    ]
)


def in_names(text: str) -> Iterator[Span]:
    """Chinese names in forms, introductions and court papers."""
    for pattern in (_FIRST, _FIELD, _COURT, _BESIDE):
        for found in pattern.finditer(text):
            name = found["it"]
            if not _NOT_NAMES.match(name) and not _TITLES.search(name):
                yield Span("name", *found.span("it"), name)


def in_sayings(text: str) -> Iterator[Span]:
    """Names in English: in forms and introductions, and after a title."""
    for pattern in (_SAYS, _TITLED):
        for found in pattern.finditer(text):
            name = found["it"]
            if name.split(" ")[0] not in _ALONE and len(name) > 2:
                yield Span("name", *found.span("it"), name)
