# SPDX-License-Identifier: Apache-2.0
"""The store's migrations, run by records/migrate.py; a revision, once released, is never edited."""
