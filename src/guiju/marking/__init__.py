# SPDX-License-Identifier: Apache-2.0
"""Labels as a library, one module a file family. Article 16; start at text.py."""
