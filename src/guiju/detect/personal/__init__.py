# SPDX-License-Identifier: Apache-2.0
"""Personal data and credentials in a text (Articles 4.5, 9 and 11): what they are, and how they are masked for a while.

Pure: text in, spans out. Start at `recogniser.recognise`; `kinds` says what is looked for and by which rule, `masking`
puts placeholders in and takes them out again.
"""
