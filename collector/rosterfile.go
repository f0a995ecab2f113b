package collector

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/collector/roster"
)

// maxRosterFiles bounds a folder of rosters.
const maxRosterFiles = 256

// Tools are what people can be approved to use.
type Tools struct {
	// Has says whether there is a tool with an id.
	Has func(id string) bool
	// Signs says whether some tool is signed by a name, written exactly so; where it is
	// not, like is a name that is written differently, empty for none. Nil knows nothing.
	Signs func(signer string) (ok bool, like string)
	// Change is that tools come and go while a roster stays: one that there is not
	// costs its row nothing else then.
	Change bool
}

// ReadRoster reads a roster, or every roster in a folder, CSV or JSON. Bad rows are
// problems and the rest counts; of two files in a folder that speak of one thing the
// first by name counts.
func ReadRoster(path string, known Tools) (*roster.Book, []roster.Problem, error) {
	names, err := rosterFiles(path)
	if err != nil {
		return nil, nil, err
	}
	var (
		files    []*roster.File
		problems []roster.Problem
	)
	for _, name := range names {
		f, found, err := readRosterFile(name, known)
		problems = append(problems, found...)
		if err != nil {
			return nil, problems, err
		}
		files = append(files, f)
	}
	return roster.NewBook(files...), append(problems, roster.Overlaps(files...)...), nil
}

func readRosterFile(path string, known Tools) (*roster.File, []roster.Problem, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read the roster: %w", err)
	}
	defer f.Close()
	read, problems, err := roster.Read(path, f, known.Has, known.Change)
	return read, append(problems, known.unsigned(read)...), err
}

// unsigned names approvals whose signer signs nothing, so that they approve nothing.
func (t Tools) unsigned(f *roster.File) []roster.Problem {
	if f == nil || t.Signs == nil {
		return nil
	}
	return f.Unsigned(func(signer string) string {
		ok, like := t.Signs(signer)
		if ok {
			return ""
		}
		return signsNothing(signer, like)
	})
}

// signsNothing says that an approval by a signer approves nothing.
func signsNothing(signer, like string) string {
	words := fmt.Sprintf("no tool of the catalogue is signed by %q", signer)
	if like != "" {
		words += fmt.Sprintf("; did you mean %q?", like)
	}
	return words
}

// rosterFiles returns the roster at a path or, of a folder, those in it by name: what
// ends in .csv or .json and does not begin with a dot or a tilde, as files do that are
// still being written.
func rosterFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the roster: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("read the folder of rosters: %w", err)
	}
	var names []string
	for _, e := range entries {
		kind := strings.ToLower(filepath.Ext(e.Name()))
		if (kind == ".csv" || kind == ".json") && !strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(e.Name(), "~") && !e.IsDir() {
			names = append(names, filepath.Join(path, e.Name()))
		}
	}
	if len(names) > maxRosterFiles {
		return nil, fmt.Errorf("read the folder of rosters: %s holds more than %d", path, maxRosterFiles)
	}
	slices.Sort(names)
	return names, nil
}
