# The project's commands: `make` lists them. Each one sets up .venv first if it has to.

VENV := .venv
RUN := $(VENV)/bin/python -m
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run test soak lint size bench accuracy deploy pictures clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## build .venv from the pinned requirements (PYTHON=... to choose the Python)

$(READY): requirements.txt requirements-stubs.txt tools/setup.sh
	@PYTHON="$(PYTHON)" sh tools/setup.sh $(VENV)

run: $(READY) ## start a live virtual meter, say where its web panel and its ports are
	@$(RUN) tools.bench run $(ARGS)

test: $(READY) ## the tests (ARGS="-k name" to choose)
	@$(RUN) pytest -n 2 $(ARGS)

soak: $(READY) ## the long tests
	@$(RUN) pytest -n 2 -m soak $(ARGS)

lint: $(READY) ## style, format and types
	@failed=; \
	$(RUN) ruff check || failed=1; \
	$(RUN) ruff format --check || failed=1; \
	$(RUN) mypy || failed=1; \
	for ini in boards/*/mypy.ini; do \
		echo "mypy: the firmware as $$(dirname $$ini) sees it"; \
		$(RUN) mypy --config-file $$ini || failed=1; \
	done; \
	[ -z "$$failed" ]

size: $(READY) ## code size per architecture and heap use against the budgets
	@$(RUN) tools.size

bench: $(READY) ## what the kernels cost, in instructions counted on the targets' code; JSON in build/bench.json
	@$(RUN) tools.kernel_bench $(ARGS)

accuracy: $(READY) ## errors of many meters against the class limits, build/accuracy.json (ARGS=--quick)
	@$(RUN) tools.accuracy $(ARGS)

deploy: $(READY) ## put the firmware on a board: make deploy BOARD=pico2 PORT=/dev/ttyACM0 (or ARGS=--dry-run)
	@$(RUN) tools.deploy $(if $(BOARD),--board $(BOARD)) $(if $(PORT),--port $(PORT)) $(ARGS)

pictures: $(READY) ## take the README's pictures anew
	@$(RUN) tools.pictures

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) .build build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
