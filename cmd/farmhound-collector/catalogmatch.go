package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/sighting"
	"github.com/farmhound-security/farmhound/proto/catalog/source"
)

type catalogMatchCmd struct {
	Facts   string `short:"f" required:"" help:"File with one JSON object per line, {\"os\": …, \"facts\": [{\"kind\": …, \"value\": …}]}; - for standard input." placeholder:"FILE"`
	Catalog string `help:"Compiled catalogue to use instead of the built-in one; or a folder with entries, which stand beside the built-in ones." type:"existingpath" placeholder:"FILE"`
}

// Run prints for every line which entries its facts touch. A line that cannot be used
// is named on standard error and fails the command; the others are judged.
func (c *catalogMatchCmd) Run(s *surroundings) error {
	using, err := readCatalog(c.Catalog)
	if err != nil {
		return err
	}
	in := s.in
	if c.Facts != "-" {
		file, err := os.Open(c.Facts)
		if err != nil {
			return fmt.Errorf("read facts: %w", err)
		}
		defer file.Close()
		in = file
	}
	return matchLines(sighting.New(using), in, s)
}

func matchLines(reader *sighting.Reader, in io.Reader, s *surroundings) error {
	buffered := bufio.NewWriter(s.out)
	out := json.NewEncoder(buffered)
	out.SetEscapeHTML(false)
	bad := 0
	err := reader.Each(in, func(r sighting.Result) error { return out.Encode(r) }, func(c sighting.Complaint) {
		bad++
		fmt.Fprintf(s.errOut, "farmhound-collector: %s\n", printable(c.Error()))
	})
	if flushed := buffered.Flush(); err == nil {
		err = flushed
	}
	if err == nil && bad > 0 {
		err = errSaid
	}
	return err
}

// readCatalog loads a compiled catalogue, or compiles a folder of entries together
// with the built-in ones. Without a path it is the built-in catalogue.
func readCatalog(path string) (*catalog.Catalog, error) {
	if path == "" {
		return catalog.BuiltIn(), nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	if ext := filepath.Ext(path); !info.IsDir() && ext != ".yaml" && ext != ".yml" {
		encoded, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the catalogue: %w", err)
		}
		loaded, err := catalog.Load(encoded)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return loaded, nil
	}
	compiled, err := source.Compile(source.Files(), layerOf(path))
	if err != nil {
		return nil, err
	}
	encoded, err := catalog.Encode(compiled)
	if err != nil {
		return nil, err
	}
	return catalog.Load(encoded)
}
