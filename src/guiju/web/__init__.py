# SPDX-License-Identifier: Apache-2.0
"""What all pages share: guard, words in two languages, templates, static files. Articles 15, 16; start at pages.py."""
