// Command compile writes the built-in catalogue in the form that agents carry.
// go generate runs it.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/source"
)

func main() {
	out := flag.String("o", "catalog.binpb.gz", "file to write")
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
	// Another compressor may pack the same catalogue in other words, which is no change.
	if had, err := os.Open(out); err == nil {
		before, err := catalog.Unpack(had)
		had.Close()
		if err == nil && bytes.Equal(before, b) {
			return nil
		}
	}
	packed, err := catalog.Pack(b)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, packed, 0o644); err != nil {
		return fmt.Errorf("write compiled catalogue: %w", err)
	}
	return nil
}
