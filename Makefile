# `make help` lists the targets. Everything is installed into .venv/ at the root; the machine's
# own Python packages are never touched.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup lock fmt lint type imports test docs site demo bench dist bounds fuzz coverage mutants check clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## make .venv/ from the locked requirements

$(STAMP): .ci/requirements.txt .ci/pyright/package-lock.json pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else f"image-pipeline needs Python 3.11 to 3.13; {sys.executable} is {v[0]}.{v[1]}: make PYTHON=python3.13 …")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r .ci/requirements.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	cp -r .ci/pyright .venv/pyright
	$(BIN)/npm ci --prefix .venv/pyright --silent --ignore-scripts --omit=optional
	@touch $@

lock: $(STAMP) ## resolve the newest and the lowest allowed requirements into .ci/
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade --group dev --group docs --all-extras pyproject.toml -o .ci/requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --upgrade --resolution lowest-direct --group test --all-extras pyproject.toml -o .ci/lowest-requirements.txt

fmt: $(STAMP) ## format the code
	$(BIN)/ruff check -q --fix-only .
	$(BIN)/ruff format -q .

lint: $(STAMP) ## check format and lint
	$(BIN)/ruff format -q --check .
	$(BIN)/ruff check -q .

type: $(STAMP) ## check types, strictly, and the stubs
	$(BIN)/mypy
	MYPYPATH=typings $(BIN)/stubtest pgpy --ignore-missing-stub --mypy-config-file pyproject.toml

imports: $(STAMP) ## check who may import whom
	$(BIN)/lint-imports

test: $(STAMP) ## run the tests, those of the documents too
	$(BIN)/python -m pytest -n auto

docs: $(STAMP) ## run the documents' code, follow their links
	$(BIN)/python -m pytest tests/docs

site: $(STAMP) ## build the documentation into build/site/
	$(BIN)/python -m docs.site.picture
	$(BIN)/python -m sphinx -q -W --keep-going -c docs/site docs build/site
	@echo build/site/index.html

demo: $(STAMP) ## the main job on loopback: a signed image, then a tampered one
	$(BIN)/python docs/demo.py

bench: $(STAMP) ## measure, beside the plain tools, into docs/benchmarks.json
	$(BIN)/python -m tests.bench

dist: $(STAMP) ## build wheel, sdist and bill of materials into dist/; print sizes and times
	$(BIN)/python -m tests.packaging.dist

bounds: $(STAMP) ## test the wheel with the lowest requirements
	$(BIN)/python -m tests.packaging.bounds

SECONDS ?= 600
fuzz: $(STAMP) ## feed junk to what reads OpenPGP, SECONDS=600
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r .ci/fuzz-requirements.txt
	$(BIN)/python -W ignore -m tests.fuzz.openpgp $(SECONDS)

coverage: $(STAMP) ## run the tests and say what they do not reach
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

FILES ?=
mutants: $(STAMP) ## change what decides on trust; a test must fail, FILES="…"
	$(BIN)/python -m tests.mutants $(FILES)

check: lint type imports test ## everything that CI runs, the demonstration aside

clean: ## remove what was made
	rm -rf .venv dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage* mutants
