package detect

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What the README shows as signals are signals.
func TestTheReadmesExamplesAreSound(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, block := range regexp.MustCompile(`(?m)(?:^    .*\n)+`).FindAllString(string(text), -1) {
		if strings.HasPrefix(block, "    id: ") {
			files = append(files, regexp.MustCompile(`(?m)^    `).ReplaceAllString(block, ""))
		}
	}
	if len(files) != 2 {
		t.Fatalf("%d examples", len(files))
	}
	r, problems, err := Lint(Shipped(), source(files...))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	for _, failure := range r.Test() {
		if strings.HasPrefix(failure.File, "own/") {
			t.Error(failure)
		}
	}
	for _, f := range []string{"enabled", "shadow", "withdrawn", "displaced", "only_with", "beside", "circumstantial", "attack", "note"} {
		if !strings.Contains(string(text), "`"+f) {
			t.Errorf("the key %s is not told of", f)
		}
	}
}
