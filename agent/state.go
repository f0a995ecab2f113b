package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/atomicfile"
	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/agent/settings"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	statusFile = "status.json"
	policyFile = "policy.pb"
	// maxStateFile bounds what is read of either.
	maxStateFile = 64 << 10
)

// Status is what an agent says of itself, in its state directory.
type Status struct {
	WrittenAt time.Time `json:"written_at"`
	Running   bool      `json:"running"`
	PID       int       `json:"pid"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`

	Device             string    `json:"device"`
	Collector          string    `json:"collector,omitempty"`
	Enrolled           bool      `json:"enrolled"`
	CertificateExpires time.Time `json:"certificate_expires,omitzero"`

	SpoolDepth   uint64 `json:"spool_depth"`
	SpoolBytes   uint64 `json:"spool_bytes"`
	SpoolDropped uint64 `json:"spool_dropped"`
	SpoolDamaged uint64 `json:"spool_damaged"`
	// SpoolTrouble is why reports cannot be kept on the disk, empty when they can.
	SpoolTrouble string    `json:"spool_trouble,omitempty"`
	LastAck      time.Time `json:"last_ack,omitzero"`
	// Trouble is what keeps reports from being delivered, empty when nothing does.
	Trouble string `json:"trouble,omitempty"`
	// Way is by which way the collector was reached last, empty where it was not.
	Way string `json:"way,omitempty"`
	// ClockOffset is the collector's clock minus this laptop's, in seconds.
	ClockOffset float64 `json:"clock_offset_seconds"`

	ScanInterval   string  `json:"scan_interval"`
	WindowInterval string  `json:"window_interval"`
	Senses         []Sense `json:"senses"`
	CPUSeconds     float64 `json:"cpu_seconds"`
	MemoryBytes    uint64  `json:"memory_bytes"`
}

// Sense is the state of one sense.
type Sense struct {
	Name   string `json:"name"`
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// state is what loop and delivery share. It is safe for concurrent use.
type state struct {
	agent *Agent
	dir   string

	mu      sync.Mutex
	current *farmhoundv1.Policy
	status  Status
	// resend asks the loop for everything at the next look; lost remembers that
	// reports were evicted, so that resend follows when delivery works again.
	resend, lost bool
	// lostWindows counts windows that no report could be kept for, and unkept is why
	// the last report was not; both are the loop's to say.
	lostWindows uint64
	unkept      error
	// unwritten is whether the status could not be written the last time.
	unwritten bool
	// moved asks for the status to be written.
	moved chan struct{}
}

func openState(a *Agent) (*state, error) {
	s := &state{agent: a, dir: a.config.Settings.StateDir, current: &farmhoundv1.Policy{}, moved: make(chan struct{}, 1)}
	s.status = Status{
		Running: true, PID: os.Getpid(), Version: a.config.Version, StartedAt: started.UTC(),
		Device: a.DeviceID(), Collector: a.config.Settings.Collector,
	}
	data, err := readState(filepath.Join(s.dir, policyFile))
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	if err := proto.Unmarshal(data, s.current); err != nil {
		// The collector sends it again.
		a.log.Warn("stored policy cannot be read and is left out", "error", err)
		s.current = &farmhoundv1.Policy{}
	}
	return s, nil
}

// ReadStatus returns what the agent last wrote about itself. It is from another
// process, which may be gone.
func ReadStatus(stateDir string) (*Status, error) {
	data, err := readState(filepath.Join(stateDir, statusFile))
	if err != nil {
		return nil, err
	}
	status := new(Status)
	if err := json.Unmarshal(data, status); err != nil {
		return nil, fmt.Errorf("read %s: %w", statusFile, err)
	}
	return status, nil
}

func readState(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxStateFile {
		return nil, fmt.Errorf("%s is no regular file of at most %d bytes", path, maxStateFile)
	}
	return os.ReadFile(path)
}

func (s *state) policy() *farmhoundv1.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// setPolicy keeps a policy over restarts and reports whether it is a new one.
// scan_now is an order for once, trust anchors are the identity's to keep: neither is.
func (s *state) setPolicy(policy *farmhoundv1.Policy) (bool, error) {
	kept := proto.CloneOf(policy)
	kept.ScanNow, kept.TrustAnchors = false, nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if proto.Equal(kept, s.current) {
		return false, nil
	}
	s.current = kept
	return true, writePolicy(s.dir, kept)
}

func writePolicy(dir string, policy *farmhoundv1.Policy) error {
	data, err := proto.Marshal(policy)
	if err != nil {
		return fmt.Errorf("store policy: %w", err)
	}
	return atomicfile.Write(filepath.Join(dir, policyFile), data, 0o600)
}

// scanInterval is the policy's, within the bounds of the contract, or the setting.
func (s *state) scanInterval() time.Duration {
	if interval := s.policy().GetScanInterval(); interval != nil {
		return min(max(interval.AsDuration(), settings.MinScanInterval), settings.MaxScanInterval)
	}
	return s.agent.config.Settings.ScanInterval
}

func (s *state) windowInterval() time.Duration {
	if interval := s.policy().GetWindowInterval(); interval != nil {
		return min(max(interval.AsDuration(), settings.MinWindowInterval), settings.MaxWindowInterval)
	}
	return s.agent.config.Settings.WindowInterval
}

func (s *state) askResend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resend = true
}

