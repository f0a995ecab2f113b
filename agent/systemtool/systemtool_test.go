package systemtool

import (
	"path"
	"strings"
	"testing"
)

// sealed are the folders of the volume that macOS seals.
var sealed = []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// TestTable holds the table to what the package promises.
func TestTable(t *testing.T) {
	t.Parallel()
	for tool, c := range table {
		if !path.IsAbs(c.path) || path.Clean(c.path) != c.path || !strings.Contains(strings.Join(sealed, " ")+" ", path.Dir(c.path)+" ") {
			t.Errorf("tool %d: %q is no program of the sealed volume", tool, c.path)
		}
		for _, a := range c.arguments {
			if strings.ContainsAny(a, "/;|&$`") {
				t.Errorf("tool %d: argument %q", tool, a)
			}
		}
	}
	if len(table) != int(WiFi)+1 {
		t.Errorf("%d commands for %d tools", len(table), WiFi+1)
	}
}
