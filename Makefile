# Every line below is a command that you could type yourself.

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# What `make setup` installs where it is missing: compilers and tools, no daemon.
PACKAGES := build-essential ca-certificates clang clang-format clang-tidy cppcheck debootstrap git \
	graphviz libclang-rt-dev libpam0g-dev llvm ninja-build nettle-dev pkg-config python3 python3-dev \
	python3-venv qemu-system-x86 systemd zbar-tools

# What `make deb` builds and looks through packages with.
DEB_PACKAGES := build-essential debhelper dh-python libpam0g-dev lintian meson nettle-dev pkg-config \
	python3-cffi python3-click python3-dev

# The folders are among these too: a file that has gone changes its folder's time.
SOURCES := $(wildcard pyproject.toml meson.build meson_options.txt LICENSE LICENSES/* README.md) \
	$(shell find pam_module cli pamconf -name __pycache__ -prune -o -print 2>/dev/null)
DEB_SOURCES := $(SOURCES) CHANGELOG.md SECURITY.md $(wildcard docs/*.md docs/man/*) \
	$(shell find contrib debian 2>/dev/null)
C_SOURCES := $(shell find pam_module bench tests/c tests/fuzz -name '*.[ch]' 2>/dev/null)

FUZZ_SECONDS ?= 60

LAB := $(SUDO) .venv/bin/python -m lab
PYTEST := .venv/bin/python -m pytest -p no:cacheprovider

.DELETE_ON_ERROR:
.PHONY: help setup packages demo install deb test suite hosts guests lint analyze native bench fuzz sanitize \
	valgrind coverage pages test-container clean

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

setup: packages .venv/.installed ## install what is missing, build, and make .venv

packages:
	@missing=$$(for package in $(PACKAGES); do \
		dpkg-query --show --showformat '$${db:Status-Status}\n' $$package 2>/dev/null \
			| grep -qx installed || echo $$package; done); \
	test -z "$$missing" || { \
		$(SUDO) apt-get update && \
		$(SUDO) env DEBIAN_FRONTEND=noninteractive \
			apt-get install --yes --no-install-recommends $$missing; \
	}

# The Python of Debian, whichever comes first in PATH: private hosts have the same one.
.venv/bin/pip: | packages
	/usr/bin/python3 -m venv .venv

build/wheels/.built: $(SOURCES) | .venv/bin/pip
	rm -rf build/wheels
	.venv/bin/python -m pip wheel --quiet --wheel-dir build/wheels .
	touch $@

# The first line replaces what is there, the second adds what is missing.
.venv/.installed: build/wheels/.built
	.venv/bin/python -m pip install --quiet --no-deps --force-reinstall build/wheels/doorward-*.whl
	.venv/bin/python -m pip install --quiet "$$(echo build/wheels/doorward-*.whl)[dev]"
	touch $@

demo: setup ## log in over SSH and on a screen in a private host: right codes, wrong codes, none
	$(LAB) run .venv/bin/python -m demo

install: setup ## put doorward on this machine: /opt/doorward, man pages, and the PAM module
	$(SUDO) /usr/bin/python3 -m venv /opt/doorward
	$(SUDO) /opt/doorward/bin/pip install --quiet --no-index --find-links build/wheels \
		--force-reinstall doorward
	$(SUDO) ln -sfn /opt/doorward/bin/doorward /usr/local/bin/doorward
	$(SUDO) install -D --mode=644 --target-directory=/usr/local/share/man/man1 docs/man/*.1
	$(SUDO) install -D --mode=644 --target-directory=/usr/local/share/man/man8 docs/man/*.8
	$(SUDO) doorward pam install-module

deb: build/deb/.built ## the Debian packages libpam-doorward and doorward, in build/deb

# Out of a copy of what they hang on, and with Debian's own tools, whichever come first in PATH.
build/deb/.built: $(DEB_SOURCES)
	@$(MAKE) --no-print-directory packages PACKAGES="$(DEB_PACKAGES)"
	rm -rf build/deb
	mkdir -p build/deb/source
	tar --create --no-recursion $(DEB_SOURCES) | tar --extract --directory=build/deb/source
	cd build/deb/source && \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin DEB_BUILD_OPTIONS=noautodbgsym \
		dpkg-buildpackage --build=binary --no-sign
	touch $@

test: lint analyze fuzz sanitize valgrind coverage suite ## everything, here and in private hosts

suite: hosts guests ## all tests, once

hosts: native deb ## those on the machine itself, and in private hosts
	.venv/bin/python -m pytest tests/unit tests/build
	$(LAB) run $(PYTEST) tests/pam tests/e2e

guests: setup ## those around virtual machines
	$(SUDO) $(PYTEST) tests/vm

lint: setup ## ruff, mypy, clang-format, and no warning from gcc or clang
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	clang-format --dry-run -Werror $(C_SOURCES)
	CC=gcc .venv/bin/meson setup build/gcc -Dpython=disabled -Dtests=true -Dwerror=true
	.venv/bin/meson compile -C build/gcc
	CC=clang .venv/bin/meson setup build/clang -Dpython=disabled -Dtests=true -Dwerror=true
	.venv/bin/meson compile -C build/clang

analyze: setup ## clang-tidy, cppcheck and gcc's analyzer
	CC=clang .venv/bin/meson setup build/clang -Dpython=disabled -Dtests=true -Dwerror=true
	clang-tidy -p build/clang --quiet $(filter %.c,$(C_SOURCES))
	cppcheck --quiet --enable=warning,performance,portability --std=c11 --error-exitcode=1 \
		-D_GNU_SOURCE pam_module bench tests/c tests/fuzz
	CC=gcc .venv/bin/meson setup build/analyzer -Dpython=disabled -Dwerror=true -Dc_args=-fanalyzer
	.venv/bin/meson compile -C build/analyzer

# What is left out when another program or another build logs in: tests that bring a program of
# their own to run it under (strace, valgrind), look at the bare program's memory, or at the log, or
# are about other modules.
UNDER_TOOLS := $(filter-out %/test_defects.py %_faults.py %_oracle.py %/test_fail2ban.py %/test_memory.py,\
	$(wildcard tests/pam/test_*.py))

sanitize: setup ## the tests of the module under AddressSanitizer and UBSan
	CC=clang .venv/bin/meson setup build/asan -Dpython=disabled -Dtests=true -Db_lundef=false \
		-Db_sanitize=address,undefined -Dc_args=-fno-sanitize-recover=all \
		--buildtype=debugoptimized
	.venv/bin/meson compile -C build/asan
	$(LAB) run env DOORWARD_TEST_BUILD=build/asan $(PYTEST) $(UNDER_TOOLS)

# Two at the same moment, each with a half, for every login takes a second here. The allocator is
# valgrind's own, so that memory does not run out when a test says so.
VALGRIND := valgrind -q --vgdb=no --error-exitcode=99 --leak-check=full \
	--errors-for-leak-kinds=definite,indirect,possible
valgrind: native ## the tests of the module under valgrind: no error, no leak
	@$(LAB) run env "DOORWARD_TEST_UNDER=$(VALGRIND)" $(PYTEST) tests/pam/test_cases.py & half=$$!; \
	$(LAB) run env "DOORWARD_TEST_UNDER=$(VALGRIND)" $(PYTEST) \
		$(filter-out %/test_cases.py %/test_no_memory.py,$(UNDER_TOOLS)); other=$$?; \
	wait $$half && test $$other = 0

# LLVM_PROFILE_FILE says where the counters go when a process ends or lets go of the module: into a
# file that all users can write. Without it they go nowhere.
COUNTED := -fprofile-instr-generate=/dev/null -fcoverage-mapping
coverage: setup ## which branches the tests take, of the C code and of pamconf
	$(SUDO) rm -rf build/counted
	CC=clang .venv/bin/meson setup build/coverage -Dtests=true \
		"-Dpython.platlibdir=$(CURDIR)/build/counted/python" \
		"-Dc_args=$(COUNTED)" "-Dc_link_args=$(COUNTED)"
	.venv/bin/meson install --quiet -C build/coverage
	PYTHONPATH=build/counted/python LLVM_PROFILE_FILE="$(CURDIR)/build/counted/unit/%m.profraw" \
		$(PYTEST) tests/unit
	$(LAB) run sh -c 'rm -rf /tmp/counted && mkdir -m 777 /tmp/counted && \
		DOORWARD_TEST_BUILD=build/coverage LLVM_PROFILE_FILE=/tmp/counted/%m.profraw \
		$(PYTEST) --ignore-glob=*_oracle.py tests/pam && cp -r /tmp/counted build/counted/pam'
	.venv/bin/python -m tests.coverage
	.venv/bin/python -m coverage run -m pytest -p no:cacheprovider tests/unit/test_pamconf_*.py
	.venv/bin/python -m coverage report

native: setup
	.venv/bin/meson setup build/native -Dpython=disabled -Dtests=true
	.venv/bin/meson compile -C build/native

bench: native ## the module beside google-authenticator and oath: bench/results.md
	$(LAB) run .venv/bin/python -m bench

pages: setup ## docs/lint, from what is said at the checks
	.venv/bin/python -m tests.lint_pages

fuzz: setup ## fuzz the core, each part for FUZZ_SECONDS
	CC=clang .venv/bin/meson setup build/fuzz -Dpython=disabled -Dfuzz=true \
		-Db_sanitize=address,undefined -Db_lundef=false --buildtype=debugoptimized
	.venv/bin/meson compile -C build/fuzz
	.venv/bin/python -m tests.fuzz $(FUZZ_SECONDS)

test-container: setup ## the same tests in a throwaway container
	@docker info >/dev/null 2>&1 || podman info >/dev/null 2>&1 || \
		$(MAKE) --no-print-directory packages PACKAGES=buildah
	$(LAB) container

clean: ## remove all that was built in this checkout
	$(SUDO) rm -rf .venv build .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec $(SUDO) rm -rf {} +
