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

// copied notes that two laptops have this identity, and says so when it is news.
func (u *update) copied() {
	if u.received-u.pic.GetClonedUnix() > keptTrustDays*daySeconds {
		u.event(u.received, "identity_copied", "Two laptops deliver under this identity by turns.")
	}
	u.pic.ClonedUnix = max(u.pic.GetClonedUnix(), u.received)
}
