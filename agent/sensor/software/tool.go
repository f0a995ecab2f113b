package software

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// foundBySet is a set of kinds of facts.
type foundBySet uint32

func (s *foundBySet) add(f farmhoundv1.FoundBy)     { *s |= 1 << f }
func (s foundBySet) has(f farmhoundv1.FoundBy) bool { return s&(1<<f) != 0 }

func (s foundBySet) list() (list []farmhoundv1.FoundBy) {
	for f := farmhoundv1.FoundBy_FOUND_BY_PROCESS; f <= farmhoundv1.FoundBy_FOUND_BY_INTERFACE; f++ {
		if s.has(f) {
			list = append(list, f)
		}
	}
	return list
}

// tool gathers what was found of one catalogue entry.
type tool struct {
	entry      *farmhoundv1.Entry
	foundBy    foundBySet
	version    string
	installed  bool
	home       bool
	running    bool
	controlled bool
	unattended bool
	renamed    bool
	writable   bool
	credential bool
	contained  bool // in a container and nowhere else
	since      time.Time
	ports      []uint32
	tenants    []string
	signed     *bool // whether the signer is the known one, nil where that cannot be said
}

func (t *tool) scope() farmhoundv1.InstallScope {
	switch {
	case t.contained:
		return farmhoundv1.InstallScope_INSTALL_SCOPE_CONTAINER
	case t.installed && t.home:
		return farmhoundv1.InstallScope_INSTALL_SCOPE_USER
	case t.installed:
		return farmhoundv1.InstallScope_INSTALL_SCOPE_SYSTEM
	case t.running:
		return farmhoundv1.InstallScope_INSTALL_SCOPE_PORTABLE
	}
	return farmhoundv1.InstallScope_INSTALL_SCOPE_UNSPECIFIED
}

// report turns what was found into what is reported.
func (t *tool) report(keys fleetkey.Ring) *farmhoundv1.Tool {
	slices.Sort(t.ports)
	t.ports = slices.Compact(t.ports)
	out := &farmhoundv1.Tool{
		Id: t.entry.GetId(), Version: t.version, FoundBy: t.foundBy.list(), Scope: t.scope(),
		Installed: t.installed, Running: t.running, Controlled: t.controlled, Unattended: t.unattended,
		Renamed: t.renamed, UserWritable: t.writable, FixedCredential: t.credential, SignerKnown: t.signed,
		ListeningPorts: t.ports[:min(len(t.ports), maxPorts)],
	}
	if !t.since.IsZero() {
		out.RunningSince = timestamppb.New(t.since)
	}
	tellTenants(out, t.tenants, keys)
	return out
}

// reportTools returns the tools ordered by id.
func reportTools(tools map[string]*tool, keys fleetkey.Ring) *farmhoundv1.Software {
	out := &farmhoundv1.Software{}
	for _, t := range tools {
		out.Tools = append(out.Tools, t.report(keys))
	}
	slices.SortFunc(out.Tools, func(a, b *farmhoundv1.Tool) int { return strings.Compare(a.Id, b.Id) })
	out.Tools = out.Tools[:min(len(out.Tools), maxTools)]
	return out
}
