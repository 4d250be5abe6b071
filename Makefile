# make run    the whole flow on drawn photographs; make run ARGS="--images DIR --annotations FILE" on yours
# make test   all tests, linters and type checks; those of the next line need more, and are skipped without it
# make test-mediapipe   another program's client opens the released models (installs MediaPipe beside, 600 MB)
PYTHON ?= python3
ARGS ?=

.PHONY: run test test-mediapipe
run: .venv/pipeline
	.venv/bin/python -m pipeline run minerals $(ARGS)

test: .venv/tests
	.venv/bin/python -m pytest

test-mediapipe: .venv/tests .venv-mediapipe/ready
	.venv/bin/python -m pytest tests/test_mediapipe.py

.venv-mediapipe/ready: tests/requirements-mediapipe.txt
	$(PYTHON) -m venv .venv-mediapipe
	.venv-mediapipe/bin/python -m pip install --quiet --requirement tests/requirements-mediapipe.txt
	.venv-mediapipe/bin/python -c "import mediapipe.tasks" || { echo "MediaPipe needs system libraries; on Debian" \
		"and Ubuntu: apt-get install libegl1 libgles2"; exit 1; }
	touch $@

.venv/pipeline: requirements.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --requirement requirements.txt
	.venv/bin/python -c "import cv2" || { echo "OpenCV needs system libraries; on Debian and Ubuntu:" \
		"apt-get install libgl1 libglib2.0-0"; exit 1; }
	touch $@

.venv/tests: requirements-dev.txt inference/requirements-serve.txt inference/requirements-ray.txt .venv/pipeline
	.venv/bin/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@
