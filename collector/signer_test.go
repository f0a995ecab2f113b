package collector

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An approval by a signer who signs nothing would approve nothing, and nobody would know.
func TestASignerWhoSignsNothingIsNamed(t *testing.T) {
	t.Parallel()
	const text = `{"approved_tools": [
 {"name": "a", "signer": "TeamViewer Germany GmbH", "owner": "IT", "until": "2027-12-31"},
 {"name": "b", "signer": "TEAMVIEWER germany GmbH", "owner": "IT", "until": "2027-12-31"},
 {"name": "c", "owner": "IT", "until": "2027-12-31", "signer": "Nobody"}]}`
	want := []string{
		`:3:26: signer: no tool of the catalogue is signed by "TEAMVIEWER germany GmbH"; did you mean "TeamViewer Germany GmbH"?; the approval counts, and approves nothing`,
		`:4:64: signer: no tool of the catalogue is signed by "Nobody"; the approval counts, and approves nothing`,
	}
	path := filepath.Join(t.TempDir(), "x.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	read, problems, err := ReadRoster(path, Knows(nil))
	if err != nil || len(read.Tools()) != 3 {
		t.Fatalf("%v, %v", read.Tools(), err)
	}
	var got []string
	for _, p := range problems {
		got = append(got, strings.TrimPrefix(p.Error(), path))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	b := newTestBooks(t, "", Knows(nil), slog.New(slog.DiscardHandler))
	o, problems, err := b.importRoster(t.Context(), "ann", Import{Name: "x.json"}, strings.NewReader(text))
	if err != nil || len(problems) != 2 || len(o.changes) != 3 {
		t.Errorf("imported: %v, %v, %v", o.changes, problems, err)
	}
}
