package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/lolrmm"
	"github.com/farmhound-security/farmhound/proto/catalog/source"
)

type catalogImportCmd struct {
	List   string `arg:"" help:"LOLRMM's published list: its JSON, one of its YAML files, or a folder of them." type:"existingpath"`
	Out    string `short:"o" required:"" help:"Folder to write one file per entry to, or a file ending in .yaml for all of them." type:"path" placeholder:"DIR"`
	Prune  bool   `help:"Remove from the folder what an earlier import wrote and this list no longer has."`
	Report string `help:"File to write what became of every published value to, as JSON." type:"path" placeholder:"FILE"`
}

// Run maps the list, checks the entries as catalog lint does, and writes them.
func (c *catalogImportCmd) Run(s *surroundings) error {
	tools, err := readList(c.List)
	if err != nil {
		return err
	}
	report := lolrmm.Import(tools, catalog.BuiltIn())
	said, err := c.write(report)
	if err != nil {
		return err
	}
	if c.Report != "" {
		text, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return fmt.Errorf("write the report: %w", err)
		}
		if err := os.WriteFile(c.Report, append(text, '\n'), 0o644); err != nil { //nolint:gosec // nothing in it is secret
			return fmt.Errorf("write the report: %w", err)
		}
	}
	_, err = fmt.Fprint(s.out, report.Summary(), said)
	return err
}

func readList(path string) ([]lolrmm.Tool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the list: %w", err)
	}
	files := []string{path}
	if info.IsDir() {
		files = nil
		for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
			found, err := filepath.Glob(filepath.Join(path, pattern))
			if err != nil {
				return nil, fmt.Errorf("read the list: %w", err)
			}
			files = append(files, found...)
		}
		slices.Sort(files)
	}
	var tools []lolrmm.Tool
	var problems []error
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the list: %w", err)
		}
		found, err := lolrmm.Parse(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", file, err))
			continue
		}
		tools = append(tools, found...)
	}
	if len(tools) == 0 && len(problems) == 0 {
		problems = append(problems, fmt.Errorf("%s holds no tool", path))
	}
	return tools, errors.Join(problems...)
}

// write writes the entries, once all of them stand beside the built-in ones and what is
// there without a complaint, and says what an earlier import left.
func (c *catalogImportCmd) write(report *lolrmm.Report) (said string, err error) {
	texts, all, err := textsOf(report)
	if err != nil {
		return "", err
	}
	dir, layer := c.Out, fs.FS(nil)
	var left []string
	if ext := filepath.Ext(c.Out); ext == ".yaml" || ext == ".yml" {
		dir, texts = filepath.Dir(c.Out), map[string][]byte{filepath.Base(c.Out): all}
		_, err = earlier(dir, texts) // what else is in its folder is somebody else's
	} else {
		layer = os.DirFS(dir)
		left, err = earlier(dir, texts)
	}
	if err != nil {
		return "", err
	}
	if c.Prune {
		for _, name := range left {
			texts[name] = nil
		}
	}
	if _, err := source.Compile(source.Files(), source.Over(layer, texts)); err != nil {
		return "", err
	}
	if err := put(dir, texts); err != nil {
		return "", fmt.Errorf("write entries: %w", err)
	}
	switch {
	case len(left) == 0:
		return "", nil
	case c.Prune:
		return "Removed, for the list no longer has them: " + strings.Join(left, ", ") + ".\n", nil
	default:
		return "Left from an earlier import, though this list does not have them: " + strings.Join(left, ", ") + ". With --prune they go.\n", nil
	}
}

// textsOf are the entries by the names of their files, and all of them in one.
func textsOf(report *lolrmm.Report) (texts map[string][]byte, all []byte, err error) {
	texts = map[string][]byte{}
	for _, e := range report.PerEntry {
		text, err := e.YAML()
		if err != nil {
			return nil, nil, err
		}
		if text != nil {
			texts[e.ID+".yaml"] = text
			all = append(append(all, "---\n"...), text...)
		}
	}
	return texts, all, nil
}

// earlier lists what a folder holds of an earlier import beside the texts, and refuses
// to replace what was not imported.
func earlier(dir string, texts map[string][]byte) (left []string, err error) {
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("write entries: %w", err)
	}
	for _, file := range files {
		name := file.Name()
		_, replaced := texts[name]
		if file.IsDir() || !replaced && filepath.Ext(name) != ".yaml" {
			continue
		}
		before, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("write entries: %w", err)
		}
		imported := bytes.Contains(before, []byte("origin: "+lolrmm.Origin))
		switch {
		case replaced && !imported:
			return nil, fmt.Errorf("%s was not imported and is left as it is: name another folder", filepath.Join(dir, name))
		case imported && !replaced:
			left = append(left, name)
		}
	}
	return left, nil
}

// put writes texts to a folder; those that are nil are removed.
func put(dir string, texts map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // nothing in it is secret
		return err
	}
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if text == nil {
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // nothing in it is secret
			return err
		}
	}
	return nil
}
