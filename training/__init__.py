# SPDX-License-Identifier: Apache-2.0
"""How the shipped classifier is trained (Articles 4, 7 and 15): examples that we wrote, public sets by a manifest, and
the program that fits, calibrates and measures. Not part of the wheel."""
