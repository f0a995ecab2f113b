package ingest_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/farmhound-security/farmhound/collector/ingest"
	"github.com/farmhound-security/farmhound/collector/store/sqlite"
)

// victimStore names, in a child's environment, the store it works on until it is killed.
const victimStore = "FARMHOUND_TEST_VICTIM_STORE"

const victimDevices = 8

// TestKilled kills a collector's hot path without warning, again and again on one
// store, and checks that what it acknowledged is there, and there once.
func TestKilled(t *testing.T) {
	t.Parallel()
	if path := os.Getenv(victimStore); path != "" {
		beVictim(t, path)
		return
	}
	self, err := os.Executable()
	must(t, err)
	path := filepath.Join(t.TempDir(), "farmhound.db")
	acknowledged := map[string]int64{}
	for range 6 {
		child := exec.CommandContext(t.Context(), self, "-test.run=^TestKilled$")
		child.Env = append(os.Environ(), victimStore+"="+path)
		out, err := child.StdoutPipe()
		must(t, err)
		must(t, child.Start())
		acks := readAcks(out, acknowledged, 1+rand.IntN(300))
		must(t, child.Process.Kill())
		acks += readAcks(out, acknowledged, -1) // those it printed meanwhile
		if err := child.Wait(); err == nil || acks == 0 {
			t.Fatalf("the child ended by itself, after %d acknowledgements", acks)
		}
	}
	requireAcknowledged(t, path, acknowledged)
}

// readAcks reads up to limit acknowledgements, or all, and returns how many.
func readAcks(out io.Reader, into map[string]int64, limit int) (n int) {
	lines := bufio.NewScanner(oneByOne{out})
	for n != limit && lines.Scan() {
		var (
			device   string
			sequence int64
		)
		if _, err := fmt.Sscanf(lines.Text(), "ack %s %d.", &device, &sequence); err == nil {
			into[device] = max(into[device], sequence)
			n++
		}
	}
	return n
}

// oneByOne keeps a scanner from reading on beyond the line it returns.
type oneByOne struct{ io.Reader }

func (o oneByOne) Read(p []byte) (int, error) { return o.Reader.Read(p[:1]) }

// beVictim reports for several devices from where the store stands, and prints
// every acknowledgement, until it is killed.
func beVictim(t *testing.T, path string) {
	ctx := t.Context()
	s, err := sqlite.Open(ctx, path)
	must(t, err)
	p := ingest.New(ingest.Config{Store: s, Judge: &tally{}, Log: slog.New(slog.DiscardHandler)})
	var group sync.WaitGroup
	group.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	for i := range victimDevices {
		group.Go(func() {
			device := fmt.Sprint("d", i)
			n, err := s.HighestSequence(ctx, device, "b1")
			for err == nil {
				// The last report that is committed is sent again.
				var receipt ingest.Receipt
				receipt, err = p.Report(ctx, nil, batch(device, "b1", max(n, 1), n+1+uint64(rand.IntN(3))))
				n = receipt.Sequence
				// The full stop shows that the number is whole.
				fmt.Fprintf(os.Stdout, "ack %s %d.\n", device, n)
			}
			t.Error(err)
		})
	}
	group.Wait()
}

func requireAcknowledged(t *testing.T, path string, acknowledged map[string]int64) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	must(t, err)
	defer s.Close()
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	if len(acknowledged) != victimDevices {
		t.Errorf("%d devices were acknowledged, want %d", len(acknowledged), victimDevices)
	}
	for device, sequence := range acknowledged {
		highest, err := s.HighestSequence(context.WithoutCancel(t.Context()), device, "b1")
		must(t, err)
		if int64(highest) < sequence {
			t.Errorf("%s was acknowledged up to %d and is stored up to %d", device, sequence, highest)
		}
		// Every report up to there had its effect once.
		requireTally(t, s, device, int64(highest))
		var rows, last int64
		must(t, db.QueryRowContext(t.Context(), `SELECT count(*), max(sequence) FROM report WHERE device = ?`, device).Scan(&rows, &last))
		if rows != int64(highest) || last != int64(highest) {
			t.Errorf("%s has %d reports up to %d, want %d", device, rows, last, highest)
		}
	}
	var verdict string
	must(t, db.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&verdict))
	if verdict != "ok" {
		t.Errorf("the store is damaged: %s", verdict)
	}
}
