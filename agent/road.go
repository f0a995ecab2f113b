package agent

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/agent/road"
	"github.com/farmhound-security/farmhound/agent/settings"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// openRoad is the way to the collector by the settings.
func openRoad(config Config) (*road.Road, error) {
	login, err := config.Settings.LoginToProxy()
	if err != nil {
		return nil, err
	}
	return road.New(road.Options{
		Steps: config.Settings.Proxies, Login: login.Reveal(), Environ: os.Environ(), Root: config.Root,
	}), nil
}

// IdentityFolder is where the identity of an agent with these settings lies.
func IdentityFolder(s settings.Settings) string { return filepath.Join(s.StateDir, identityFolder) }

// sayUnused logs which proxies are configured that the agent cannot use.
func (a *Agent) sayUnused(ctx context.Context) {
	if a.config.Dial != nil {
		return
	}
	_, unused := a.road.Ways(ctx, a.config.Settings.Collector)
	for _, sentence := range unused {
		a.log.WarnContext(ctx, "a configured proxy is not used", "cause", sentence)
	}
}

// connect prepares a connection to the collector.
func (a *Agent) connect(config *tls.Config) (*delivery.Connection, error) {
	if a.config.Dial != nil {
		return delivery.Connect(a.config.Settings.Collector, config, a.config.Dial)
	}
	return delivery.ConnectBy(a.config.Settings.Collector, config, a.road)
}

// rouse notes after a look that the laptop slept or went to another network: a
// connection from before is dead more often than not, and would be found so only after
// the time for which an answer is waited for, and what the laptop was seen under there
// says nothing of here.
func (a *Agent) rouse(slept bool, report *farmhoundv1.Report) {
	moved := report.GetNetwork() != nil || report.GetPlace() != nil
	if !slept && (!moved || !a.stranded()) {
		return
	}
	a.road.Moved()
	a.prober.Moved()
	signal(a.awake)
}

// stranded reports whether the connection is from an address that is gone.
func (a *Agent) stranded() bool {
	addresses, err := net.InterfaceAddrs()
	return err == nil && a.road.Stranded(addresses)
}

// keepConnected makes the connection anew when the laptop slept or moved, and has what
// waits delivered at once, until ctx is done.
func (a *Agent) keepConnected(ctx context.Context, connection *delivery.Connection) {
	for {
		select {
		case <-a.awake:
			a.log.DebugContext(ctx, "the laptop slept or is on another network: connecting anew")
			a.useCertificate(ctx, connection)
		case <-ctx.Done():
			return
		}
	}
}

// pauseEnrolling waits, for as long as the laptop neither wakes up nor moves.
func (a *Agent) pauseEnrolling(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-a.awake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
