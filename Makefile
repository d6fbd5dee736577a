UV := .tools/bin/uv
PYTHON := .venv/bin/python
INDEX = UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$(python3 -m pip config get global.index-url 2>/dev/null)}"
INSTALL = @$(INDEX) $(UV) pip $(1) --quiet --python $(PYTHON) --require-hashes
COMPILE = $(INDEX) $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links
# The extras that `make run` installs beside the product: its demo shows programs of each.
PROGRAMS := agents graphs lua mcp
# Files that `make run` shows beside the demo's Python procedures, unless PROCEDURE_FILES names others.
DEMO_FILES := examples/programs/*.yaml, examples/programs/*.tac
DEMO_READERS := {".yaml": "programs.lua.read_plexus", ".tac": "programs.lua.read_tactus"}
ON_POSTGRES := tests/conformance tests/integration tests/crash
# What these look at is the same on any database: `make soak` runs them on both.
ON_ANY := absent_database access admin_frame admin_log admin_operations agents alert_mails \
	announcements answer_files api_callers api_docs api_errors api_faults api_lists \
	api_operations api_responses api_roles api_starts ask broken_files broker bulk_pages \
	bundles bypasses cards changed_code channels_document chat_commands child_rights commands \
	compression deadlines demo detail drawn_evidence drawn_letters edited_files \
	effects_runtime every_kind every_way evidence_files few_files forwarded_addresses \
	front_page full_redis graph_engine hardening home installed invitations irreversible \
	killed_writers kinds_on_pages languages large_admin letters live live_programs live_texts \
	lost_folder machine mail_server mails mcp members_live message_files message_markdown \
	missing_code missing_rows moments_typed names nested_forms nested_starts new_channel \
	new_kind odd_messages older_rows operations operators_rights outsider pages* people_admin \
	people_pages pictures posted_messages prefix presence_typing procedure_files profile \
	programs proven_rows push reasons_for_rights redis_commands refund_over_http release \
	retention_pages role_links role_walk rooms run_cards seed seeds_people sessions_api \
	settings sign_in slow_code slow_reader staff_gains stopped_workers strays stuck_slots \
	subjects surroundings throttle token_scopes usual_next webhook_addresses webhooks weights \
	wrong_settings
# Killed and frozen processes, on the database for many workers; `make soak` has them on both.
KILLS := bulk_killed disasters killed_agents killed_families killed_steps killed_workers \
	retention_killed settings several_webs stuck_steps
# The order of the tests, and the first seed of those that try chance: what holds once holds again.
# `make quick`, `make soak` and a single run choose another each time.
SEED ?= 1
# More than a small machine has cores: much of the time a test waits, for workers, leases and clocks.
PROCESSES ?= 4
PARALLEL := --numprocesses $(PROCESSES) --dist worksteal
# Apart: Playwright leaves an event loop in its thread, in which other tests can't use the database.
BROWSERS := --numprocesses 2 --dist worksteal
export UV_PYTHON_DOWNLOADS := never
export UV_SYSTEM_CERTS := $(if $(wildcard /etc/ssl/cert.pem /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),true,false)
export UV_CACHE_DIR := $(CURDIR)/.tools/cache
export DEMO_READERS
export PYTHONPATH :=
# Without bytecode each process of a site compiles all it imports: seconds, at every start.
export PYTHONDONTWRITEBYTECODE :=

run: .venv/run  ## start everything at http://localhost:8000 (another port: make run PORT=8001)
	@export PROCEDURE_FILES="$${PROCEDURE_FILES-$(DEMO_FILES)}"; \
	export PROCEDURE_READERS="$${PROCEDURE_READERS:-$$DEMO_READERS}"; exec $(PYTHON) manage.py dev

quick: .venv/dev  ## in under a minute: format, lint, layers, types, and what needs no database
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target static quick-tests

static: .venv/dev  ## format, lint, layers and types
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target types layers lint

types: .venv/dev
	.venv/bin/mypy .

layers: .venv/dev
	.venv/bin/lint-imports

lint: .venv/dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .

quick-tests: .venv/dev
	$(PYTHON) -m pytest -q --numprocesses 2 -m 'not soak and not visit and not slow and not django_db' \
		tests/unit tests/conformance

test: .venv/dev  ## every check: format, lint, layers, types, tests on SQLite, then on PostgreSQL
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target types company-tests layers lint
	$(PYTHON) -m pytest $(PARALLEL) --randomly-seed=$(SEED) --ignore=tests/browser \
		$(KILLS:%=--ignore=tests/crash/test_%.py)
	$(PYTHON) -m pytest $(BROWSERS) --randomly-seed=$(SEED) tests/browser
	TEST_DATABASE=postgres $(PYTHON) -m pytest $(PARALLEL) --randomly-seed=$(SEED) $(ON_POSTGRES) \
		$(ON_ANY:%=--ignore-glob='*/test_%.py')

