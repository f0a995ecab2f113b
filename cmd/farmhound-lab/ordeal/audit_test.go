package ordeal

import (
	"database/sql"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"
	_ "modernc.org/sqlite" // the store is read beside the collector's own code

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// stored is what the store has of one device, read without the collector's code.
type stored struct {
	// times counts the rows of each report, and digests are what they say.
	times   map[reportKey]int
	digests map[reportKey]string
	// judged is how many reports had their effect on the device.
	judged uint64
	// accused is whether it is taken for two laptops.
	accused bool
}

// figures are what an audit counted.
type figures struct{ tried, kept, acknowledgements, stored, spooled int }

// audit holds the ledgers of agents that are off against the store of a collector
// that is off and against their spools.
func audit(t *testing.T, c *collector, agents []*agent) (f figures) {
	t.Helper()
	devices := readStore(t, c.store())
	for _, a := range agents {
		l := a.ledger
		for _, line := range l.odd {
			t.Errorf("%s said %q", a.name, line)
		}
		spooled, err := a.spooled()
		if err != nil {
			if len(l.kept) > 0 {
				t.Errorf("%s: read its spool: %v", a.name, err)
			}
			continue
		}
		d := devices[l.device]
		if d == nil {
			d = &stored{}
		}
		for _, problem := range compare(l, d, spooled) {
			t.Errorf("%s: %s", a.name, problem)
		}
		f.tried += len(l.tried)
		f.kept += len(l.kept)
		f.acknowledgements += l.acks
		f.stored += len(d.times)
		f.spooled += len(spooled)
	}
	return f
}

// compare returns what is not as it was promised, a few of each kind.
func compare(l *ledger, d *stored, spooled map[reportKey]bool) (problems []string) {
	wrong := map[string]int{}
	say := func(kind string, k reportKey) {
		if wrong[kind]++; wrong[kind] <= 3 {
			problems = append(problems, fmt.Sprintf("report %d of run %s %s", k.sequence, k.boot, kind))
		}
	}
	for k := range l.tried {
		times := d.times[k]
		switch {
		case k.sequence <= l.told[k.boot] && times == 0:
			say("was acknowledged and is not in the store", k)
		case l.kept[k] && times == 0 && !spooled[k]:
			say("was in the spool, is not acknowledged, and is nowhere", k)
		case times > 1:
			say("is in the store more than once", k)
		}
	}
	for k, sum := range d.digests {
		switch made, ok := l.tried[k]; {
		case !ok:
			say("is in the store and was never made", k)
		case made != sum:
			say("is in the store with another content", k)
		}
	}
	for boot, told := range l.told {
		if _, ok := l.tried[reportKey{boot, told}]; !ok {
			say("was acknowledged and never made", reportKey{boot, told})
		}
	}
	if int(d.judged) != len(d.times) {
		problems = append(problems, fmt.Sprintf("%d reports are stored and %d were judged", len(d.times), d.judged))
	}
	if d.accused {
		problems = append(problems, "it is taken for a copied identity")
	}
	return problems
}

// readStore reads the whole store, which must be sound.
func readStore(t *testing.T, path string) map[string]*stored {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_busy_timeout=10000")
	must(t, err)
	defer db.Close()
	var verdict string
	must(t, db.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&verdict))
	if verdict != "ok" {
		t.Errorf("the store is damaged: %s", verdict)
	}
	all := map[string]*stored{}
	rows, err := db.QueryContext(t.Context(), `SELECT id, summary FROM device`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var (
			id      string
			summary []byte
			s       fleetv1.DeviceSummary
		)
		must(t, rows.Scan(&id, &summary))
		must(t, proto.Unmarshal(summary, &s))
		all[id] = &stored{times: map[reportKey]int{}, digests: map[reportKey]string{}, judged: s.GetReports()}
	}
	must(t, rows.Err())
	readReports(t, db, all)
	readAccusations(t, db, all)
	return all
}

// readAccusations reads from the events who was taken for two laptops: pictures are packed.
func readAccusations(t *testing.T, db *sql.DB, into map[string]*stored) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT device, body FROM event`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var (
			device string
			body   []byte
			e      fleetv1.Event
		)
		must(t, rows.Scan(&device, &body))
		must(t, proto.Unmarshal(body, &e))
		if d := into[device]; d != nil && e.GetKind() == "identity_copied" {
			d.accused = true
		}
	}
	must(t, rows.Err())
}

func readReports(t *testing.T, db *sql.DB, into map[string]*stored) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT device, boot_id, sequence, body FROM report`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var (
			device string
			k      reportKey
			body   []byte
			r      farmhoundv1.Report
		)
		must(t, rows.Scan(&device, &k.boot, &k.sequence, &body))
		must(t, proto.Unmarshal(body, &r))
		d := into[device]
		if d == nil {
			t.Fatalf("the store has a report of %q, of which it knows nothing", device)
		}
		d.times[k]++
		d.digests[k] = digest(&r)
	}
	must(t, rows.Err())
}
