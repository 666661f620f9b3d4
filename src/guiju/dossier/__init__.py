# SPDX-License-Identifier: Apache-2.0
"""What the provider tells the authority and the public (Articles 2, 5, 6, 10, 17, 18, 20).

Start with facts.py (what is said of the provider), sources.py (what documents are made of), compose.py and package.py.
"""
