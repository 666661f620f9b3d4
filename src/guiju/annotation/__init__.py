# SPDX-License-Identifier: Apache-2.0
"""Annotation by people: rules, training, batches, agreement, acceptance. Article 8; start at rulebook.py."""
