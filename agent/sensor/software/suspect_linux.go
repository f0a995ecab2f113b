package software

import (
	"path"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/agent/sensor/internal/procfs"
	"github.com/farmhound-security/farmhound/agent/sensor/internal/sockets"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Names that the OpenSSH server's programs run under.
const (
	sshdName        = "sshd"
	sshdSessionName = "sshd-session" // one per connection since OpenSSH 9.8
)

// writableFolders are where ordinary users can put programs.
var writableFolders = [...]string{"/home/", "/tmp/", "/var/tmp/", "/dev/shm/", "/run/user/", "/media/", "/mnt/"}

// interpreters run other programs, whose names they do not bear.
var interpreters = [...]string{"python", "perl", "ruby", "node", "bash", "dash", "sh", "java", "mono", "wine", "electron"}

// credentialArguments set a fixed password for a VNC server.
var credentialArguments = [...]string{"-rfbauth", "-passwd", "-passwdfile", "-storepasswd", "-passwordfile"}

// suspect is a process that touches a fact of the catalogue, or serves ssh.
type suspect struct {
	*procfs.Process
	catalog *catalog.Catalog
	facts   []catalog.Fact
	written bool     // it is known by the logs that it writes only
	command string   // what its program was built as, where it says so
	entries []string // ids of the entries whose facts it touches
	sshd    bool
	// placed says that contained is known.
	placed, contained bool

	// Of the latest scan.
	hidden      bool              // its open files could not be read
	listens     []*sockets.Socket // it listens on
	connections []*sockets.Socket // established, that it holds
	tools       []*tool           // entries it belongs to
}

// judge decides whether a process is a suspect, once per process and catalogue.
func (y *system) judge(p *procfs.Process, c *catalog.Catalog) *suspect {
	if s, ok := p.Memo.(*suspect); ok && s.catalog == c {
		return s
	}
	s := &suspect{Process: p, catalog: c, facts: factsOf(p)}
	s.addOwnWords(y.ownWords(p))
	for _, f := range s.facts {
		s.touch(f)
	}
	s.sshd = isSSHD(p)
	if !s.isSuspect() {
		s.facts = nil
	}
	p.Memo = s
	return s
}

// touch adds the entries that a fact touches.
func (s *suspect) touch(f catalog.Fact) {
	for _, t := range s.catalog.AppendTouched(nil, linux, f) {
		if id := t.Entry.GetId(); !slices.Contains(s.entries, id) {
			s.entries = append(s.entries, id)
		}
	}
}

func (s *suspect) isSuspect() bool { return len(s.entries) > 0 || s.sshd }

// isSSHD goes by the program where it can be seen: a title is anybody's to choose.
func isSSHD(p *procfs.Process) bool {
	name := p.Name()
	if name == "" {
		name = p.Comm
	}
	return name == sshdName || name == sshdSessionName
}

// factsOf lists what a process shows of its identity: its program, the name it was
// called by, and the script it runs.
func factsOf(p *procfs.Process) []catalog.Fact {
	facts := make([]catalog.Fact, 0, 5)
	name := func(value string) {
		// A process that sets its title keeps its own name before a colon.
		value, _, _ = strings.Cut(value, ":")
		f := catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PROCESS, Value: value}
		if value != "" && !slices.Contains(facts, f) {
			facts = append(facts, f)
		}
	}
	name(p.Name())
	name(p.Comm)
	name(p.CalledName())
	paths := []string{p.Executable}
	if isInterpreter(p.Name()) && len(p.Arguments) > 1 && !strings.HasPrefix(p.Arguments[1], "-") {
		name(path.Base(p.Arguments[1]))
		paths = append(paths, p.Arguments[1])
	}
	for _, value := range paths {
		if path.IsAbs(value) {
			facts = append(facts, catalog.Fact{Kind: farmhoundv1.FactKind_FACT_KIND_PATH, Value: homeless(path.Clean(value))})
		}
	}
	return facts
}

// homeless writes a path in a home folder as the catalogue does.
func homeless(name string) string {
	if below, ok := strings.CutPrefix(name, "/root/"); ok {
		return "~/" + below
	}
	if below, ok := strings.CutPrefix(name, "/home/"); ok {
		if _, below, ok = strings.Cut(below, "/"); ok {
			return "~/" + below
		}
	}
	return name
}

func isInterpreter(name string) bool {
	return slices.ContainsFunc(interpreters[:], func(i string) bool {
		version, ok := strings.CutPrefix(name, i)
		return ok && strings.Trim(version, "0123456789.") == ""
	})
}

// renamed reports whether a program of the entry runs from a file with another
// name. That shows only where it was called by its own name. Programs that packages
// install may run through a link with another name.
func (s *suspect) renamed(entry *farmhoundv1.Entry) bool {
	name := s.Name()
	if name != "" && (s.written || s.command != "" && hasName(entry, s.command)) && !hasName(entry, name) {
		return true
	}
	return name != "" && s.writable() && !isInterpreter(name) &&
		!hasName(entry, name) && (hasName(entry, s.Comm) || hasName(entry, s.CalledName()))
}

func hasName(entry *farmhoundv1.Entry, name string) bool {
	return slices.ContainsFunc(entry.GetFacts(), func(f *farmhoundv1.Fact) bool {
		kind := f.GetKind()
		return (kind == farmhoundv1.FactKind_FACT_KIND_PROCESS || kind == farmhoundv1.FactKind_FACT_KIND_SESSION_PROCESS) &&
			(f.GetValue() == name || len(name) == 15 && strings.HasPrefix(f.GetValue(), name))
	})
}

// writable reports whether the program is where an ordinary user can put it.
func (s *suspect) writable() bool {
	return slices.ContainsFunc(writableFolders[:], func(folder string) bool {
		return strings.HasPrefix(s.Executable, folder)
	})
}

// fixedCredential reports whether the arguments set a fixed password.
func (s *suspect) fixedCredential() bool {
	return len(s.Arguments) > 1 && slices.ContainsFunc(s.Arguments[1:], func(argument string) bool {
		argument, _, _ = strings.Cut(strings.ToLower(strings.Replace(argument, "--", "-", 1)), "=")
		return slices.Contains(credentialArguments[:], argument)
	})
}
