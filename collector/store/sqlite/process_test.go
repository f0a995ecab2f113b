package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/sqlite"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// otherProcess runs a test of this file in a process of its own, on the same store.
func otherProcess(ctx context.Context, test, path string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	c := exec.CommandContext(ctx, self, "-test.run=^"+test+"$", "-test.v")
	c.Env = append(os.Environ(), otherStore+"="+path)
	return c
}

const otherStore = "FARMHOUND_TEST_OTHER_STORE"

// changes gives a change per device.
func changes(devices int, round uint64) (out []store.Change) {
	for i := range devices {
		id := fmt.Sprint("d", i)
		out = append(out, store.Change{
			Device: &store.Device{
				Summary:   &fleetv1.DeviceSummary{Id: id, Reports: round},
				Picture:   &fleetv1.Picture{Id: id, Serial: strings.Repeat("p", 3000)},
				Judgement: &fleetv1.Judgement{},
			},
			Reports: []store.Report{{Device: id, BootID: "b1", Sequence: round, Body: []byte("r")}},
		})
	}
	return out
}

// TestSecretFromAnotherProcess is what happens when somebody makes an enrolment
// secret beside a collector that is busy.
func TestSecretFromAnotherProcess(t *testing.T) {
	t.Parallel()
	const secrets = 20
	if path := os.Getenv(otherStore); path != "" {
		s := open(t, path)
		for i := range secrets {
			id := fmt.Sprint("x", i)
			if err := s.CreateSecret(t.Context(), store.Secret{ID: id, Hash: []byte(id), CreatedAt: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	path := filepath.Join(t.TempDir(), "farmhound.db")
	s := open(t, path)
	if err := s.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := make(chan error, 1)
	go func() {
		out, err := otherProcess(t.Context(), "TestSecretFromAnotherProcess", path).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w:\n%s", err, out)
		}
		other <- err
	}()
	var round uint64
	for done := false; !done; {
		round++
		if err := s.Commit(t.Context(), changes(20, round)); err != nil {
			t.Errorf("commit beside another process: %v", err)
		}
		select {
		case err := <-other:
			if err != nil {
				t.Error(err)
			}
			done = true
		default:
		}
	}
	all, err := s.Secrets(t.Context())
	if err != nil || len(all) != secrets {
		t.Errorf("%d secrets, %v; want %d", len(all), err, secrets)
	}
	if n, err := s.HighestSequence(t.Context(), "d7", "b1"); err != nil || n != round {
		t.Errorf("committed up to %d, %v; want %d", n, err, round)
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	if path := os.Getenv(otherStore); path != "" {
		if err := open(t, path).Claim(t.Context()); err != nil {
			t.Fatal(err)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "farmhound.db")
	first, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := open(t, path)
	if err := second.Claim(t.Context()); !errors.Is(err, store.ErrInUse) {
		t.Errorf("in the same process: %v, want %v", err, store.ErrInUse)
	}
	out, err := otherProcess(t.Context(), "TestClaim", path).CombinedOutput()
	if err == nil || !strings.Contains(string(out), store.ErrInUse.Error()) {
		t.Errorf("in another process: %v, want %v:\n%s", err, store.ErrInUse, out)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := otherProcess(t.Context(), "TestClaim", path).CombinedOutput(); err != nil {
		t.Errorf("in another process after Close: %v:\n%s", err, out)
	}
	if err := second.Claim(t.Context()); err != nil {
		t.Errorf("after the owner ended: %v", err)
	}
}

func TestManyOpenANewStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "farmhound.db")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			s, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestAStoreOfALaterVersion(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "farmhound.db")
	if err := open(t, path).Commit(t.Context(), changes(1, 1)); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "PRAGMA user_version = 1000"); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer collector") {
		t.Errorf("opened: %v", err)
	}
}
