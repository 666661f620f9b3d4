# SPDX-License-Identifier: Apache-2.0
"""Text in, findings out, pure: canonical views and word matching. Articles 4, 12, 15; start at views.py."""
