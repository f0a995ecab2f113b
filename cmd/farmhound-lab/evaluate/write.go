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
	type file struct {
		name string
		data []byte
	}
	files := []file{
		{"result.json", text.Bytes()}, {"result.md", r.markdown()},
		{"reliability.svg", r.reliabilityDrawing()}, {"weights.svg", r.weightsDrawing()},
	}
	if r.Ablation != nil {
		files = append(files, file{"ablation.svg", r.Ablation.drawing()})
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(dir, file.name), file.data, 0o644); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	return nil
}
