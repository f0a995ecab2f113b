package lives

import (
	"context"
	"encoding/pem"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent"
	"github.com/farmhound-security/farmhound/agent/settings"
	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/pki"
	"github.com/farmhound-security/farmhound/collector/store"
)

// office is a collector on a loopback port, for whole agents in real time.
type office struct {
	t       *testing.T
	data    string
	address string
	made    *collector.Created
	// certificates is how long devices' certificates are valid.
	certificates time.Duration
	// catalog is the path of the company's own, empty for none.
	catalog string
	stop    func()
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, data: filepath.Join(t.TempDir(), "data"), address: "127.0.0.1:0", certificates: time.Hour}
	var err error
	o.made, err = collector.Create(t.Context(), o.data, []string{"127.0.0.1"})
	must(t, err)
	return o
}

func (o *office) start() {
	o.t.Helper()
	config := collector.DefaultConfig()
	config.Data, config.Listen, config.Agents.CertificateLife = o.data, collector.Address(o.address), o.certificates
	config.Catalog = o.catalog
	c, err := collector.Open(o.t.Context(), collector.Options{Config: config, Log: quiet()})
	must(o.t, err)
	o.address = c.Address().String()
	o.stop = o.run(c.Run)
}

// run runs something until it is stopped, at the latest when the test ends.
func (o *office) run(what func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(o.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- what(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			o.t.Error(err)
		}
	}
	o.t.Cleanup(stop)
	return stop
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// machine is a whole agent on a laptop with a serial of its own.
type machine struct {
	office *office
	config agent.Config
	device string
	stop   func()
}

func (o *office) machine(serial string) *machine {
	o.t.Helper()
	root := o.t.TempDir()
	firmware := filepath.Join(root, "sys", "class", "dmi", "id")
	must(o.t, os.MkdirAll(firmware, 0o700))
	for name, line := range map[string]string{"product_serial": serial, "product_name": "ThinkPad X1"} {
		must(o.t, os.WriteFile(filepath.Join(firmware, name), []byte(line+"\n"), 0o600))
	}
	s := settings.Defaults()
	s.Collector, s.StateDir, s.EnrollSecret = o.address, o.t.TempDir(), settings.NewSecret(o.made.Secret)
	s.CAFile = filepath.Join(root, "ca.pem")
	must(o.t, os.WriteFile(s.CAFile, o.made.CA, 0o600))
	m := &machine{office: o, config: agent.Config{Settings: s, Version: "lives", Root: root, Log: quiet()}}
	device, err := agent.Enroll(o.t.Context(), m.config)
	must(o.t, err)
	m.device = device
	return m
}

func (m *machine) start() {
	m.office.t.Helper()
	a, err := agent.New(m.config)
	must(m.office.t, err)
	m.stop = m.office.run(func(ctx context.Context) error {
		if err := a.Run(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		return nil
	})
}

func (m *machine) reports() (n uint64) {
	m.office.look(func(kept store.Store) {
		if d, err := kept.Device(m.office.t.Context(), m.device); err == nil {
			n = d.Summary.GetReports()
		}
	})
	return n
}

// validUntil returns the end of the certificate in the state folder.
func (m *machine) validUntil() time.Time {
	m.office.t.Helper()
	data, err := os.ReadFile(filepath.Join(m.config.Settings.StateDir, "identity", "certificate.pem"))
	must(m.office.t, err)
	block, _ := pem.Decode(data)
	return parse(m.office.t, block.Bytes).NotAfter
}

func (o *office) look(fn func(store.Store)) {
	o.t.Helper()
	kept, err := collector.OpenStore(o.t.Context(), o.data)
	must(o.t, err)
	fn(kept)
	must(o.t, kept.Close())
}

func (o *office) eventually(what string, holds func() bool) {
	o.t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !holds(); time.Sleep(100 * time.Millisecond) { // between looks at the condition
		if time.Now().After(deadline) {
			o.t.Fatalf("waited in vain: %s", what)
		}
	}
}

func TestAnAgentThatSleptPastItsCertificateRenews(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.certificates = 10 * time.Second
	o.start()
	m := o.machine("PF-LAB-1")
	m.start()
	o.eventually("the first report", func() bool { return m.reports() > 0 })
	m.stop()
	until, before := m.validUntil(), m.reports()
	o.eventually("the certificate's end", func() bool { return time.Now().After(until) })
	m.start()
	o.eventually("reports after it woke", func() bool { return m.reports() > before })
	if again := m.validUntil(); !again.After(until) {
		t.Errorf("the certificate is valid until %v, as before", again)
	}
	o.look(func(kept store.Store) {
		if all, err := kept.Identities(t.Context()); err != nil || len(all) != 1 || all[0].Device != m.device {
			t.Errorf("identities %v, %v; want the one of %s", all, err, m.device)
		}
	})
}

func TestAnAgentLearnsOfANewCA(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.start()
	m := o.machine("PF-LAB-2")
	m.start()
	o.eventually("the first report", func() bool { return m.reports() > 0 })
	o.stop()
	authority, err := pki.Load(collector.PKIDir(o.data))
	must(t, err)
	must(t, authority.Rotate(0)) // the server shows the new CA's at once
	newer := authority.Pin()
	o.start()
	// Every run begins with a report.
	restart := func() {
		t.Helper()
		before := m.reports()
		m.stop()
		m.start()
		o.eventually("reports of the next run", func() bool { return m.reports() > before })
	}
	stands := func(when string, known int) {
		t.Helper()
		o.look(func(kept store.Store) {
			identity, err := kept.Identity(t.Context(), m.device)
			must(t, err)
			if identity.CA != newer || len(identity.Trusts) != known || !slices.Contains(identity.Trusts, newer) {
				t.Errorf("%s: a certificate of %s, knows %v; the new CA is %s", when, identity.CA, identity.Trusts, newer)
			}
		})
	}
	until := m.validUntil()
	restart()
	o.eventually("another certificate", func() bool { return m.validUntil().After(until) })
	restart()
	stands("during the rotation", 2)
	o.stop()
	must(t, authority.Retire())
	o.start()
	restart()
	restart()
	stands("after it", 1)
}

// The same laptop with a new disk: another identity, linked to the first.
func TestAnAgentOnAReimagedLaptop(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.start()
	first := o.machine("PF-LAB-3")
	first.start()
	o.eventually("the first report", func() bool { return first.reports() > 0 })
	first.stop()
	second := o.machine("PF-LAB-3")
	second.start()
	o.eventually("the first report after", func() bool { return second.reports() > 0 })
	o.look(func(kept store.Store) {
		old, err := kept.Device(t.Context(), first.device)
		must(t, err)
		if old.Summary.GetSupersededBy() != second.device {
			t.Errorf("the first identity is superseded by %q, want %s", old.Summary.GetSupersededBy(), second.device)
		}
		found, err := kept.FindDevice(t.Context(), "PF-LAB-3")
		must(t, err)
		if found.Summary.GetId() != second.device || found.Summary.GetSupersedes() != first.device {
			t.Errorf("the serial finds %v", found.Summary)
		}
	})
}
