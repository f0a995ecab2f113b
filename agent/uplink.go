package agent

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/agent/identity"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// Windows in which nothing happened wait for each other: a call costs more than
	// what they say.
	quietWindows = 6
	longestHold  = 30 * time.Minute

	enrollTimeout = 30 * time.Second
	// defaultLookAgain is the pause between looks at local files: for a secret to
	// enrol with, and for a certificate that the enroll command got.
	defaultLookAgain = 15 * time.Second
	// refusedRenewal is the pause after the collector refused to renew.
	refusedRenewal = 6 * time.Hour
	// clockTrouble is from when on a difference of clocks is worth a warning.
	clockTrouble = 5 * time.Minute
)

// deliver enrols if need be and then delivers and renews until ctx is done.
func (a *Agent) deliver(ctx context.Context) error {
	if a.config.Settings.Collector == "" {
		a.log.WarnContext(ctx, "no collector is set: reports stay in the spool; set collector to deliver them")
		a.state.trouble(errors.New("no collector is set"))
		return nil
	}
	a.sayUnused(ctx)
	if err := a.awaitEnrollment(ctx); err != nil {
		return err
	}
	config, err := a.identity.ClientTLS()
	if err != nil {
		return err
	}
	connection, err := a.connect(config)
	if err != nil {
		return err
	}
	defer connection.Close()
	deliverer := &delivery.Deliverer{
		Queue: a.spool, Collector: farmhoundv1.NewIngestServiceClient(connection), Log: a.log, Wake: a.wake,
		Acknowledged: func(ack *farmhoundv1.ReportAck) { a.acknowledged(ctx, ack) },
		TrustedCAs:   a.identity.TrustedCAs,
		Hold:         func() time.Duration { return min(quietWindows*a.state.windowInterval(), longestHold) },
		Failed:       a.state.trouble,
	}
	var renewing sync.WaitGroup
	defer renewing.Wait()
	renewing.Go(func() { a.keepRenewed(ctx, connection) })
	renewing.Go(func() { a.prober.Run(ctx) })
	renewing.Go(func() { a.keepConnected(ctx, connection) })
	renewing.Go(func() { a.keepCatalog(ctx, farmhoundv1.NewIngestServiceClient(connection)) })
	return deliverer.Run(ctx)
}

// Enroll enrols this laptop once, with the secret that the settings name, and
// returns its device id. It may run beside a running agent, which takes up the
// certificate within a minute.
func Enroll(ctx context.Context, config Config) (device string, err error) {
	o, err := newObserver(config, newBody)
	if err != nil {
		return "", err
	}
	defer o.close(ctx)
	a := &Agent{observer: o, config: config}
	if err := a.openIdentity(); err != nil {
		return "", err
	}
	if a.road, err = openRoad(config); err != nil {
		return "", err
	}
	secret, err := config.Settings.SecretToEnroll()
	if err != nil {
		return "", err
	}
	if secret.Reveal() == "" {
		return "", errNoSecret
	}
	policy, err := a.enroll(ctx, secret.Reveal())
	if err != nil {
		return "", err
	}
	if policy != nil {
		err = writePolicy(config.Settings.StateDir, policy)
	}
	return a.DeviceID(), err
}

var errNoSecret = errors.New("this laptop is not enrolled and has no enrolment secret: set enroll_secret_file or run farmhound-agent enroll")

// enroll exchanges a secret for a certificate and returns the first policy.
func (a *Agent) enroll(ctx context.Context, secret string) (*farmhoundv1.Policy, error) {
	config, err := a.identity.ServerTLS()
	if err != nil {
		return nil, err
	}
	connection, err := a.connect(config)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(ctx, enrollTimeout)
	defer cancel()
	policy, err := a.identity.Enroll(ctx, farmhoundv1.NewEnrollmentServiceClient(connection), secret, a.body.system())
	if err != nil {
		return nil, err
	}
	a.log.InfoContext(ctx, "enrolled", "device", a.DeviceID(), "collector", a.config.Settings.Collector)
	if err := os.Remove(a.config.Settings.InstalledSecretFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		// It is of no more use to this laptop, but others may be enrolled with it.
		a.log.ErrorContext(ctx, "the used enrolment secret cannot be removed; remove it by hand", "error", err)
	}
	return policy, nil
}

