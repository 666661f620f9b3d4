# SPDX-License-Identifier: Apache-2.0
"""The books: store, ledger, keys, persons, policy versions. Articles 5, 9, 11, 17; start at ledger.py."""
