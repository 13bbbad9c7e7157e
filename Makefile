# `make demo`: the lab, a deploy on it, and the proof.  `make test`: every test, lab included.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FAB := $(BIN)/fab

BINDIR ?= $(HOME)/.local/bin

.PHONY: demo test check unit lab-tests docs-generated faults bench lock down install samples docs dist audit help
help:  ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

$(BIN)/.installed: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=/path/of/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "the venv module is missing: apt-get install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $@

demo: $(BIN)/.installed  ## Bring up the lab, deploy two workers, show status and answers through the balancer.
	$(FAB) lab.up
	$(FAB) -H worker1,worker2 deploy
	$(FAB) lb.config
	$(FAB) -H manager,worker1,worker2,lb status
	$(FAB) lab.answers
	@printf '\n%s\n' 'The lab stays up. Try next:' \
	    '  .venv/bin/fab -H worker1,worker2 restart                 one after the other, each seen joining' \
	    '  .venv/bin/fab -H worker1 doctor                          what is checked, and what is wrong' \
	    '  .venv/bin/fab -H worker1 stop && .venv/bin/fab status    what a stopped worker looks like' \
	    'make down takes it away; docs/guide.md goes on with your own servers.'

test: check unit lab-tests  ## Everything that CI runs.

check: $(BIN)/.installed  ## Format, lint, types, the shell scripts, and the pages.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/shellcheck remote/scripts/*.sh remote/scripts/lib/*.sh remote/root/*.sh
	$(BIN)/pytest -q tests/unit/docs

unit: $(BIN)/.installed  ## The unit tests: seconds, no engine.
	$(BIN)/pytest -q -n 2 tests/unit

lab-tests: $(BIN)/.installed  ## The tests on labs, over real SSH; two side by side.
	$(BIN)/pytest -q -n 2 --dist loadfile tests/lab

docs-generated: $(BIN)/.installed  ## Write the generated pages and tables in docs/ anew.
	$(BIN)/python -m carbon.inventory.reference
	$(BIN)/python -m carbon.checks.troubleshooting

faults: $(BIN)/.installed  ## Every fault at every point; see README.
	$(BIN)/python -m tests.faults
	PROVISION_ALL_FAULTS=1 $(BIN)/pytest -q tests/lab/test_service_faults.py

bench: $(BIN)/.installed  ## Measure against the peers and the floors; writes benchmarks/RESULTS.md.
	$(BIN)/python -m benchmarks

samples: $(BIN)/.installed  ## Run the samples in README and docs on a lab, and write what they print.
	$(BIN)/python -m tests.samples

audit: $(VENV)/audit/.installed  ## Check the locked requirements against known vulnerabilities (STRICT=1: unchecked is an error).
	$(BIN)/python -m tests.advisories $(VENV)/audit/bin/pip-audit

$(VENV)/audit/.installed: $(BIN)/.installed
	@$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	@touch $@

docs: $(VENV)/docs/.installed  ## Build the site from docs/ into site/.
	NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/mkdocs build --strict --quiet

$(VENV)/docs/.installed: requirements-docs.lock
	@$(PYTHON) -m venv $(VENV)/docs
	$(VENV)/docs/bin/pip install --quiet --disable-pip-version-check -r requirements-docs.lock
	@touch $@

dist: $(BIN)/.installed  ## Build the wheel into dist/.
	$(BIN)/python -m hatchling build -t wheel

down: $(BIN)/.installed  ## Take the demo's lab down.
	$(FAB) lab.down

install: $(BIN)/.installed  ## Put carbon-provision on your PATH; it runs this checkout (BINDIR=~/.local/bin).
	@mkdir -p "$(BINDIR)"
	@printf '#!/bin/sh\nexec "%s" "%s" "$$@"\n' "$(CURDIR)/$(BIN)/python" "$(CURDIR)/carbon_provision" > "$(BINDIR)/carbon-provision"
	@chmod 755 "$(BINDIR)/carbon-provision"
	@"$(BINDIR)/carbon-provision" --version
	@case ":$$PATH:" in *":$(BINDIR):"*) ;; *) echo "$(BINDIR) is not on your PATH: add it" ;; esac

lock: ## Resolve the exact versions again.
	$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet pip-tools
	$(VENV)/lock/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --no-header --generate-hashes --allow-unsafe --output-file requirements.lock pyproject.toml
	$(VENV)/lock/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --no-header --generate-hashes --allow-unsafe --extra dev --constraint requirements.lock --output-file requirements-dev.lock
	$(VENV)/lock/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links --no-header --generate-hashes --allow-unsafe --extra docs --constraint requirements.lock --output-file requirements-docs.lock
