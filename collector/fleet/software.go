package fleet

import (
	"cmp"
	"fmt"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// keptTools is what one report may list, so that none of them is forgotten.
const keptTools = 128

func sentence(format string, words ...any) string { return fmt.Sprintf(format, words...) }

// software keeps what is known of tools: what the latest report with them lists
// is there.
func (u *update) software() {
	part := u.rep.GetSoftware()
	latest := u.takes(&u.pic.Orders.Software, part != nil)
	switch {
	case part != nil:
		u.tools(part, latest)
		u.pic.SoftwareSeenUnix = max(u.pic.GetSoftwareSeenUnix(), u.at)
	case latest:
		u.pic.SoftwareSeenUnix = 0 // unknown from now on
	case u.pic.GetSoftwareSeenUnix() != 0 && u.order > u.pic.GetOrders().GetSoftware() && u.works("software"):
		u.pic.SoftwareSeenUnix = max(u.pic.GetSoftwareSeenUnix(), u.at) // unchanged
	}
}

func (u *update) tools(part *farmhoundv1.Software, latest bool) {
	if u.pic.GetSoftwareUnix() == 0 || u.at < u.pic.GetSoftwareUnix() {
		u.pic.SoftwareUnix = max(u.at, 1)
	}
	u.pic.SoftwareParts = u.carried(u.pic.GetSoftwareParts())
	for _, t := range part.GetTools() {
		// Whoever controls a developer's container does not control the laptop.
		if t.GetScope() != farmhoundv1.InstallScope_INSTALL_SCOPE_CONTAINER {
			u.tool(t)
		}
	}
	for i, t := range u.pic.GetTools() {
		present := t.GetListedOrder() == u.pic.GetOrders().GetSoftware()
		last := t.GetLastUnix()
		if at, ok := goneAt(u.pic.GetSoftwareParts(), t.GetListedOrder()); ok && !present {
			last = at
		}
		if present == t.GetPresent() && last == t.GetLastUnix() {
			continue
		}
		was := t.GetPresent()
		t = edit(&u.draft, u.pic.GetTools(), i)
		t.Present, t.LastUnix = present, last
		if was && !present && latest {
			e := u.event(u.at, "tool_gone", sentence("%s is no longer there.", quote(u.f.toolName(t.GetId()))))
			e.Tool = t.GetId()
		}
	}
	u.pic.Tools = keepTools(u.pic.GetTools())
}

func (u *update) tool(t *farmhoundv1.Tool) {
	i, ok := slices.BinarySearchFunc(u.pic.GetTools(), t.GetId(), func(s *fleetv1.ToolState, id string) int {
		return cmp.Compare(s.GetId(), id)
	})
	if !ok {
		s := &fleetv1.ToolState{Id: t.GetId(), FirstUnix: u.at, LastUnix: u.at}
		u.made(s)
		u.pic.Tools = slices.Insert(u.pic.GetTools(), i, s)
	}
	state := edit(&u.draft, u.pic.GetTools(), i)
	state.FirstUnix = min(state.GetFirstUnix(), u.at)
	state.Renamed = state.GetRenamed() || t.GetRenamed()
	state.Portable = state.GetPortable() || t.GetUserWritable() || t.GetScope() == farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE
	state.FixedCredential = state.GetFixedCredential() || t.GetFixedCredential()
	if u.order < state.GetListedOrder() {
		return
	}
	if !state.GetPresent() && u.order == u.pic.GetOrders().GetSoftware() {
		e := u.event(u.at, "tool_appeared", sentence("%s is %s.", quote(u.f.toolName(t.GetId())), toolCondition(t)))
		e.Tool = t.GetId()
	}
	state.ListedOrder = u.order
	state.SignerKnown = t.SignerKnown
	state.Installation, state.OtherInstallations = u.installations(t)
	state.LastUnix = max(state.GetLastUnix(), u.at)
	state.Running = t.GetRunning()
	state.Unattended = t.GetUnattended()
}

// installations returns the names of a tool's installations, the first of them known
// under every fleet key that it was hashed with.
func (u *update) installations(t *farmhoundv1.Tool) (first []byte, others [][]byte) {
	stored := func(hash []byte) key { return u.f.hash(hashInstallation, hash) }
	first = u.known(names(t.GetKeyId(), t.GetInstallationHash(), t.GetEarlierInstallations(), stored))
	for _, other := range t.GetOtherInstallationHashes() {
		k := stored(other)
		others = append(others, k[:])
	}
	return first, others
}

func toolCondition(t *farmhoundv1.Tool) string {
	condition := "there"
	switch {
	case t.GetInstalled() && t.GetRunning():
		condition = "installed and running"
	case t.GetRunning():
		condition = "running"
	case t.GetInstalled():
		condition = "installed"
	}
	if t.GetUnattended() {
		condition += ", open to control with nobody there"
	}
	return condition
}

// keepTools drops the longest unseen beyond the bound.
func keepTools(tools []*fleetv1.ToolState) []*fleetv1.ToolState {
	for len(tools) > keptTools {
		oldest := 0
		for i, t := range tools {
			if t.GetListedOrder() < tools[oldest].GetListedOrder() {
				oldest = i
			}
		}
		tools = slices.Delete(tools, oldest, oldest+1)
	}
	return tools
}
