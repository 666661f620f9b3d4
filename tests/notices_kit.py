# SPDX-License-Identifier: Apache-2.0
"""What users are told before the first use, as an operator writes it."""

SERVICE = """
[service]
people = { zh = "学校图书馆的成年读者", en = "Adults in school libraries" }
occasions = { zh = "课后辅导", en = "Homework help" }
uses = { zh = "不用于医疗建议", en = "No medical advice" }
[[text]]
id = "guidance"
title = { zh = "须知", en = "Notice" }
line = { zh = "请先阅读。", en = "Please read this first." }
[[text.point]]
zh = "一"
en = "One"
"""
