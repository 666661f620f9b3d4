# SPDX-License-Identifier: Apache-2.0
"""The guiju command, one module a noun; start at main.py."""
