// Command compile writes the built-in catalogue in the form that agents carry.
// go generate runs it.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/source"
)

func main() {
	out := flag.String("o", "catalog.binpb", "file to write")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out string) error {
	compiled, err := source.Compile(source.Files())
	if err != nil {
		return err
	}
	b, err := catalog.Encode(compiled)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, b, 0o644); err != nil {
		return fmt.Errorf("write compiled catalogue: %w", err)
	}
	return nil
}
