package evaluate

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// write leaves the result in a folder, which is made where it is not.
func (r *Result) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	var text bytes.Buffer
	if err := r.json(&text); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	for _, file := range []struct {
		name string
		data []byte
	}{{"result.json", text.Bytes()}} {
		if err := os.WriteFile(filepath.Join(dir, file.name), file.data, 0o644); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	return nil
}
