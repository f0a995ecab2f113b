package fleet

import (
	"cmp"
	"fmt"
	"slices"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const keptTools = 64

func sentence(format string, words ...any) string { return fmt.Sprintf(format, words...) }

func compareText(a, b string) int { return cmp.Compare(a, b) }

// software replaces what is known of tools by what the report lists.
func (u *update) software() {
	part := u.rep.GetSoftware()
	if part == nil {
		// Unchanged since the last report that carried it.
		for _, t := range u.pic.GetTools() {
			if t.GetPresent() && !u.newRun {
				t.LastUnix = max(t.GetLastUnix(), u.at)
			}
		}
		return
	}
	initial := u.pic.GetSoftwareUnix() == 0
	if initial {
		u.pic.SoftwareUnix = max(u.at, 1)
	}
	listed := make(map[string]bool, len(part.GetTools()))
	for _, t := range part.GetTools() {
		listed[t.GetId()] = true
		u.tool(t, initial)
	}
	for _, state := range u.pic.GetTools() {
		if state.GetPresent() && !listed[state.GetId()] {
			state.Present, state.Running = false, false
			e := u.event(u.at, "tool_gone", sentence("%s is no longer there.", quote(u.f.toolName(state.GetId()))))
			e.Tool = state.GetId()
		}
	}
	u.pic.Tools = keepTools(u.pic.GetTools())
}

func (u *update) tool(t *farmhoundv1.Tool, initial bool) {
	i, ok := slices.BinarySearchFunc(u.pic.GetTools(), t.GetId(), func(s *fleetv1.ToolState, id string) int {
		return cmp.Compare(s.GetId(), id)
	})
	if !ok {
		u.pic.Tools = slices.Insert(u.pic.GetTools(), i, &fleetv1.ToolState{Id: t.GetId(), FirstUnix: u.at, Initial: initial})
	}
	state := u.pic.GetTools()[i]
	if !state.GetPresent() {
		e := u.event(u.at, "tool_appeared", sentence("%s is %s.", quote(u.f.toolName(t.GetId())), toolCondition(t)))
		e.Tool = t.GetId()
	}
	state.Present = true
	state.LastUnix = max(state.GetLastUnix(), u.at)
	state.Running = t.GetRunning()
	state.Unattended = t.GetUnattended()
	state.Renamed = state.GetRenamed() || t.GetRenamed()
	state.Portable = state.GetPortable() || t.GetUserWritable() || t.GetScope() == farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE
	state.FixedCredential = state.GetFixedCredential() || t.GetFixedCredential()
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
			if !t.GetPresent() && (tools[oldest].GetPresent() || t.GetLastUnix() < tools[oldest].GetLastUnix()) {
				oldest = i
			}
		}
		tools = slices.Delete(tools, oldest, oldest+1)
	}
	return tools
}
