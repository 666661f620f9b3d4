# SPDX-License-Identifier: Apache-2.0
"""The shipped packs of terms as data: index.toml says what each holds and leaves out; read by `detect.shipped`."""
