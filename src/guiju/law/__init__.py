# SPDX-License-Identifier: Apache-2.0
"""The law as data: texts, the book that reads them, the proof that each is kept. All articles; start at book.py."""
