# install, uninstall, dist, and packages.  Included by the Makefile.
#
# A list of what goes where is what install copies, what uninstall removes, and what the
# packages are made of.

DATADIR     ?= $(PREFIX)/share
MANDIR      ?= $(DATADIR)/man
DOCDIR      ?= $(DATADIR)/doc/uringspawn
UNITDIR     ?= $(PREFIX)/lib/systemd
SYSCONFDIR  ?= /etc
BASHDIR     ?= $(DATADIR)/bash-completion/completions
ZSHDIR      ?= $(DATADIR)/zsh/site-functions
FISHDIR     ?= $(DATADIR)/fish/vendor_completions.d

docs  := README.md LICENSE $(wildcard docs/*.md docs/*.json docs/*.yaml)
units := $(patsubst docs/systemd/%,%,$(wildcard docs/systemd/uringspawnd.* docs/systemd/user/uringspawnd.*))
units := $(filter %.socket %.service,$(units))
extra := $(patsubst docs/%,%,$(shell find docs/examples docs/openrc docs/s6 docs/container \
	docs/systemd/uringspawnd.service.d -type f 2>/dev/null))

# mode:file:where, where without DESTDIR.
program  = $(foreach f,$(bins),755:$f:$(BINDIR)/$(notdir $f))
runtime  = 755:$(lib_so):$(LIBDIR)/$(notdir $(lib_so))
develop  = 644:$(lib_a):$(LIBDIR)/$(notdir $(lib_a)) \
	644:$B/liburingspawn.pc:$(LIBDIR)/pkgconfig/liburingspawn.pc \
	$(foreach f,$(headers),644:$f:$(INCLUDEDIR)/$(f:include/%=%))
manual   = $(foreach f,$(man),644:$f:$(MANDIR)/man$(subst .,,$(suffix $f))/$(notdir $f))
complete = 644:docs/completions/uringspawn.bash:$(BASHDIR)/uringspawn \
	644:docs/completions/uringspawn.bash:$(BASHDIR)/uringspawnd \
	644:docs/completions/_uringspawn:$(ZSHDIR)/_uringspawn \
	644:docs/completions/uringspawn.fish:$(FISHDIR)/uringspawn.fish \
	644:docs/completions/uringspawn.fish:$(FISHDIR)/uringspawnd.fish
service  = $(foreach f,$(units),644:$B/systemd/$f:$(UNITDIR)/$(if $(filter user/%,$f),$f,system/$f))
document = $(foreach f,$(docs),644:$f:$(DOCDIR)/$(notdir $f)) \
	$(foreach f,$(extra),$(if $(shell test -x docs/$f && echo x),755,644):docs/$f:$(DOCDIR)/$f)
config   = $(SYSCONFDIR)/uringspawnd.conf

to_install   = $(program) $(runtime) $(develop) $(manual) $(complete) $(service) $(document)
install_links = $(lib_link:$B/%=$(LIBDIR)/%)
# Of what is a file, its place.
place = $(word 3,$(subst :, ,$1))

.PHONY: install uninstall dist deb node-package

# Made anew each time, since PREFIX may differ.
$(addprefix $B/systemd/,$(units)): $B/systemd/%: docs/systemd/% force
	$(Q)mkdir -p $(@D)
	$(Q)sed 's|/usr/local/bin/|$(BINDIR)/|' $< > $@

install: all $(addprefix $B/systemd/,$(units)) ## install under PREFIX, staged below DESTDIR
	$(Q)for entry in $(to_install); do \
		mode=$${entry%%:*}; entry=$${entry#*:}; \
		$(INSTALL) -D -m $$mode $${entry%%:*} "$(DESTDIR)$${entry#*:}" || exit 1; done
	$(Q)for l in $(install_links); do ln -sf $(notdir $(lib_so)) "$(DESTDIR)$$l" || exit 1; done
	$(Q)[ -e "$(DESTDIR)$(config)" ] || $(INSTALL) -D -m 644 docs/uringspawnd.conf "$(DESTDIR)$(config)"

# A configuration that was changed stays, and so does a directory that holds something else.
uninstall: ## remove what install put there
	$(Q)for f in $(install_links) $(foreach e,$(to_install),$(call place,$e)); do \
		rm -f "$(DESTDIR)$$f" || exit 1; done
	$(Q)! cmp -s docs/uringspawnd.conf "$(DESTDIR)$(config)" || rm -f "$(DESTDIR)$(config)"
	$(Q)for d in $(DOCDIR) $(INCLUDEDIR)/uringspawn; do [ ! -d "$(DESTDIR)$$d" ] || \
		find "$(DESTDIR)$$d" -depth -type d -exec rmdir {} + 2>/dev/null || :; done

# --- packages, into build/dist ---------------------------------------------------

dist_name := uringspawn-$(VERSION)
dist_tar  := build/dist/$(dist_name).tar.gz

# Always the same bytes for the same tree.
dist: ## build/dist/uringspawn-VERSION.tar.gz, the sources
	$(Q)tools/dist $(dist_name) $(dist_tar)
	$(call say,DIST,$(dist_tar))

node-package: addon ## build/dist/uringspawn-VERSION.tgz, of the Node client, by npm pack
	$(Q)tools/node-package build/dist $(addon)
	$(call say,NPM,build/dist/$(dist_name).tgz)

# BUILT=1 packs the build that is there, rather than one that is made for the packages.
deb: dist node-package $(if $(BUILT),all) ## Debian packages, and the Node client's, into build/dist
	$(Q)tools/deb $(dist_tar) $(if $(BUILT),$(abspath $B))
