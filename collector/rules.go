package collector

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/farmhound-security/farmhound/collector/detect"
	"github.com/farmhound-security/farmhound/collector/strictyaml"
)

// LoadRules reads the shipped signals and the company's own in folders or single files,
// of which later ones override earlier. Empty paths are left out.
func LoadRules(paths ...string) (*detect.Rules, error) {
	sources, err := signalSources(paths)
	if err != nil {
		return nil, err
	}
	return detect.Load(sources...)
}

// LintRules is LoadRules and returns everything that is wrong with them, also what
// would load.
func LintRules(paths ...string) (*detect.Rules, []strictyaml.Problem, error) {
	sources, err := signalSources(paths)
	if err != nil {
		return nil, nil, err
	}
	return detect.Lint(sources...)
}

func signalSources(paths []string) ([]detect.Source, error) {
	sources := []detect.Source{detect.Shipped()}
	for _, path := range paths {
		if path == "" {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read the signals in %s: %w", path, err)
		case info.IsDir():
			sources = append(sources, detect.Source{Name: path, FS: os.DirFS(path)})
		case filepath.Ext(path) != ".yaml":
			return nil, fmt.Errorf("read the signals in %s: %w", path, errors.New("it is neither a folder nor a file that ends in .yaml"))
		default:
			dir := filepath.Dir(path)
			sources = append(sources, detect.Source{Name: dir, FS: os.DirFS(dir), Only: filepath.Base(path)})
		}
	}
	return sources, nil
}
