# SPDX-License-Identifier: Apache-2.0
"""Asking: what the model and the guarded service really do, measured as the standards ask (Articles 4, 6, 12, 15).

`bank` has the questions (the shipped ones lie in `banks/`), `bank_sheet` reads and writes workbooks of them, and
`bank_lint` says what is wrong with them and of what the standard asks for more. `drawing`, `assessing`, `judges` and
`verdicts` make a run of them, `refusals` tells a refusal by its words, `gate` compares. Start at `bank`.
"""
