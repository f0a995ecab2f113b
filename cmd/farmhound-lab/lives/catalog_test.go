package lives

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent"
	"github.com/farmhound-security/farmhound/collector"
	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// issue puts a catalogue of some of the built-in entries where the collector's is, and
// returns its digest.
func (o *office) issue(at time.Time, entries int) (digest string) {
	o.t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	c := new(farmhoundv1.Catalog)
	must(o.t, proto.Unmarshal(catalog.BuiltInBytes(), c))
	c.Entries, c.IssuedAt = c.GetEntries()[:entries], timestamppb.New(at)
	encoded, err := catalog.Encode(c)
	must(o.t, err)
	for path, content := range map[string][]byte{
		o.catalog + collector.SignatureSuffix: []byte(base64.StdEncoding.EncodeToString(catalog.Sign(key, encoded))),
		o.catalog + collector.PublicKeySuffix: []byte(base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))),
		o.catalog:                             encoded,
	} {
		must(o.t, os.WriteFile(path+".next", content, 0o600))
		must(o.t, os.Rename(path+".next", path))
	}
	return catalog.Digest(encoded)
}

// noted reports whether the audit log has an action on an object.
func (o *office) noted(action, object string) (found bool) {
	o.look(func(kept store.Store) {
		log, err := kept.AuditLog(o.t.Context(), time.Time{}, 1000)
		must(o.t, err)
		for _, e := range log {
			found = found || e.Action == action && e.Object == object
		}
	})
	return found
}

func (m *machine) goesBy() string { return agent.ReadCatalogue(m.config).Digest }

// restart begins another run, which reports at once.
func (m *machine) restart() {
	m.office.t.Helper()
	before := m.reports()
	m.stop()
	m.start()
	m.office.eventually("reports of the next run", func() bool { return m.reports() > before })
}

// A laptop that enrolled before the company had a catalogue of its own goes by it once
// there is one, by its next while the collector runs, and by no refused one.
func TestTheCompanysCatalogueReachesALaptop(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.start()
	m := o.machine("PF-LAB-7")
	m.start()
	o.eventually("the first report", func() bool { return m.reports() > 0 })
	if got := m.goesBy(); got != catalog.BuiltIn().Digest() {
		t.Errorf("it goes by %s, not by the built-in one", got)
	}

	o.stop()
	o.catalog = filepath.Join(t.TempDir(), "catalog.binpb")
	issued := time.Now().Add(-time.Hour)
	first := o.issue(issued, 20)
	o.start()
	m.restart()
	o.eventually("the company's catalogue", func() bool { return m.goesBy() == first })

	second := o.issue(issued.Add(time.Minute), 10)
	o.eventually("the collector takes up the next", func() bool { return o.noted("catalog.use", second) })
	m.restart()
	o.eventually("the next catalogue", func() bool { return m.goesBy() == second })

	o.issue(issued, 5)
	o.eventually("the collector refuses an older one", func() bool { return o.noted("catalog.refuse", second) })
	m.restart()
	if got := m.goesBy(); got != second {
		t.Errorf("after an older one was refused it goes by %s, want %s", got, second)
	}
}
