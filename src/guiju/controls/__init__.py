# SPDX-License-Identifier: Apache-2.0
"""Decisions, pure: one control a module, heard by hearing.py. Articles 4, 5, 9, 15, 16; start at hearing.py."""
