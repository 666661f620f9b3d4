# SPDX-License-Identifier: Apache-2.0
"""What is spoken at each door, parsed strictly once. Articles 4, 11; start at chat.py."""
