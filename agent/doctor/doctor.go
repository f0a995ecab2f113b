// Package doctor checks everything that must work for a laptop's reports to arrive, one
// thing after another, and says of each what was found, what it means and what to do.
//
// It changes nothing on the laptop and sends the collector nothing but a question for a
// catalogue that does not exist. Nothing secret is in what it says; texts of others are
// bounded, and are the printer's to escape.
// It may import the agent's packages and proto/.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent"
	"github.com/farmhound-security/farmhound/agent/identity"
	"github.com/farmhound-security/farmhound/agent/permission"
	"github.com/farmhound-security/farmhound/agent/road"
	"github.com/farmhound-security/farmhound/agent/settings"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// State is how a check ended.
type State string

// States. Only Fail says that the agent does not do what it is for.
const (
	OK   State = "ok"
	Warn State = "warn"
	Fail State = "fail"
	// Skip: it could not be checked, because of something that failed before or
	// because this user may not.
	Skip State = "skip"
)

// Check is one thing that was checked.
type Check struct {
	Step  string `json:"step"`
	State State  `json:"state"`
	// Kind is a fixed word for what stands in the way, where there is one: see
	// road.Trouble.
	Kind string `json:"kind,omitempty"`
	// Found is what was found, and Details are more of it, a line each.
	Found   string   `json:"found"`
	Details []string `json:"details,omitempty"`
	// Means says what that has for consequences, and Do what helps. Both are empty
	// where all is well.
	Means string `json:"means,omitempty"`
	Do    string `json:"do,omitempty"`
}

// Patient is the agent that is examined.
type Patient struct {
	Settings settings.Settings
	// From says by key where a setting came from.
	From map[string]string
	// Environ is the environment, as os.Environ returns it.
	Environ []string
	// Patience is for how long one step may wait. Zero means eight seconds.
	Patience time.Duration
	// Now reads the laptop's clock. Nil means time.Now.
	Now func() time.Time
	// Service says in words what the system knows of the service. Nil means that it
	// is not asked.
	Service func() string
	// Scan looks with every sense once, where no agent runs that did. Nil does not.
	Scan func(context.Context) (*farmhoundv1.Report, error)
}

const patience = 8 * time.Second

// Failed reports whether a check failed.
func Failed(checks []Check) bool {
	for _, c := range checks {
		if c.State == Fail {
			return true
		}
	}
	return false
}

// examination is one examination under way.
type examination struct {
	Patient
	checks   []Check
	identity *identity.Identity
	status   *agent.Status
	road     *road.Road
	host     string
	// way is the first that leads to whoever answers.
	way *road.Way
	// verified is whether the collector was at the end of it.
	verified bool
	// rightsOf reads the rights of a running process.
	rightsOf func(pid int) (permission.Rights, error)
}

// Examine checks everything, in the order in which one thing needs another.
func Examine(ctx context.Context, p Patient) []Check {
	if p.Patience <= 0 {
		p.Patience = patience
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	e := &examination{Patient: p, rightsOf: permission.RightsOf}
	e.checkSettings()
	e.checkState()
	e.checkEnrolment()
	if e.host != "" {
		e.checkName(ctx)
		e.checkWay(ctx)
		e.checkConnection(ctx)
		e.checkTLS(ctx)
		e.checkCollector(ctx)
	}
	e.checkService()
	if e.status != nil {
		e.checkClock()
		e.checkDelivery()
		e.checkSpool()
	}
	e.checkSenses(ctx)
	e.checkPermissions()
	return e.checks
}

func (e *examination) add(c Check) { e.checks = append(e.checks, c) }

func (e *examination) checkSettings() {
	s := e.Settings
	c := Check{Step: "settings", State: OK, Found: "the settings can be used"}
	values := map[string]string{
		"collector": s.Collector, "ca_file": s.CAFile, "ca_pin": s.CAPin, "enroll_secret": s.EnrollSecret.String(),
		"enroll_secret_file": s.EnrollSecretFile, "proxy": strings.Join(s.Proxies, ","), "proxy_login_file": s.ProxyLoginFile,
		"state_dir": s.StateDir, "scan_interval": s.ScanInterval.String(), "window_interval": s.WindowInterval.String(),
		"log_level": strings.ToLower(s.LogLevel.String()),
	}
	for _, setting := range settings.All() {
		from, ok := e.From[setting.Key]
		if !ok {
			from = "default"
		}
		if values[setting.Key] != "" {
			c.Details = append(c.Details, setting.Key+" = "+values[setting.Key]+" ("+from+")")
		}
	}
	if s.Collector == "" {
		c.State, c.Found = Fail, "no collector is set"
		c.Means, c.Do = "reports are made and go nowhere", "set collector to the collector's host:port"
	} else if host, _, err := net.SplitHostPort(s.Collector); err == nil {
		e.host = host
	}
	login, err := s.LoginToProxy()
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrPermission):
		c.Details = append(c.Details, "whether there is a login to the proxy cannot be seen by this user")
	default:
		c.State, c.Found = Fail, err.Error()
		c.Means, c.Do = "the agent does not start", "correct proxy_login_file"
	}
	e.road = road.New(road.Options{Steps: s.Proxies, Login: login.Reveal(), Environ: e.Environ})
	e.add(c)
}

