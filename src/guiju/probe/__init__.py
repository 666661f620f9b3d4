# SPDX-License-Identifier: Apache-2.0
"""Asking models and keeping what comes of it (Articles 4, 6, 12, 15). Begin with `asking`, then `targets`."""