// awaitEnrollment returns when the laptop is enrolled: with the secret it has, or
// by the enroll command beside it. A secret that was refused is not sent again.
func (a *Agent) awaitEnrollment(ctx context.Context) error {
	backoff := delivery.NewBackoff(rand.Float64)
	refused, waiting := "", false
	for !a.identity.Enrolled() {
		pause := a.lookAgain
		secret, err := a.config.Settings.SecretToEnroll()
		switch {
		case err == nil && secret.Reveal() == "":
			err = cmp.Or(a.identity.Damage(), errNoSecret)
		case err == nil && secret.Reveal() == refused:
			err = nil
		case err == nil:
			var policy *farmhoundv1.Policy
			policy, err = a.enroll(ctx, secret.Reveal())
			switch {
			case err == nil && policy != nil:
				a.applyPolicy(policy)
			case identity.Refused(err):
				refused, waiting = secret.Reveal(), false
			case err != nil:
				pause = backoff.Next(err)
			}
		}
		if err != nil && !waiting && ctx.Err() == nil {
			waiting = true
			a.log.ErrorContext(ctx, "not enrolled; reports stay in the spool", "cause", err)
			a.state.trouble(err)
		}
		if a.identity.Enrolled() {
			return nil
		}
		if err := a.pauseEnrolling(ctx, pause); err != nil {
			return err
		}
		a.reloadIdentity(ctx)
	}
	return nil
}

// keepRenewed renews the certificate in time and takes up one that the enroll
// command stored, until ctx is done.
func (a *Agent) keepRenewed(ctx context.Context, connection *delivery.Connection) {
	collector := farmhoundv1.NewEnrollmentServiceClient(connection)
	backoff := delivery.NewBackoff(rand.Float64)
	spread := rand.Float64()
	var notBefore time.Time
	for delivery.Pause(ctx, a.lookAgain) == nil {
		if a.reloadIdentity(ctx) {
			notBefore = time.Time{}
			a.useCertificate(ctx, connection)
		}
		now := time.Now()
		if now.Before(a.identity.RenewAt(spread)) || now.Before(notBefore) {
			continue
		}
		call, cancel := context.WithTimeout(ctx, enrollTimeout)
		err := a.identity.Renew(call, collector, a.log)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			_, expires := a.identity.Validity()
			a.log.InfoContext(ctx, "device certificate renewed", "expires", expires)
			backoff.Reset()
			a.useCertificate(ctx, connection)
		case identity.Refused(err):
			a.log.ErrorContext(ctx, "device certificate is not renewed", "cause", err)
			notBefore = now.Add(refusedRenewal)
		default:
			a.log.WarnContext(ctx, "device certificate is not renewed yet", "cause", err)
			notBefore = now.Add(backoff.Next(err))
		}
	}
}

// useCertificate makes the next calls show the certificate now in force.
func (a *Agent) useCertificate(ctx context.Context, connection *delivery.Connection) {
	if err := connection.Renew(); err != nil {
		a.log.ErrorContext(ctx, "connection cannot be made anew", "error", err)
	}
	signal(a.wake)
}

// reloadIdentity takes up a certificate that another process stored. One that cannot
// be used is said once: this runs every few seconds.
func (a *Agent) reloadIdentity(ctx context.Context) bool {
	changed, err := a.identity.Reload()
	if err != nil && !a.unreadable {
		a.log.WarnContext(ctx, "identity cannot be read again", "error", err)
	}
	a.unreadable = err != nil
	return changed
}

// acknowledged takes up what came with an acknowledgement.
func (a *Agent) acknowledged(ctx context.Context, ack *farmhoundv1.ReportAck) {
	now := time.Now()
	var offset time.Duration
	if theirs := ack.GetCollectorTime(); theirs.IsValid() {
		offset = theirs.AsTime().Sub(now).Round(time.Millisecond)
		if offset.Abs() >= clockTrouble {
			a.log.DebugContext(ctx, "clocks differ", "collector_minus_laptop", offset)
		}
	}
	a.state.acknowledged(now, offset)
	a.prober.Use(ack.GetEgress())
	if a.body.useCandidates != nil {
		a.body.useCandidates(ack.GetNeighbourCandidates())
	}
	if policy := ack.GetPolicy(); policy != nil {
		a.applyPolicy(policy)
	}
}

// applyPolicy takes up a policy: intervals, keys, an order to look now, and the name
// of the catalogue, which keepCatalog fetches.
func (a *Agent) applyPolicy(policy *farmhoundv1.Policy) {
	a.takeAnchors(policy.GetTrustAnchors())
	changed, err := a.state.setPolicy(policy)
	if err != nil {
		a.log.Error("policy holds until the next start only", "error", err)
	}
	a.body.useKeys(policy.GetFleetKeys())
	if changed {
		a.log.Info("policy changed", "scan_interval", a.state.scanInterval(), "window_interval", a.state.windowInterval(),
			"fleet_keys", len(policy.GetFleetKeys()))
		signal(a.named)
	}
	if policy.GetScanNow() {
		a.state.askResend()
	}
	if changed || policy.GetScanNow() {
		signal(a.lookNow)
	}
}

// takeAnchors takes up the CAs of the collector, where it names any.
func (a *Agent) takeAnchors(named [][]byte) {
	if len(named) == 0 {
		return
	}
	switch changed, err := a.identity.TakeAnchors(named); {
	case err != nil:
		a.log.Error("the collector's CAs stay as they were", "error", err)
	case changed:
		a.log.Info("the collector named its CAs", "cas", len(named))
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
