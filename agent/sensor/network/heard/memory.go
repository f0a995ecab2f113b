package heard

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// mostSources bounds who is remembered.
	mostSources = 256
	// remembered is for how long: an IP-KVM announces itself when it starts and when
	// somebody looks for it, and is silent for hours between.
	remembered = 12 * time.Hour
)

// Source is somebody who was heard.
type Source struct {
	// Addr is where the packet came from, without a zone.
	Addr netip.Addr
	// Kind is what it announced itself as.
	Kind Kind
	// At is when it was last heard.
	At time.Time
}

// Memory is who was heard on one local network, bounded. It is safe for concurrent use,
// and outlasts a Listener: who is silent for hours would be forgotten with every pause.
type Memory struct {
	mu      sync.Mutex
	sources []Source
}

// add notes somebody who spoke. What he once said that he is stays true until he is
// forgotten. Of too many, who was silent longest goes, IP-KVMs last.
func (m *Memory) add(s Source) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(s.At)
	oldest := 0
	for i := range m.sources {
		known := &m.sources[i]
		if known.Addr == s.Addr {
			known.Kind, known.At = max(known.Kind, s.Kind), s.At
			return
		}
		if o := &m.sources[oldest]; (known.Kind == KVM) != (o.Kind == KVM) {
			if o.Kind == KVM {
				oldest = i
			}
		} else if known.At.Before(o.At) {
			oldest = i
		}
	}
	if len(m.sources) < mostSources {
		m.sources = append(m.sources, s)
	} else {
		m.sources[oldest] = s
	}
}

// forget drops those who were silent for too long, or are of a time to come.
func (m *Memory) forget(now time.Time) {
	kept := m.sources[:0]
	for _, s := range m.sources {
		if now.Sub(s.At).Abs() <= remembered {
			kept = append(kept, s)
		}
	}
	m.sources = kept
}

// Clear forgets everybody, for who is on another network is somebody else.
func (m *Memory) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources = m.sources[:0]
}

// AppendTo appends who is remembered.
func (m *Memory) AppendTo(list []Source, now time.Time) []Source {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(now)
	return append(list, m.sources...)
}
