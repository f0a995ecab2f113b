package evaluate

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	}
	drawings := map[string]*drawing{"reliability": r.reliabilityDrawing(), "weights": r.weightsDrawing()}
	if r.Ablation != nil {
		drawings["ablation"] = r.Ablation.drawing()
	}
	for _, name := range slices.Sorted(maps.Keys(drawings)) {
		pixels, err := drawings[name].png()
		if err != nil {
			return fmt.Errorf("write results: %w", err)
		}
		files = append(files, file{name + ".svg", drawings[name].svg()}, file{name + ".png", pixels})
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(dir, file.name), file.data, 0o644); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	return nil
}
