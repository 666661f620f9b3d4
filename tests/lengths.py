# SPDX-License-Identifier: Apache-2.0
"""How long the slow tests take: fewer cases each time, all of them where somebody asks for it.

GUIJU_EXAMPLES (1500; 20000 in full): cases that hypothesis makes. GUIJU_STREAMS (500; 1000 in full): harmless streams
at each reach. GUIJU_NOTICES (1000; 10000 in full): complaints of a flood. GUIJU_BYTES (6; 2 in full): after how many
bytes each a connection is dropped. GUIJU_MALFORMED (0; 10000 in full): malformed requests at each door; 0 for 10,000
that all doors share. `test_evidence_kill` and its like have GUIJU_KILLS and GUIJU_CUTS. GUIJU_SPEED (6; 1 in full): by
how much slower than a quiet machine this one may be where seconds count.
"""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("GUIJU_EXAMPLES", "1500"))
NOTICES = int(os.environ.get("GUIJU_NOTICES", "1000"))
BYTES = int(os.environ.get("GUIJU_BYTES", "6"))
STREAMS = int(os.environ.get("GUIJU_STREAMS", "500"))
MALFORMED = int(os.environ.get("GUIJU_MALFORMED", "0"))
SPEED = float(os.environ.get("GUIJU_SPEED", "6"))
