# make run    the whole flow on drawn photographs; make run ARGS="--images DIR --annotations FILE" on yours
# make test   all tests, linters and type checks
PYTHON ?= python3
ARGS ?=

.PHONY: run test
run: .venv/pipeline
	.venv/bin/python -m pipeline run minerals $(ARGS)

test: .venv/tests
	.venv/bin/python -m pytest

.venv/pipeline: requirements.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --requirement requirements.txt
	.venv/bin/python -c "import cv2" || { echo "OpenCV needs system libraries; on Debian and Ubuntu:" \
		"apt-get install libgl1 libglib2.0-0"; exit 1; }
	touch $@

.venv/tests: requirements-dev.txt inference/requirements-serve.txt inference/requirements-ray.txt .venv/pipeline
	.venv/bin/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@
