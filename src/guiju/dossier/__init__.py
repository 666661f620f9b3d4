# SPDX-License-Identifier: Apache-2.0
"""What the provider tells the authority: facts, documents, lint, sign-off, verification (Articles 2, 5, 6, 17, 20).

Start with `sources.py` (what documents are made of), `compose.py` (a template becomes a document) and `package.py`.
"""
