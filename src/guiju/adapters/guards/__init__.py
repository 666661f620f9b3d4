# SPDX-License-Identifier: Apache-2.0
"""Guard models asked over the wire (Articles 4 and 15): one module a protocol; start at asking.py."""
