# SPDX-License-Identifier: Apache-2.0
"""Coming from elsewhere: what other gateways and lists hold, read into ours (DESIGN §10)."""
