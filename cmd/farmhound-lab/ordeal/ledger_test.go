package ordeal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/spool"
)

// reportKey names a report of an agent.
type reportKey struct {
	boot     string
	sequence uint64
}

// ledger is what one agent said it did and was told, kept by neither side.
type ledger struct {
	mu     sync.Mutex
	device string
	// tried are digests of all reports that may be somewhere, kept those that the
	// spool took, told the highest sequence that was acknowledged of each boot.
	tried map[reportKey]string
	kept  map[reportKey]bool
	told  map[string]uint64
	// acks counts acknowledgements.
	acks int
	// odd are lines that mean nothing.
	odd []string
}

// read takes what an agent says until it ends.
func (l *ledger) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		l.take(strings.Fields(lines.Text()))
	}
}

func (l *ledger) take(words []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var k reportKey
	if len(words) > 2 {
		k.boot = words[1]
		_, _ = fmt.Sscan(words[2], &k.sequence) // zero is no sequence
	}
	switch {
	case len(words) == 2 && words[0] == "device":
		l.device = words[1]
	case len(words) == 4 && words[0] == "try" && k.sequence > 0:
		l.tried[k] = words[3]
	case len(words) == 3 && words[0] == "kept" && k.sequence > 0:
		l.kept[k] = true
	case len(words) == 3 && words[0] == "told" && k.sequence > 0:
		l.told[k.boot] = max(l.told[k.boot], k.sequence)
		l.acks++
	default:
		l.odd = append(l.odd, strings.Join(words, " "))
	}
}

// acknowledged counts acknowledgements so far.
func (l *ledger) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acks
}

// outstanding reports whether anything that the spool took is not acknowledged.
func (l *ledger) outstanding() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.kept {
		if k.sequence > l.told[k.boot] {
			return true
		}
	}
	return false
}

// agent is one laptop through all its lives.
type agent struct {
	t         *testing.T
	home      string
	name      string
	collector *collector
	ledger    *ledger
	said      *lockedBuffer

	mu   sync.Mutex // of what follows: some are killed by another goroutine
	cmd  *exec.Cmd
	done chan struct{}
}

// newAgents makes laptops that are off.
func newAgents(t *testing.T, c *collector, n int) []*agent {
	t.Helper()
	dir := t.TempDir()
	all := make([]*agent, n)
	for i := range all {
		name := fmt.Sprintf("ORDEAL-%03d", i)
		a := &agent{
			t: t, home: filepath.Join(dir, name), name: name, collector: c, said: &lockedBuffer{},
			ledger: &ledger{tried: map[reportKey]string{}, kept: map[reportKey]bool{}, told: map[string]uint64{}},
		}
		must(t, os.Mkdir(a.home, 0o700))
		all[i] = a
		t.Cleanup(func() {
			a.kill()
			if t.Failed() && i < 3 {
				t.Logf("%s said:\n%s", a.name, a.said.tail(2<<10))
			}
		})
	}
	return all
}

// start starts the agent's process, which reports at a pace; zero only delivers
// what waits. It is an error of the process, later, if it cannot.
func (a *agent) start(pace time.Duration) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(context.WithoutCancel(a.t.Context()), self)
	cmd.Env = append(os.Environ(), agentHome+"="+a.home, agentName+"="+a.name, agentPace+"="+pace.String(),
		agentAddress+"="+a.collector.address, agentCA+"="+filepath.Join(a.collector.dir, "ca.pem"), agentSecret+"="+a.collector.secret)
	cmd.Stderr = a.said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", a.name, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.ledger.read(out) // to its end, also what a killed one said last
		_ = cmd.Wait()
	}()
	a.cmd, a.done = cmd, done
	return nil
}

// kill ends the process without a chance to tidy up.
func (a *agent) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cmd == nil {
		return
	}
	_ = a.cmd.Process.Kill()
	<-a.done
	a.cmd = nil
}

// spooled returns what waits in the spool of an agent that is off.
func (a *agent) spooled() (map[reportKey]bool, error) {
	// A copy: looking further than the oldest boot takes reports out.
	path := filepath.Join(a.t.TempDir(), "spool")
	data, err := os.ReadFile(filepath.Join(a.home, "spool"))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return nil, err
	}
	s, err := spool.Open(path, spool.Options{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if st := s.Status(); st.Damaged > 0 || st.Dropped > 0 {
		return nil, fmt.Errorf("its spool was damaged %d times and dropped %d reports", st.Damaged, st.Dropped)
	}
	all := map[reportKey]bool{}
	for {
		batch, err := s.Peek(1000, 1<<30)
		if err != nil || batch == nil {
			return all, err
		}
		for _, sequence := range batch.Sequences {
			all[reportKey{batch.BootID, sequence}] = true
		}
		if _, err := s.Commit(batch.BootID, batch.Last(), batch.Nonce); err != nil {
			return nil, err
		}
	}
}

// everyone reports whether each agent has that many acknowledgements.
func everyone(agents []*agent, acks int) bool {
	for _, a := range agents {
		if a.ledger.acknowledged() < acks {
			return false
		}
	}
	return true
}
