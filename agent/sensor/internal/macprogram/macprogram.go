// Package macprogram tells what a program of macOS is, by all that it says of itself: its
// file's name and place, its code signature, and the application that it lies in.
//
// The package imports proto/catalog, agent/sensor/host and its neighbours in
// agent/sensor/internal.
package macprogram

import (
	"path"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/machofile"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/plist"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Identity is what a program's file and bundle say that it is. What they do not say is
// empty.
type Identity struct {
	machofile.Program
	// Seen is whether its file could be read and is a program: what that then does not
	// say, it has not.
	Seen bool
	// Bundle is the identifier of the application around it.
	Bundle string
}

// Read reads a program's file and the list of the application around it. What cannot be
// read says nothing of itself.
func Read(h host.Host, program string) (identity Identity) {
	if info, err := h.Stat(program); err == nil && info.Mode().IsRegular() {
		if f, err := h.Open(program); err == nil {
			defer f.Close()
			identity.Program, err = machofile.Read(f)
			identity.Seen = err == nil
		}
	}
	if bundle := bundleOf(program); bundle != "" {
		if d, err := plist.Read(h, bundle+"/Contents/Info.plist"); err == nil {
			identity.Bundle = d.Text("CFBundleIdentifier")
		}
	}
	return identity
}

// Facts lists what a program shows of its identity, in the catalogue's forms. A program
// whose place is hidden has the name that the kernel tells.
func Facts(program, name string, identity Identity) []catalog.Fact {
	facts := make([]catalog.Fact, 0, 5)
	add := func(kind farmhoundv1.FactKind, value string) {
		if f := (catalog.Fact{Kind: kind, Value: value}); value != "" && !slices.Contains(facts, f) {
			facts = append(facts, f)
		}
	}
	if program != "" {
		name = path.Base(program)
	}
	add(farmhoundv1.FactKind_FACT_KIND_PROCESS, name)
	if path.IsAbs(program) {
		add(farmhoundv1.FactKind_FACT_KIND_PATH, Homeless(path.Clean(program)))
	}
	// Who renames a file leaves the names inside it.
	add(farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID, identity.Bundle)
	add(farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID, identity.Identifier)
	for _, owner := range ownersOf(program, identity.Identifier) {
		add(farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID, owner)
	}
	add(farmhoundv1.FactKind_FACT_KIND_SIGNER, identity.Team)
	return facts
}

// ownersOf lists the identifiers that the application of an extension can have. macOS
// keeps system extensions apart from their applications, whose identifier each of theirs
// has to begin with.
func ownersOf(program, identifier string) (owners []string) {
	const fewest = 3 // words of an application's identifier
	if !strings.Contains(program, ".systemextension/") && !strings.Contains(program, ".appex/") {
		return nil
	}
	for words := strings.Count(identifier, "."); words >= fewest; words-- {
		identifier = identifier[:strings.LastIndexByte(identifier, '.')]
		owners = append(owners, identifier)
	}
	return owners
}

// pathIn finds a program's path in what a process was started with, which begins with the
// count of its words: it is the path as it was given to exec, and lies in the process's own
// memory, where it can be written over. One that is not absolute leads nowhere from here,
// and is as good as hidden.
func pathIn(started []byte) string {
	const countSize = 4
	if len(started) <= countSize {
		return ""
	}
	word, _, _ := strings.Cut(string(started[countSize:]), "\x00")
	if !path.IsAbs(word) {
		return ""
	}
	return word
}

// Homeless writes a path in a home folder as the catalogue does.
func Homeless(name string) string {
	for _, root := range []string{"/var/root/", "/private/var/root/"} {
		if below, ok := strings.CutPrefix(name, root); ok {
			return "~/" + below
		}
	}
	if below, ok := strings.CutPrefix(name, "/Users/"); ok {
		if user, rest, ok := strings.Cut(below, "/"); ok && user != "Shared" {
			return "~/" + rest
		}
	}
	return name
}

// bundleOf is the folder of the outermost application that a program lies in, empty
// where that is none.
func bundleOf(program string) string {
	const inside = ".app/Contents/"
	if at := strings.Index(program, inside); at > 0 {
		return program[:at+len(".app")]
	}
	return ""
}
