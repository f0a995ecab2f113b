package sighting

import (
	"regexp"
	"strings"

	"github.com/farmhound-security/farmhound/proto/catalog"
)

var (
	// packaged is what stands behind a package's name in listings and file names.
	packaged = regexp.MustCompile(`(?i)(:(amd64|i386|arm64|armhf|all)|[_.-](x86_64|amd64|i[3-6]86|aarch64|arm64|armhf|noarch|all)|\.(deb|rpm|pkg|msi|appimage|snap|flatpak))+$`)
	release  = regexp.MustCompile(`[ _=/-]v?\d+[0-9A-Za-z.+~:_-]*$`)
)

// pkg takes a name, also with version and architecture, of dpkg, rpm, flatpak, snap,
// winget and installer receipts.
func (t *touches) pkg(value string) error {
	value = strings.TrimPrefix(strings.TrimPrefix(value, "app/"), "./")
	if i := strings.LastIndexByte(value, '/'); i >= 0 && packaged.MatchString(value) {
		value = value[i+1:]
	}
	t.seen(pkg, value)
	bare := packaged.ReplaceAllString(value, "")
	t.seen(pkg, bare)
	for range 2 { // rpm has a version and a release
		shorter := release.ReplaceAllString(bare, "")
		if shorter == bare || len(shorter) < 3 {
			break
		}
		bare = shorter
		t.seen(pkg, bare)
	}
	t.derived(bundleID, bare)
	switch t.os {
	case windows:
		t.winget(bare)
	case macOS:
		t.homebrew(bare)
	case linux:
		t.flatpak(bare)
		t.derived(service, packaged.ReplaceAllString(value, ""))
	}
	return nil
}

// spaced finds where words are written together: VNCServer, RemoteUtilitiesHost.
var spaced = regexp.MustCompile(`([A-Z])([A-Z][a-z])|([a-z])([A-Z])`)

// familyName is what Windows puts behind the name of an application from its store.
var familyName = regexp.MustCompile(`_[0-9a-hj-km-np-tv-z]{13}$`)

// winget reads Maker.Product as what its installer and its program are called.
func (t *touches) winget(value string) {
	t.derived(uninstall, value)
	parts := strings.Split(familyName.ReplaceAllString(value, ""), ".")
	words := strings.Join(parts[1:], " ")
	if len(words) < 4 {
		return
	}
	for _, form := range []string{words, parts[0] + " " + words, spaced.ReplaceAllString(words, "$1$3 $2$4")} {
		t.derived(uninstall, form)
		t.derived(product, form)
	}
	t.derived(process, strings.ToLower(parts[1])+".exe")
}

// homebrew reads a cask as the application that it installs, and a formula as the
// package that Linux has under the same name.
func (t *touches) homebrew(value string) {
	if strings.Count(value, ".") > 1 {
		return // a receipt
	}
	value, _, _ = strings.Cut(value, "@")
	t.derived(process, value)
	t.take(t.reader.applications[lettersOf(value)], true)
	elsewhere := touches{reader: t.reader, os: linux}
	elsewhere.derived(pkg, value)
	t.all = append(t.all, elsewhere.all...)
}

// flatpak reads the end of org.maker.Product as what other packagers call it.
func (t *touches) flatpak(value string) {
	if i := strings.LastIndexByte(value, '.'); strings.Count(value, ".") >= 2 && len(value)-i > 4 {
		t.derived(pkg, value[i+1:])
	}
}

// applications finds what catalogue entries install on macOS by the letters of its
// name, as a cask spells it.
func applications(c *catalog.Catalog) map[string][]catalog.Touch {
	found := map[string][]catalog.Touch{}
	for _, e := range c.Entries() {
		for _, f := range e.GetFacts() {
			rest, installed := strings.CutPrefix(f.GetValue(), "/Applications/")
			name, bundle := strings.CutSuffix(rest, ".app/")
			if f.GetOs() == macOS && f.GetKind() == path && installed && bundle {
				found[lettersOf(name)] = append(found[lettersOf(name)], catalog.Touch{Entry: e, Fact: f})
			}
		}
	}
	return found
}
