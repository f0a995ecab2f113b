package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor"
	"github.com/farmhound-security/farmhound/agent/sensor/network/egress"
	"github.com/farmhound-security/farmhound/agent/sensor/software"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// body is what the loop needs of the machine it runs on.
type body struct {
	senses senses
	// stretch is by how much looks should be further apart than they are set. Nil means
	// not at all.
	stretch func() int
	meter   meter
	// system reads what the laptop is.
	system func() *farmhoundv1.System
	// useKeys sets the fleet keys for what is hashed from now on.
	useKeys func([]*farmhoundv1.FleetKey)
	// useCatalog sets what is looked for from now on.
	useCatalog func(*catalog.Catalog)
	// useProber has the ways out of the laptop asked. Nil where no sense looks at them.
	useProber func(*egress.Prober)
	// useCandidates has neighbours compared with other laptops, from how the hashes of
	// their addresses begin. Nil where no sense looks at neighbours.
	useCandidates func(told []byte)
}

// bodyMaker makes the body for a configuration; tests make one of their own.
type bodyMaker func(Config, *slog.Logger) (*body, error)

const (
	// controlSense is the name of the sense that sees remote control.
	controlSense = "software"
	// closeTimeout is how long a sense that hangs is waited for at the end.
	closeTimeout = 5 * time.Second
)

// senses observe; a *sensor.Runner does.
type senses interface {
	Scan(context.Context) *farmhoundv1.Report
	Count(*farmhoundv1.Window)
	Close(context.Context) error
}

// newBody makes the body of the machine under config.Root, which is this one
// when that is empty.
func newBody(config Config, log *slog.Logger) (*body, error) {
	machine := sensor.Host{Root: config.Root}
	sought := &sought{known: catalog.BuiltIn()}
	runner := sensor.NewRunner(sensor.New(machine, sought.known, sought.ring), 0, log)
	sought.use = runner.Use
	if config.Settled != nil { // the process is the agent's own to keep small
		runner.Guard()
	}
	return &body{
		senses:        runner,
		stretch:       runner.Stretch,
		meter:         software.NewControlMeter(),
		system:        func() *farmhoundv1.System { return sensor.ReadSystem(machine) },
		useProber:     runner.UseProber,
		useCandidates: runner.UseCandidates,
		useCatalog:    func(c *catalog.Catalog) { sought.change(func() { sought.known = c }) },
		useKeys: func(keys []*farmhoundv1.FleetKey) {
			ring, err := fleetkey.NewRing(keys)
			if err != nil {
				log.Error("fleet keys of the policy cannot be used; those before stay in use", "error", err)
				return
			}
			sought.change(func() { sought.ring = ring })
		},
	}, nil
}

// sought is what the senses are given: what to look for, and the keys to hash with.
// It is safe for concurrent use.
type sought struct {
	mu    sync.Mutex
	known *catalog.Catalog
	ring  fleetkey.Ring
	use   func(*catalog.Catalog, fleetkey.Ring)
}

func (s *sought) change(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.use(s.known, s.ring)
}
