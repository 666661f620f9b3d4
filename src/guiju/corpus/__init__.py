# SPDX-License-Identifier: Apache-2.0
"""Training corpora: sources, audits, samples, reports. Articles 4.2, 7 and 17; start at audit.py, then rows.py."""
