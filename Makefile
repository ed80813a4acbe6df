# make setup   .venv with everything that the demo and the tests need
# make demo    learns from rated film snippets and scores 25,000 reviews
# make test    lints, checks types and runs the tests, but for the slow ones
# make slow    runs these
# make test-runners   the same jobs on Prism, Flink, Spark and staged for Dataflow, which it installs into .engines
# make bench   compares the speed of everything with what else there is; ARGS='--only score --repeats 1' for a part
# make image IMAGE=REGISTRY/NAME:TAG   the image of workers on Dataflow, Flink and Spark; `make push` pushes it
# make launchers, templates   the images and files of Dataflow's flex templates; see deploy/dataflow/README.md
SHELL := /bin/bash
PYTHON ?= python3.11 python3.12 python3.13 python3
BIN := .venv/bin
READY := .venv/.ready

JOBS := score preprocess

.PHONY: setup demo test slow test-runners lint bench clean image push launchers templates metadata messages

setup: $(READY)

$(READY): pyproject.toml requirements.lock
	@case "$$(uname -sm)" in "Linux x86_64" | "Darwin arm64") ;; \
	*) echo "error: tfx-bsl has wheels for Linux x86-64 and macOS arm64 only, not for $$(uname -sm)" >&2; exit 1 ;; esac
	@for python in $(PYTHON); do \
	  if "$$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	  then found="$$python"; break; fi; done; \
	if [ -z "$$found" ]; then \
	  echo "error: Python 3.11, 3.12 or 3.13 with its venv module is needed; name one with make PYTHON=/path/to/python" >&2; \
	  exit 1; fi; \
	echo "installing into .venv, with $$($$found --version); this takes some minutes"; \
	"$$found" -m venv --clear .venv && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[demo,test]' && \
	touch $(READY)

demo: $(READY)
	@$(BIN)/python -m demo

# In two processes, which together came to hold 9 GB at most: TensorFlow keeps of every model that was loaded.
test: $(READY) lint
	@$(BIN)/python -m pytest -m "not slow and not runners" --numprocesses 2

slow: $(READY)
	@$(BIN)/python -m pytest -m "slow and not runners"

test-runners: $(READY)
	@tests/runners/install.sh
	@tests/runners/alone.sh $(BIN)/python -m pytest -m runners tests/runners

lint: $(READY)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: $(READY)
	@$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf .venv .engines build dist *.egg-info

# Docker reads IMAGE, REGISTRY/NAME:TAG of the workers; a launcher's name is that with its job behind.
image:
	docker build --file deploy/dataflow/worker.Dockerfile --tag $(IMAGE) .

push:
	docker push $(IMAGE)

launchers:
	for job in $(JOBS); do \
	  docker build --file deploy/dataflow/launcher.Dockerfile --build-arg WORKER_IMAGE=$(IMAGE) --build-arg COMMAND=$$job \
	    --tag $(IMAGE)-$$job . && docker push $(IMAGE)-$$job || exit 1; \
	done

# TEMPLATES is a folder of a bucket, gs://BUCKET/FOLDER.
templates:
	for job in $(JOBS); do \
	  gcloud dataflow flex-template build $(TEMPLATES)/$$job.json --image $(IMAGE)-$$job --sdk-language PYTHON \
	    --metadata-file deploy/dataflow/$$job.metadata.json || exit 1; \
	done

# After a change of TensorFlow Serving's version.
messages: $(READY)
	@$(BIN)/python -m serving.write_messages

metadata: $(READY)
	@$(BIN)/python -m deploy.dataflow.write_metadata
