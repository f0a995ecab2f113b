package collector

import (
	"maps"
	"os"
	"path/filepath"

	"github.com/farmhound-security/farmhound/collector/roster"
)

// rosterFolder remembers the files that were read.
type rosterFolder struct {
	path string // a file or folder; empty without
	read func(path string, known Tools) (*roster.File, []roster.Problem, error)
	seen map[string]os.FileInfo // of versions last tried, by path
	said map[string]string      // failures logged last, so that trying again does not repeat them
	// told are the sources that files are of, gone those of them whose file was not there
	// when last looked: one that is replaced can be missing for a moment.
	told, gone map[string]bool
	// refused are the sources whose file lacks most of what it said; allowed those of them
	// whose file was taken away since, which is how somebody says that it is meant.
	refused, allowed map[string]bool
}

func newRosterFolder(path string) rosterFolder {
	return rosterFolder{
		path: path, read: readRosterFile,
		seen: make(map[string]os.FileInfo), said: make(map[string]string),
		told: make(map[string]bool), gone: make(map[string]bool),
		refused: make(map[string]bool), allowed: make(map[string]bool),
	}
}

// lost returns the sources whose files have not been there for two looks. Where no file
// is there at all they stay: that is more often a share which is not mounted than a
// company without laptops. Without a path no file is wanted any more, and all are lost
// at once.
func (f *rosterFolder) lost(names []string) map[string]bool {
	there := make(map[string]bool, len(names))
	for _, name := range names {
		there[sourceOf(name)], f.told[sourceOf(name)] = true, true
	}
	maps.DeleteFunc(f.seen, func(name string, _ os.FileInfo) bool { return !there[sourceOf(name)] }) // it may come back as it was
	lost, gone := make(map[string]bool), make(map[string]bool)
	for source := range f.told {
		if there[source] {
			continue
		}
		away := f.gone[source]
		if away && f.refused[source] {
			f.allowed[source] = true
		}
		switch {
		case f.path == "" || away && len(names) > 0:
			lost[source] = true
			delete(f.told, source)
		default:
			gone[source] = true
		}
	}
	f.gone = gone
	return lost
}

// forget has files read again, and sources lost again, that the store did not take.
func (f *rosterFolder) forget(read map[string]*roster.File, lost map[string]bool) {
	maps.DeleteFunc(f.seen, func(name string, _ os.FileInfo) bool { return read[sourceOf(name)] != nil })
	for source := range lost {
		f.told[source], f.gone[source] = true, true
	}
}

// settle remembers which of the files that were read were refused.
func (f *rosterFolder) settle(read map[string]*roster.File, refused map[string]error) {
	for source := range read {
		delete(f.allowed, source)
		if delete(f.refused, source); refused[source] != nil {
			f.refused[source] = true
		}
	}
}

func sourceOf(path string) string { return sourceFile + filepath.Base(path) }
