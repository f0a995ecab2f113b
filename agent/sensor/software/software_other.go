//go:build darwin

package software

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// detailProcessesOnly says what this system's sense leaves out.
const detailProcessesOnly = "running programs only: installed tools and sessions are not read on this system yet"

// system is what the sense keeps between scans.
type system struct{ known map[identity]*program }

// identity tells a process from another that has its number later.
type identity struct {
	pid     int32
	created int64 // milliseconds since 1970
}

// program is what matching needs of one process; facts are nil where the catalogue
// knows none of them.
type program struct {
	catalog *catalog.Catalog
	facts   []catalog.Fact
}

func newSystem(host.Host) system { return system{known: map[identity]*program{}} }

// Observe fills Software with the tools that run. Without a session sense it fills
// no RemoteSessions.
func (s *Sensor) Observe(ctx context.Context, into *farmhoundv1.Report) error {
	c := s.catalog.Load()
	running, err := runningProcesses(ctx)
	if err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	tools := map[string]*tool{}
	known := make(map[identity]*program, len(running))
	for _, id := range running {
		g := s.system.known[id]
		if g == nil || g.catalog != c {
			g = describe(ctx, id, c)
		}
		known[id] = g
		addProgram(tools, g, time.UnixMilli(id.created))
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("list processes: %w", err)
	}
	s.system.known = known
	into.Software = reportTools(tools)
	return host.Partial{Detail: detailProcessesOnly}
}

func addProgram(tools map[string]*tool, g *program, since time.Time) {
	if g.facts == nil {
		return
	}
	for _, m := range g.catalog.Match(thisSystem, g.facts) {
		t := tools[m.Entry.GetId()]
		if t == nil {
			t = &tool{entry: m.Entry, running: true}
			tools[m.Entry.GetId()] = t
		}
		t.foundBy.add(farmhoundv1.FoundBy_FOUND_BY_PROCESS)
		if t.since.IsZero() || since.Before(t.since) {
			t.since = since
		}
	}
}

// describe reads a process's program once and keeps it if the catalogue knows it.
func describe(ctx context.Context, id identity, c *catalog.Catalog) *program {
	g := &program{catalog: c}
	path, name := programOf(ctx, id.pid)
	if path != "" {
		name = filepath.Base(path)
	}
	facts := []catalog.Fact{
		{Kind: farmhoundv1.FactKind_FACT_KIND_PROCESS, Value: name},
		{Kind: farmhoundv1.FactKind_FACT_KIND_PATH, Value: path},
	}
	for _, f := range facts {
		if f.Value != "" && c.Knows(thisSystem, f) {
			g.facts = facts
		}
	}
	return g
}
