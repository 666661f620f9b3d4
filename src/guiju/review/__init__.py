# SPDX-License-Identifier: Apache-2.0
"""Queues in which people look at things: leases, blind ratings, agreement, samples (Articles 8, 13, 15); begin with queue.py."""
