# SPDX-License-Identifier: Apache-2.0
"""One request through the whole house. Articles 4, 5, 9 to 16, 18, 19; start at pipeline.py."""