# In one process, as the types are checked in one: `make test` has both at once.
company-tests: .venv/dev
	TEST_SIGN_IN=company $(PYTHON) -m pytest --randomly-seed=$(SEED) tests/company

coverage: .venv/dev  ## the tests on SQLite again, and the lines that none of them runs
	.venv/bin/coverage run -m pytest $(PARALLEL) --ignore=tests/browser
	.venv/bin/coverage run -m pytest $(BROWSERS) tests/browser
	.venv/bin/coverage combine --quiet
	.venv/bin/coverage report

soak: .venv/dev  ## what takes minutes, on both databases
	$(PYTHON) -m pytest -m soak
	$(PYTHON) -m pytest $(KILLS:%=tests/crash/test_%.py)
	TEST_DATABASE=postgres $(PYTHON) -m pytest -m soak $(ON_POSTGRES) tests/storm
	TEST_SIGN_IN=company TEST_DATABASE=postgres $(PYTHON) -m pytest -m 'soak or not soak' tests/company
	TEST_DATABASE=postgres $(PYTHON) -m pytest $(ON_ANY:%=tests/*/test_%.py)

first-visit: .venv/dev  ## clone, run and answer as a newcomer does, and install the client, counted and timed
	$(PYTHON) -m pytest -q -m visit tests/browser tests/client

pictures: .venv/dev  ## take the pictures of the README anew, from the demo
	$(PYTHON) -m tests.pictures

reference: .venv/dev  ## write docs/reference.md anew, from the docstrings
	$(PYTHON) -m tests.reference

audit: .venv/run  ## known vulnerabilities of what is pinned; says so where the service is away
	@$(INDEX) $(PYTHON) -m tests.audit $(UV) tool run --quiet --python $(PYTHON) pip-audit==2.10.1

licences: .venv/run  ## what is installed to run the product, each package with its licence
	@$(PYTHON) -m tests.licences

fix: .venv/dev  ## format and apply safe fixes
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

requirements: $(UV)  ## pin anew after a change of pyproject.toml; what runs is what was tested
	@$(COMPILE) --group dev pyproject.toml -o requirements-dev.txt
	@$(COMPILE) --constraints requirements-dev.txt $(PROGRAMS:%=--extra %) pyproject.toml -o requirements.txt

# Two stamps in one environment: `run` adds what is missing and removes nothing, `dev` is exact.
.venv/run: requirements.txt | $(PYTHON)
	@echo "Installing what the product needs into .venv (once)."
	$(call INSTALL,install) -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt | $(PYTHON)
	@echo "Installing what the checks need into .venv (once)."
	$(call INSTALL,sync) requirements-dev.txt
	@touch $@ .venv/run

$(PYTHON): | $(UV)
	@$(UV) venv --quiet --clear .venv

$(UV):
	@python3 -m pip install --quiet --no-cache-dir --disable-pip-version-check --root-user-action=ignore --upgrade --target .tools uv

.PHONY: run quick static types layers lint quick-tests company-tests test coverage soak first-visit pictures reference audit fix requirements licences