func (s *state) takeResend() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.resend
	s.resend = false
	return taken
}

// spooling notes whether reports can be kept, and how many windows were lost because
// they could not.
func (s *state) spooling(err error, lostWindows uint64) {
	s.mu.Lock()
	changed := (err == nil) != (s.unkept == nil) || lostWindows != s.lostWindows
	s.unkept, s.lostWindows = err, lostWindows
	s.mu.Unlock()
	if changed {
		signal(s.moved)
	}
}

func (s *state) lostReports() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = true
}

// acknowledged notes that delivery works and has the status written.
func (s *state) acknowledged(at time.Time, offset time.Duration) {
	s.mu.Lock()
	s.status.LastAck, s.status.Trouble, s.status.ClockOffset = at.UTC(), "", offset.Seconds()
	if s.lost {
		// A part that was in an evicted report has not been told.
		s.lost, s.resend = false, true
	}
	s.mu.Unlock()
	signal(s.moved)
}

// trouble notes what keeps reports from being delivered.
func (s *state) trouble(err error) {
	s.mu.Lock()
	changed := s.status.Trouble == ""
	s.status.Trouble = err.Error()
	s.mu.Unlock()
	if changed {
		signal(s.moved)
	}
}

// observed notes how the senses are and has the status written.
func (s *state) observed(seen *farmhoundv1.Report) {
	health := seen.GetHealth()
	s.mu.Lock()
	s.status.CPUSeconds, s.status.MemoryBytes = health.GetCpuSeconds(), health.GetMemoryBytes()
	s.status.Senses = s.status.Senses[:0]
	for _, sense := range health.GetSenses() {
		s.status.Senses = append(s.status.Senses, Sense{Name: sense.GetName(), State: SenseWord(sense.GetState()), Detail: sense.GetDetail()})
	}
	s.mu.Unlock()
	signal(s.moved)
}

// statusDelay is for how long a change of the status waits for others: what happens
// together is written to the disk once.
const statusDelay = 2 * time.Second

// keepWritten writes the status when something has changed, until ctx is done.
func (s *state) keepWritten(ctx context.Context) {
	for {
		select {
		case <-s.moved:
		case <-ctx.Done():
			return
		}
		if delivery.Pause(ctx, statusDelay) != nil {
			return
		}
		s.write()
	}
}

func (s *state) stopped() {
	s.mu.Lock()
	s.status.Running = false
	s.mu.Unlock()
	s.write()
}

// write stores the status. Failing to is no reason to stop: it is only for people.
func (s *state) write() {
	a := s.agent
	spooled := a.spool.Status()
	_, expires := a.identity.Validity()
	s.mu.Lock()
	s.status.WrittenAt = time.Now().UTC()
	s.status.Enrolled, s.status.CertificateExpires = a.identity.Enrolled(), expires
	s.status.SpoolDepth, s.status.SpoolBytes = spooled.Depth, spooled.Bytes
	s.status.SpoolDropped, s.status.SpoolDamaged = spooled.Dropped+s.lostWindows, spooled.Damaged
	s.status.Way = a.road.Taken()
	s.status.SpoolTrouble = ""
	if s.unkept != nil {
		s.status.SpoolTrouble = s.unkept.Error()
	}
	s.mu.Unlock()
	scan, window := s.scanInterval(), s.windowInterval()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.ScanInterval, s.status.WindowInterval = scan.String(), window.String()
	data, err := json.MarshalIndent(s.status, "", "  ")
	if err == nil {
		err = atomicfile.Write(filepath.Join(s.dir, statusFile), append(data, '\n'), 0o600)
	}
	if err != nil && !s.unwritten { // once, and not with every look at a disk that stays full
		a.log.Warn("status cannot be written", "error", err)
	}
	s.unwritten = err != nil
}

// SenseWord returns a sense's state as a word.
func SenseWord(s farmhoundv1.SenseState) string {
	switch s {
	case farmhoundv1.SenseState_SENSE_STATE_OK:
		return "ok"
	case farmhoundv1.SenseState_SENSE_STATE_PARTIAL:
		return "partial"
	case farmhoundv1.SenseState_SENSE_STATE_FAILED:
		return "failed"
	case farmhoundv1.SenseState_SENSE_STATE_TIMED_OUT:
		return "timed out"
	case farmhoundv1.SenseState_SENSE_STATE_PANICKED:
		return "panicked"
	default:
		return "unknown"
	}
}
