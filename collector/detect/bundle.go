package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
)

// layer is what one source held when it was read.
type layer struct {
	name  string // stands before file names in problems
	files []file
}

// file is one file of signals with its text.
type file struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// place is how problems name the file.
func (l *layer) place(f file) string { return path.Join(l.name, f.Name) }

// read returns the files of a source, ordered by name.
func (s Source) read() (*layer, error) {
	names, err := fs.Glob(s.FS, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the signals of %s: %w", s.Name, err)
	}
	if s.Only != "" {
		names = []string{s.Only}
	}
	l := &layer{name: s.Name}
	for _, name := range names {
		text, err := fs.ReadFile(s.FS, name)
		if err != nil {
			return nil, fmt.Errorf("read a signal of %s: %w", s.Name, err)
		}
		l.files = append(l.files, file{name, string(text)})
	}
	return l, nil
}

// Bundle returns the text of all signals in one piece, from which LoadBundle makes the
// same rules again. What the sources are called is not in it: the same signals in
// another folder are the same rules.
func (r *Rules) Bundle() []byte { return r.bundle }

// Digest names the rules: SHA-256 of Bundle, in hexadecimal. How signals are added up
// is code, which the collector's version names.
func (r *Rules) Digest() string { return r.digest }

// LoadBundle makes rules of what Bundle returned.
func LoadBundle(bundle []byte) (*Rules, error) {
	var sources [][]file
	if err := json.Unmarshal(bundle, &sources); err != nil {
		return nil, fmt.Errorf("read a bundle of signals: %w", err)
	}
	layers := make([]*layer, len(sources))
	for i, files := range sources {
		layers[i] = &layer{name: fmt.Sprintf("bundle/%d", i), files: files}
	}
	return load(layers)
}

// seal keeps the texts that rules were made of, and their digest.
func (r *Rules) seal(layers []*layer) error {
	sources := make([][]file, 0, len(layers))
	for _, l := range layers {
		if len(l.files) > 0 {
			sources = append(sources, l.files)
		}
	}
	text, err := json.Marshal(sources)
	if err != nil {
		return fmt.Errorf("bundle the signals: %w", err)
	}
	sum := sha256.Sum256(text)
	r.bundle, r.digest = text, hex.EncodeToString(sum[:])
	return nil
}
