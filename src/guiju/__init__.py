# SPDX-License-Identifier: Apache-2.0
"""Guiju 规矩: what a provider of a generative-AI service runs to keep the Measures.

Read `terms.py` first (the defined terms), then `gateway/pipeline.py` (one request through the whole house), then
`law/texts/interim-2023.toml` (the law as data). `docs/en/architecture.md` draws the floors.
"""
