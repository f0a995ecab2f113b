package fleet

import (
	"strings"
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// TestPeripheralWords: an event says of a peripheral how it was recognised and no more.
func TestPeripheralWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, level, want string }{
		{kindKVM, levelNamed, `The remote console "X"`},
		{kindKVM, levelDescriptor, `A device with the input descriptors of the remote console "X"`},
		{kindKVM, levelImpossible, `A device that has the identity of "X" and offers what that product does not have`},
		{kindKVM, levelShapeStorage, `A device shaped like a remote console, "X",`},
		{kindKVM, levelShape, `A device shaped like a remote console, "X",`},
		{kindDisplay, "", `The display "X"`},
		{kindDummy, "", `A display that is not there, "X",`},
	} {
		if got := peripheralWords(&fleetv1.PeripheralState{Kind: tt.kind, Level: tt.level, Name: "X"}); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.kind, tt.level, got, tt.want)
		}
	}
}

// TestEventsSayWhatAReportTold: when a thing that a report lists came or went was not
// observed, only that it is there, or is no longer.
func TestEventsSayWhatAReportTold(t *testing.T) {
	t.Parallel()
	f := newFleet(nil)
	l := newLaptop("d1")
	var pic *fleetv1.Picture
	var said []string
	for _, monitors := range []string{"", "screen", ""} {
		spot{network: "home", peer: ohio, monitor: monitors}.enter(l)
		var events []*fleetv1.Event
		pic, events = f.Apply(pic, l.report(monday))
		for _, e := range events {
			if strings.HasPrefix(e.GetKind(), "hardware_") {
				said = append(said, e.GetSummary())
			}
		}
	}
	want := []string{" is attached.", " is no longer attached."}
	if len(said) != len(want) {
		t.Fatalf("events %q", said)
	}
	for i, summary := range said {
		if !strings.HasSuffix(summary, want[i]) {
			t.Errorf("event %q, want one that ends in %q", summary, want[i])
		}
	}
}

// TestSessionEvents: the address of a relay is not where control came from.
func TestSessionEvents(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		path farmhoundv1.SessionPath
		peer string
		want string
	}{
		{farmhoundv1.SessionPath_SESSION_PATH_DIRECT, shenyang, `Control through "AnyDesk" from ` + shenyang + ` began.`},
		{farmhoundv1.SessionPath_SESSION_PATH_RELAY, shenyang, `Control through "AnyDesk" over a relay (` + shenyang + `) began.`},
		{farmhoundv1.SessionPath_SESSION_PATH_RELAY, "", `Control through "AnyDesk" began.`},
	} {
		l := newLaptop("d1")
		o := l.report(monday.Add(time.Hour))
		s := control("s", "anydesk", tt.peer, monday)
		s.Path = tt.path
		o.Report.RemoteSessions = []*farmhoundv1.RemoteSession{s}
		_, events := newFleet(nil).Apply(nil, o)
		said := ""
		for _, e := range events {
			if e.GetKind() == "session_started" {
				said = e.GetSummary()
			}
		}
		if said != tt.want {
			t.Errorf("%s from %q: %s, want %s", tt.path, tt.peer, said, tt.want)
		}
	}
}
