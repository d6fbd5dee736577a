UV := .tools/bin/uv
export UV_PYTHON_DOWNLOADS := never
export UV_CACHE_DIR := $(CURDIR)/.tools/cache
export PYTHONPATH :=

run: .venv/run  ## start everything at http://localhost:8000
	@exec .venv/bin/python manage.py dev

requirements: $(UV)  ## pin anew after a change of pyproject.toml
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.txt
	$(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --group dev pyproject.toml -o requirements-dev.txt

$(UV):
	python3 -m pip install --quiet --target .tools uv
