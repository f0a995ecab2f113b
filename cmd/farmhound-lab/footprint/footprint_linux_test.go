package footprint

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// Of the short form: the first half minute is the dearest, with start and enrolment. Times
// are compared within one run only.
const (
	mostResident = 24 << 20
	mostDisk     = 200_000 // bytes of a start with enrolment
	mostWire     = 40_000
)

func TestShortFootprint(t *testing.T) {
	t.Parallel()
	const length = 30 * time.Second
	var said bytes.Buffer
	result, err := (&Command{For: length, Processes: 20, Sockets: 20}).Measure(t.Context(), &said)
	if err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	var table strings.Builder
	if err := result.write(&table); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + table.String())
	a := result.Agent
	if a.Disk == nil {
		t.Fatal("nothing is known of the disk")
	}
	disk, wire := *a.Disk*length.Minutes(), a.WireStart
	if a.Resident == 0 || a.Resident > mostResident || disk == 0 || disk > mostDisk || wire < 1000 || wire > mostWire {
		t.Errorf("%d bytes resident, %.0f on the disk and %d on the wire with the start; at most %d, %d and %d", a.Resident, disk, wire, mostResident, mostDisk, mostWire)
	}
	if result.Other == nil {
		farpath.Missing(t, "prometheus-node-exporter, to compare with")
	}
	if o := *result.Other; a.Resident > o.Resident*3/2 {
		t.Errorf("%d bytes resident beside node_exporter's %d", a.Resident, o.Resident)
	}
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}
