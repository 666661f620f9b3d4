# SPDX-License-Identifier: Apache-2.0
"""What a service really does: banks, runs, grades, truth, attacks. Articles 4, 6, 12 and 15; start at bank.py."""
