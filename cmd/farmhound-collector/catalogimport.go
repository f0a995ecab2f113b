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
	Report string `help:"File to write what became of every published value to, as JSON." type:"path" placeholder:"FILE"`
}

// Run maps the list, checks the entries as catalog lint does, and writes them.
func (c *catalogImportCmd) Run(s *surroundings) error {
	tools, err := readList(c.List)
	if err != nil {
		return err
	}
	report := lolrmm.Import(tools, catalog.BuiltIn())
	if err := c.write(report); err != nil {
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
	_, err = fmt.Fprint(s.out, report.Summary())
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

// write writes the entries that stand beside the built-in ones without a complaint.
func (c *catalogImportCmd) write(report *lolrmm.Report) error {
	texts := map[string][]byte{}
	var all bytes.Buffer
	for _, e := range report.PerEntry {
		text, err := e.YAML()
		if err != nil {
			return err
		}
		if text != nil {
			texts[e.ID+".yaml"] = text
			all.WriteString("---\n")
			all.Write(text)
		}
	}
	if ext := filepath.Ext(c.Out); ext == ".yaml" || ext == ".yml" {
		texts = map[string][]byte{filepath.Base(c.Out): all.Bytes()}
		if err := c.writeFiles(filepath.Dir(c.Out), texts); err != nil {
			return err
		}
		_, err := source.Compile(source.Files(), source.Single(c.Out))
		return err
	}
	if err := c.writeFiles(c.Out, texts); err != nil {
		return err
	}
	_, err := source.Compile(source.Files(), os.DirFS(c.Out))
	return err
}

// writeFiles replaces nothing that was not imported before.
func (c *catalogImportCmd) writeFiles(dir string, texts map[string][]byte) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // nothing in it is secret
		return fmt.Errorf("write entries: %w", err)
	}
	for name, text := range texts {
		path := filepath.Join(dir, name)
		before, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("write entries: %w", err)
		}
		if err == nil && !strings.Contains(string(before), "origin: "+lolrmm.Origin) {
			return fmt.Errorf("%s was not imported and is left as it is: name another folder", path)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // nothing in it is secret
			return fmt.Errorf("write entries: %w", err)
		}
	}
	return nil
}