// asTheAgent is what to do where this user may not look.
const asTheAgent = "run farmhound-agent doctor as the user that the agent runs as"

func (e *examination) checkState() {
	dir := e.Settings.StateDir
	c := Check{Step: "state directory", State: OK, Found: dir}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.State, c.Found = Warn, dir+" does not exist"
		c.Means, c.Do = "no agent has run with these settings", "start the service, or name the directory with --state-dir"
	case errors.Is(err, fs.ErrPermission):
		c.State, c.Found = Skip, dir+" cannot be read by this user"
		c.Do = asTheAgent
	case err != nil:
		c.State, c.Found = Fail, err.Error()
		c.Means, c.Do = "the agent does not start", "set state_dir to a directory that the agent can write"
	case !info.IsDir():
		c.State, c.Found = Fail, dir+" is no directory"
		c.Means, c.Do = "the agent does not start", "set state_dir to a directory that the agent can write"
	case open(info):
		c.State, c.Found = Warn, fmt.Sprintf("%s can be read by others (%v)", dir, info.Mode().Perm())
		c.Means, c.Do = "other users may read the device's key", "take the rights of group and others away from it"
	}
	status, err := agent.ReadStatus(dir)
	switch {
	case err == nil:
		e.status = status
	case errors.Is(err, fs.ErrPermission) && c.State == OK:
		c.State, c.Found = Skip, dir+" cannot be read by this user"
		c.Do = asTheAgent
	case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && c.State == OK:
		c.State, c.Found = Warn, err.Error()
		c.Means, c.Do = "what the agent says of itself is unknown", "the running agent writes it anew"
	}
	e.add(c)
}

// renewalOverdue is the part of a certificate's life after which it should have been
// renewed for sure: that is tried from two thirds on.
const renewalOverdue = 0.8

func (e *examination) checkEnrolment() {
	c := Check{Step: "enrolment", State: OK}
	s := e.Settings
	i, why, err := identity.Look(agent.IdentityFolder(s), identity.Trust{CAFile: s.CAFile, CAPin: s.CAPin})
	if err != nil {
		c.State, c.Found, c.Means, c.Do = Fail, err.Error(), "the collector cannot be told from others", "correct ca_file or ca_pin"
		if errors.Is(err, fs.ErrPermission) {
			c.State, c.Found, c.Means, c.Do = Skip, "this user cannot read who the laptop is to the collector", "", asTheAgent
		}
		e.add(c)
		return
	}
	e.identity = i
	from, until := i.Validity()
	now := e.Now()
	switch {
	case errors.Is(why, fs.ErrPermission):
		c.State, c.Found = Skip, "the device's key cannot be read by this user"
		c.Do = asTheAgent
	case why != nil && !errors.Is(why, fs.ErrNotExist):
		c.State, c.Found, c.Means = Fail, why.Error(), "this laptop has no identity"
	case !i.Enrolled():
		c.State, c.Found, c.Means = Fail, "this laptop is not enrolled", "reports wait on its disk"
		if damage := i.Damage(); damage != nil {
			c.Found = damage.Error()
		}
		c.Do = "set enroll_secret_file, or run farmhound-agent enroll"
	case now.Before(from):
		c.State, c.Kind = Fail, "clock"
		c.Found = fmt.Sprintf("by this laptop's clock (%s) the device certificate is not valid yet (from %s on)", stamp(now), stamp(from))
		c.Means, c.Do = "the clock of this laptop is wrong", "set the clock"
	case now.After(until):
		c.State, c.Kind = Fail, "expired"
		c.Found = fmt.Sprintf("the device certificate expired on %s; this laptop's clock says %s", stamp(until), stamp(now))
		c.Means = "reports are refused until it is renewed"
		c.Do = "check the clock; let the agent run, which renews it; if the collector refuses, enrol again with a new secret"
	default:
		c.Found = "device " + i.DeviceID() + ", certificate valid until " + stamp(until)
		if life := until.Sub(from); float64(now.Sub(from)) > renewalOverdue*float64(life) {
			c.State, c.Means = Warn, "it should have been renewed by now"
			c.Do = "let the agent run; see what keeps it from the collector"
		}
	}
	e.add(c)
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }
