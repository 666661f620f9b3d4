# SPDX-License-Identifier: Apache-2.0
"""The console, where members work: sign-in, roles, pages (Articles 5, 13, 15, 18, 19). Start at frame.py."""
