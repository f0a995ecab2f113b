package fleet

import (
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// forkSeconds is within what forks must alternate.
	forkSeconds = 3600
	// keptForks is enough to see a run come back that another one came between.
	keptForks = 16
	// supersededSeconds is for what was under way when the laptop enrolled anew.
	supersededSeconds = 3600
)

// link notes deliveries that are out of step. One such heals: an acknowledgement
// was lost, or an image was restored. Those of a restarted agent come run after run
// and never return to one before. Two laptops put each other out of step by turns.
func (u *update) link() {
	if !u.obs.Returned && u.obs.Link != LinkForked {
		return
	}
	forks := slices.DeleteFunc(slices.Clone(u.pic.GetForks()), func(f *fleetv1.Fork) bool { return u.received-f.GetAtUnix() > forkSeconds })
	fork := &fleetv1.Fork{AtUnix: u.received, BootId: u.rep.GetBootId(), Connection: u.obs.Returned}
	if fork.GetConnection() || alternates(forks, fork.GetBootId()) {
		u.copied()
	}
	forks = append(forks, fork)
	u.pic.Forks = forks[max(0, len(forks)-keptForks):]
}

// alternates says whether a fork by a run comes after one by another run that came
// after one by this run.
func alternates(forks []*fleetv1.Fork, boot string) bool {
	other := false
	for _, f := range slices.Backward(forks) {
		switch {
		case f.GetConnection():
		case f.GetBootId() != boot:
			other = true
		case other:
			return true
		}
	}
	return false
}

// copied notes that two agents have this identity, and says so when it is news.
func (u *update) copied() {
	if u.received-u.pic.GetClonedUnix() > keptTrustDays*daySeconds {
		u.event(u.received, "identity_copied", "Two copies of the agent deliver under this identity by turns.")
	}
	u.pic.ClonedUnix = max(u.pic.GetClonedUnix(), u.received)
}

// superseded notes that the laptop enrolled under another identity, and says so when
// this one goes on nevertheless.
func (u *update) superseded() {
	if u.obs.SupersededBy == "" {
		return
	}
	known := supersededAlive(u.pic, u.pic.GetLastReceivedUnix())
	u.pic.SupersededBy, u.pic.SupersededUnix = u.obs.SupersededBy, u.obs.SupersededAt.Unix()
	if !known && supersededAlive(u.pic, u.received) {
		u.event(u.received, "superseded_alive", "Still reports although a laptop with its serial enrolled as device "+u.obs.SupersededBy+".")
	}
}

// supersededAlive says whether a device reported after another one had taken its place.
func supersededAlive(pic *fleetv1.Picture, received int64) bool {
	return pic.GetSupersededBy() != "" && received > pic.GetSupersededUnix()+supersededSeconds
}
