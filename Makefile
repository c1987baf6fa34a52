# One-word chores; CI runs the same.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo docs test test-browser test-ray test-streams test-train lint types format clean

.venv/base: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q --no-compile -e .
	touch $@

.venv/dev: .venv/base
	$(BIN)/pip install -q --no-compile -e '.[dev]'
	touch $@

.venv/ray: .venv/dev
	$(BIN)/pip install -q --no-compile -e '.[dev,ray]'
	touch $@

.venv/streams: .venv/dev
	$(BIN)/pip install -q --no-compile -e '.[dev,streams]' 'hats>=0.4' 'moto[server]>=5'
	touch $@

.venv/train: .venv/dev
	$(BIN)/pip install -q --no-compile -e '.[dev,train]'
	touch $@

.venv/docs: .venv/base
	$(BIN)/pip install -q --no-compile -e '.[docs]'
	touch $@

demo: .venv/base  ## install and search a small drawn survey
	$(BIN)/skerry demo -o skerry-demo

test: .venv/dev lint types  ## everything that needs no torch
	$(BIN)/pytest -n 2 --dist loadfile -m "not train and not browser and not ray" --ignore tests/survey/streams

test-browser: .venv/dev  ## report and atlas in a Chromium; axe-core by npm install axe-core
	$(BIN)/pytest -m browser

test-ray: .venv/ray  ## clusters of a few small nodes on this machine, one of them killed
	$(BIN)/python -c "import ray"
	$(BIN)/pytest -m ray

test-streams: .venv/streams  ## streams: tars, HTTP, S3 (a server of moto), HATS; in a process of their own
	$(BIN)/python -c "import aiohttp, hats, moto, s3fs"
	$(BIN)/pytest tests/survey/streams tests/survey/test_row_groups.py

test-train: .venv/train  ## what needs torch; fails where torch is missing
	$(BIN)/python -c "import torch, timm, onnx"
	$(BIN)/pytest -m train

docs: .venv/docs  ## the site, its tutorials run; open site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv site build/tutorials skerry-demo .pytest_cache .mypy_cache .ruff_cache
