# SPDX-License-Identifier: Apache-2.0
"""The desk (Articles 13, 15, 18 to 20): complaints, decisions, remedies, letters. Begin with kinds.toml."""
