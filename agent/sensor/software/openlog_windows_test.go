package software

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A log is opened below a home while its tool writes, renames and removes it; what is none
// is not, and nothing that a link leads to.
func TestOpenBelow(t *testing.T) {
	t.Parallel()
	home, elsewhere := folderOfOwn(t), folderOfOwn(t)
	folder := filepath.Join(home, "AppData", "AnyDesk")
	log := filepath.Join(folder, "ad.trace")
	for _, name := range []string{folder, filepath.Join(elsewhere, "AnyDesk")} {
		if err := os.MkdirAll(name, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writer, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	m := newMachine()
	m.homes = []string{home}
	reader, err := m.OpenLog(log)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := writer.WriteString("a line"); err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(reader); err != nil || string(text) != "a line" {
		t.Errorf("read %q, %v", text, err)
	}
	if info, err := (winLogs{m}).Stat(log); err != nil || !info.Mode().IsRegular() || info.Size() != 6 {
		t.Errorf("stat: %v, %v", info, err)
	}
	for name, absent := range map[string]bool{
		filepath.Join(folder, "none"): true, filepath.Join(home, "none", "ad.trace"): true, filepath.Join(log, "ad.trace"): true,
		folder: false, `\\.\pipe\farmhound`: false,
	} {
		file, err := m.OpenLog(name)
		if err == nil {
			file.Close()
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) != absent {
			t.Errorf("open %s: %v", name, err)
		}
	}
	if isFolder, exists := m.IsFolder(folder); !isFolder || !exists {
		t.Errorf("the folder: %t, %t", isFolder, exists)
	}
	if isFolder, exists := m.IsFolder(log); isFolder || !exists {
		t.Errorf("the log: %t, %t", isFolder, exists)
	}
	if err := os.WriteFile(filepath.Join(elsewhere, "AnyDesk", "ad.trace"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(home, "link")
	err = os.Symlink(elsewhere, link)
	if err == nil {
		_, err = os.Readlink(link) // Wine makes none, and says that it did
	}
	if err != nil {
		t.Logf("links could not be tried: %v", err) // not everybody may make them
		return
	}
	if file, err := m.OpenLog(filepath.Join(link, "AnyDesk", "ad.trace")); err == nil {
		file.Close()
		t.Error("a link was followed")
	}
	if _, exists := m.IsFolder(filepath.Join(link, "AnyDesk")); exists {
		t.Error("a link was followed to look a folder up")
	}
}

// folderOfOwn is a folder for one test. Wine does not remove one as a test's own is.
func folderOfOwn(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "farmhound") //nolint:usetesting // Wine does not remove one as a test's own is
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var names []string
		err := filepath.WalkDir(folder, func(name string, _ fs.DirEntry, err error) error {
			names = append(names, name)
			return err
		})
		for _, name := range slices.Backward(names) {
			err = errors.Join(err, os.Remove(name))
		}
		if err != nil {
			t.Error(err)
		}
	})
	return folder
}
