# SPDX-License-Identifier: Apache-2.0
"""The outside, async: model clients, witnesses, the scripted model. Articles 11, 14; start at upstream.py."""
