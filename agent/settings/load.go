package settings

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Value is a setting as text, with the place it came from for errors.
type Value struct {
	Text  string
	Where string
}

// Layer is one source of settings: values by key.
type Layer map[string]Value

// Sources are where Load looks, the first that has a setting wins.
type Sources struct {
	// Flags are the flags that were given.
	Flags Layer
	// Environ is the environment, as os.Environ returns it.
	Environ []string
	// Policy is what the company's device management set on this machine. Nil
	// where there is none.
	Policy Layer
	// File is the settings file. Empty means DefaultFile, if it exists.
	File string
	// Unprivileged leaves out a DefaultFile that this user may not read.
	Unprivileged bool
}

// Load returns the settings. The error joins everything that is wrong.
func Load(sources Sources) (Settings, error) {
	result, _, err := Trace(sources)
	return result, err
}

// Trace is Load that also returns, by key, where each setting came from. Keys that
// nobody set are not in it.
func Trace(sources Sources) (Settings, map[string]string, error) {
	from := map[string]string{}
	file, err := fileLayer(sources.File, sources.Unprivileged)
	if err != nil {
		return Settings{}, nil, err
	}
	environment, err := environmentLayer(sources.Environ)
	if err != nil {
		return Settings{}, nil, err
	}
	result := Defaults()
	var problems []error
	for _, setting := range All() {
		for _, layer := range []Layer{sources.Flags, environment, sources.Policy, file} {
			value, ok := layer[setting.Key]
			if !ok {
				continue
			}
			from[setting.Key] = value.Where
			if err := setting.set(&result, value.Text); err != nil {
				problems = append(problems, fmt.Errorf("%s: %s %w", value.Where, setting.Key, err))
			}
			break
		}
	}
	if err := errors.Join(problems...); err != nil {
		return Settings{}, nil, err
	}
	return result, from, nil
}

const prefix = "FARMHOUND_"

// environmentLayer takes the variables that belong to the agent. One that looks
// like a misspelt setting is an error, because the setting that was meant would
// silently not hold; others with the prefix belong to other programs.
func environmentLayer(environ []string) (Layer, error) {
	layer := Layer{}
	var problems []error
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		word, ours := strings.CutPrefix(name, prefix)
		if !ours {
			continue
		}
		key := strings.ToLower(word)
		if !known(key) {
			if hint := nearest(key, keys()); hint != "" {
				problems = append(problems, fmt.Errorf("environment: unknown variable %s%s", name, hint))
			}
			continue
		}
		if text != "" {
			layer[key] = Value{Text: text, Where: "environment " + name}
		}
	}
	return layer, errors.Join(problems...)
}

func fileLayer(path string, unprivileged bool) (Layer, error) {
	named := path != ""
	if !named {
		path = DefaultFile()
	}
	file, err := os.Open(path)
	if !named && (errors.Is(err, os.ErrNotExist) || unprivileged && errors.Is(err, os.ErrPermission)) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	defer file.Close()
	data := make([]byte, maxFile+1)
	n, err := readUpTo(file, data)
	if err != nil {
		return nil, fmt.Errorf("read settings %s: %w", path, err)
	}
	if n > maxFile {
		return nil, fmt.Errorf("read settings: %s is longer than %d bytes", path, maxFile)
	}
	return parseFile(path, data[:n])
}

func readUpTo(r io.Reader, into []byte) (int, error) {
	n, err := io.ReadFull(r, into)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// nearest returns a hint that names the known word closest to a wrong one, or
// nothing when none is close.
func nearest(wrong string, known []string) string {
	best, least := "", len(wrong)/4+1
	for _, word := range known {
		if d := distance(wrong, word); d <= least {
			best, least = word, d-1
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
