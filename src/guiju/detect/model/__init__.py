# SPDX-License-Identifier: Apache-2.0
"""The shipped classifier (Articles 4 and 15): six heads over hashed n-grams, in numpy alone. Read `features`, then
`weights`, `heads` and `judge`; `training` trains it, and its card is docs/en/reference/model.md."""
