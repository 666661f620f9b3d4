# SPDX-License-Identifier: Apache-2.0
# make run    — gateway and model service on this machine, three requests shown; Ctrl-C ends it
# make test   — the fast tests (a minute on two quiet cores; needs nothing but Python)
# make release — what is installed elsewhere, in dist/
# make test-all — everything, with PostgreSQL, Node.js, nginx, Chromium and other clients; what CI runs
# make chaos  — faults on purpose, one after the other, 30 minutes each at most; ONLY=R1,F2 for some
# make bench  — what it costs, beside others (make setup-peers), on a quiet machine; ONLY=gateway,words ROUNDS=3 QUICK=1
# Variables: PORT=8080  UPSTREAM=http://host:port/v1  MODEL=local  PYTHON=python3.13; for bench TOOLS=folder of lg.c, mockup.c

PORT ?= 8080
UPSTREAM ?=
TOOLS ?=
ROUNDS ?= 3
MODEL ?=
WORKERS ?= 2
LONG_WORKERS ?= 3
# The page shows the strict text, whose ids all others map to.
LAW := draft-2023
BIN := .venv/bin
PYTEST := scripts/tests.sh

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-pictures setup-encoder setup-local setup-clients setup-annotators setup-exchange setup-deploy setup-peers run release test test-all tests-all lint docs generated law lock bench chaos clean

help:
	@sed -n '2,8s/^# //p' Makefile

setup:
	@scripts/setup.sh run

setup-dev: setup
	@scripts/setup.sh dev

setup-pictures: setup-dev
	@scripts/setup.sh pictures

setup-encoder: setup-dev
	@scripts/setup.sh encoder

setup-local:
	@scripts/setup.sh local

setup-clients:
	@scripts/setup.sh clients

setup-annotators:
	@scripts/setup.sh annotators

setup-exchange:
	@scripts/setup.sh exchange

setup-deploy:
	@scripts/setup.sh deploy

# Other systems for the bench, each in .venv-peers; one that does not install is named in the results: ONLY=litellm
setup-peers: setup-dev
	@$(BIN)/python bench/setup_peers.py --only '$(ONLY)'

run: setup $(if $(filter local,$(MODEL)),setup-local)
	@exec $(BIN)/python scripts/demo.py --port '$(PORT)' --upstream '$(UPSTREAM)' --model '$(MODEL)'

test: setup-dev
	$(PYTEST) -n $(WORKERS) --dist loadfile -m "not slow" -rfEs

test-all: setup-dev lint generated docs tests-all

tests-all: setup-dev setup-pictures setup-encoder setup-clients setup-annotators setup-exchange setup-deploy
	GUIJU_NO_SKIP=1 $(PYTEST) -n $(LONG_WORKERS) --dist worksteal -rfEs

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/spdx.py

docs: setup-dev
	scripts/docs_check.sh

# What is generated must be what the sources say.
generated: setup-dev
	$(BIN)/python scripts/reference.py --check
	$(BIN)/python scripts/observe.py --check
	$(BIN)/python scripts/results.py --check
	@page=$$(mktemp) && $(BIN)/guiju check --profile $(LAW) --law-page $$page && diff -u LAW.md $$page; s=$$?; rm -f $$page; exit $$s

law: setup-dev
	$(BIN)/python scripts/reference.py
	$(BIN)/python scripts/observe.py
	$(BIN)/python scripts/results.py
	$(BIN)/guiju check --profile $(LAW) --law-page LAW.md

lock:
	scripts/lock.sh

# dist/: wheel, sources, list of what is installed, audit, hashes, and all wheels for a machine without a network
release:
	@scripts/release.sh dist

# One fault after the other at full length, 30 minutes each at most: make chaos ONLY=R1,F2
chaos: setup-dev setup-clients
	$(BIN)/python scripts/chaos.py $(if $(ONLY),--only '$(ONLY)')

# Parts are put into bench/results; the pages are made of it, whether all bars hold or not.
bench: setup-dev
	$(BIN)/python bench/all.py --tools '$(TOOLS)' --only '$(ONLY)' --rounds '$(ROUNDS)' $(if $(SECONDS),--seconds '$(SECONDS)') $(if $(QUICK),--quick); s=$$?; \
	$(BIN)/python scripts/results.py && exit $$s

clean:
	rm -rf .venv .venv-local .venv-clients .venv-annotators .venv-exchange .venv-deploy .venv-peers .venv-lock site .mypy_cache .ruff_cache .import_linter_cache .hypothesis
