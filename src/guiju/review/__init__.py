# SPDX-License-Identifier: Apache-2.0
"""Queues in which people look at things: leases, blind ratings, samples (Articles 8, 13). Begin with queue.py."""
