package lolrmm

import (
	"regexp"
	"slices"
	"strings"

	"github.com/farmhound-security/farmhound/proto/catalog"
	"github.com/farmhound-security/farmhound/proto/catalog/source"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// maxFacts is how many facts an entry may have.
const maxFacts = 128

// Mapped is a published value and the fact it became.
type Mapped struct {
	Field    string `json:"field"`
	From     string `json:"from"`
	OS       string `json:"os"`
	Kind     string `json:"kind"`
	Value    string `json:"value"`
	Strength string `json:"strength"`
	Why      string `json:"why,omitempty"` // of a strength that is weak
}

// Refused is a published value that became none.
type Refused struct {
	Field  string `json:"field"`
	From   string `json:"from"`
	Reason string `json:"reason"`
}

// mapper maps the values of the tools that make one entry.
type mapper struct {
	entry   *farmhoundv1.Entry
	own     []string // words of the tool's own name
	mapped  []Mapped
	refused []Refused
	seen    map[string]bool
}

func (m *mapper) mapTool(t *Tool) {
	m.own = append(m.own, ownWords(t)...)
	for _, v := range t.Programs {
		m.mapProgram(v, systemOf(v), v.Text, process)
	}
	for _, v := range t.Paths {
		m.mapPath(v)
	}
	for _, v := range t.Services {
		m.mapService(v)
	}
	for _, v := range t.Domains {
		m.mapDomain(v)
	}
	for _, v := range t.Campaign {
		m.refuse(v, campaign)
	}
	for _, v := range t.Original {
		m.mapProgram(v, windows, v.Text, original)
	}
	for _, v := range t.Products {
		m.named(v, windows, v.Text, product)
	}
	for _, v := range t.Uninstall {
		m.mapUninstall(v)
	}
	for _, v := range t.Signers {
		m.mapSigner(v)
	}
	for _, v := range t.Ports {
		m.mapPort(v)
	}
	for _, v := range t.Interfaces {
		m.add(v, &farmhoundv1.Fact{Kind: iface, Value: trailing(v.Text), Strength: supporting})
	}
}

func (m *mapper) refuse(v Value, reason string) {
	key := "refused " + v.Field + v.Text
	if !m.seen[key] {
		m.seen[key] = true
		m.refused = append(m.refused, Refused{v.Field, v.Text, reason})
	}
}

// add keeps a fact that a catalogue may hold and that the entry has not yet. Where the
// lint knows it as common it is weak.
func (m *mapper) add(v Value, f *farmhoundv1.Fact) bool {
	if !holds(f) {
		m.refuse(v, pattern)
		return false
	}
	key := f.GetOs().String() + f.GetKind().String() + strings.ToLower(f.GetValue())
	if m.seen[key] {
		return true
	}
	why := source.TooCommon(f)
	if letsNobodyIn(m.entry.GetCategory()) && (f.GetKind() == process || f.GetKind() == service) {
		why = "lets nobody in, and ordinary computers run such programs"
	}
	if f.GetKind() == domain && why != "" {
		m.refuse(v, sharedName)
		return false
	}
	if why != "" {
		f.Strength = weak
	}
	if len(m.entry.GetFacts()) >= maxFacts {
		m.refuse(v, "the entry has as many facts as one may have")
		return false
	}
	m.seen[key] = true
	m.entry.Facts = append(m.entry.Facts, f)
	m.mapped = append(m.mapped, Mapped{
		Field: v.Field, From: v.Text, OS: source.SystemName(f.GetOs()), Kind: catalog.KindName(f.GetKind()),
		Value: f.GetValue(), Strength: source.StrengthName(f.GetStrength()), Why: why,
	})
	return true
}

func (m *mapper) mapProgram(v Value, os farmhoundv1.OperatingSystem, name string, kind farmhoundv1.FactKind) {
	if i := strings.LastIndexAny(name, `\/`); i >= 0 {
		name = name[i+1:]
	}
	if name == "" {
		return
	}
	value, why := programOf(os, name)
	if why != "" {
		m.refuse(v, why)
		return
	}
	if kind == original && strings.Contains(value, "*") {
		m.refuse(v, pattern)
		return
	}
	m.program(v, os, value, kind)
}

// program adds a program's name, weak where it says a role.
func (m *mapper) program(v Value, os farmhoundv1.OperatingSystem, value string, kind farmhoundv1.FactKind) bool {
	strength := supporting
	if isRole(strings.TrimSuffix(strings.ToLower(value), ".exe")) {
		strength = weak
	}
	return m.add(v, &farmhoundv1.Fact{Kind: kind, Os: os, Value: value, Strength: strength})
}

// named adds a service's or product's name.
func (m *mapper) named(v Value, os farmhoundv1.OperatingSystem, value string, kind farmhoundv1.FactKind) bool {
	value = strings.TrimSpace(strings.NewReplacer("®", "", "™", "").Replace(value))
	if value == "" || isProse(value) {
		m.refuse(v, prose)
		return false
	}
	strength := supporting
	if isRole(strings.ToLower(value)) {
		strength = weak
	}
	return m.add(v, &farmhoundv1.Fact{Kind: kind, Os: os, Value: value, Strength: strength})
}

func (m *mapper) mapService(v Value) {
	text := trailing(glob(v.Text))
	if len(strings.TrimRight(text, "*")) < 4 {
		m.refuse(v, tooShort)
		return
	}
	os := systemOf(v)
	if strings.HasSuffix(text, ".service") {
		os = linux
	}
	m.named(v, os, strings.TrimSuffix(text, ".service"), service)
}

func (m *mapper) mapUninstall(v Value) {
	text := trailing(glob(v.Text))
	if stem := strings.TrimRight(text, "* ({"); len(stem) < 3 {
		m.refuse(v, tooShort)
		return
	}
	m.named(v, windows, text, uninstall)
}

func (m *mapper) mapDomain(v Value) {
	value, why := domainOf(v.Text)
	if why != "" {
		m.refuse(v, why)
		return
	}
	m.add(v, &farmhoundv1.Fact{Kind: domain, Value: value, Strength: supporting})
}

func (m *mapper) mapPort(v Value) {
	value, why := portOf(v.Text)
	if why != "" {
		m.refuse(v, why)
		return
	}
	m.add(v, &farmhoundv1.Fact{Kind: port, Value: value, Strength: supporting})
}

// mapSigner keeps a signer that is the tool's vendor: the list has signers of whatever
// was found in one archive with a tool.
func (m *mapper) mapSigner(v Value) {
	name := strings.Trim(v.Text, `\" `)
	lower := squeezed(name)
	if !slices.ContainsFunc(m.own, func(word string) bool { return strings.Contains(lower, word) }) {
		m.refuse(v, notVendor)
		return
	}
	m.add(v, &farmhoundv1.Fact{Kind: signer, Os: windows, Value: name, Strength: supporting})
}

var wordForm = regexp.MustCompile(`[\p{L}\p{N}]+`)

// roles are words that programs of many makers are named by.
var roles = []string{
	"access", "admin", "agent", "any", "app", "assist", "assistant", "attended", "auto", "bash", "bin", "chat", "cli", "client", "cloud", "config", "connect", "connector", "console", "control",
	"core", "customer", "daemon", "data", "desk", "desktop", "deploy", "detector", "discovery", "display", "download", "engine", "file", "gateway", "gui", "guard", "helper", "help", "host", "info", "install", "installer", "instant",
	"launcher", "level", "live", "loader", "local", "main", "manage", "manager", "manual", "meeting", "monitor", "msi", "net", "network", "online", "pc", "platform", "plugin", "portable", "pro", "process", "program", "proxy", "quick", "rdp", "remote",
	"rmm", "runner", "rv", "screen", "script", "server", "service", "services", "session", "setup", "share", "shell", "software", "start", "starter", "streamer", "support", "svc", "sys", "system", "task", "team", "technician", "temp", "tool", "tools", "tray",
	"tunnel", "ui", "unattended", "uninstall", "uninstaller", "update", "updater", "user", "util", "version", "video", "viewer", "virtual", "vnc", "vpn", "web", "win", "windows", "work", "x64", "x86", "amd64", "32bit", "64bit",
}

// isRole reports whether a name is made of nothing but words for a role, numbers and
// single letters, or is too short to be anybody's.
func isRole(name string) bool {
	words := wordForm.FindAllString(strings.ToLower(name), -1)
	if len(strings.Join(words, "")) < 4 {
		return true
	}
	for _, word := range words {
		bare := strings.Trim(word, "0123456789")
		if len(bare) > 1 && !slices.Contains(roles, word) && !slices.Contains(roles, bare) && !isCompound(bare) {
			return false
		}
	}
	return true
}

// compounds are the roles of which two are written as one word. Makers like to do so:
// most pairs of roles are somebody's product.
var compounds = []string{
	"access", "agent", "client", "control", "helper", "host", "install", "installer", "manager", "remote", "server", "service", "session", "setup", "support",
	"tool", "tray", "update", "updater",
}

// isCompound finds two of them in one word: remotehost, agentsetup.
func isCompound(word string) bool {
	for _, role := range compounds {
		if rest, found := strings.CutPrefix(word, role); found && slices.Contains(compounds, rest) {
			return true
		}
	}
	return false
}

// ownWords are the words of a tool's and its vendor's name that are nobody else's.
func ownWords(t *Tool) []string {
	names := []string{t.Name, hostOf(t.Website)}
	for _, c := range t.Companies {
		names = append(names, c.Text)
	}
	for _, d := range t.Domains {
		if value, why := domainOf(d.Text); why == "" {
			labels := strings.Split(value, ".")
			names = append(names, labels[len(labels)-2])
		}
	}
	var own []string
	for _, name := range names {
		for _, word := range wordForm.FindAllString(strings.ToLower(name), -1) {
			if len(word) >= 4 && !slices.Contains(roles, word) && !slices.Contains(own, word) && !slices.Contains(companyWords, word) {
				own = append(own, word)
			}
		}
		if whole := squeezed(name); len(whole) >= 5 && !isRole(name) && !slices.Contains(own, whole) {
			own = append(own, whole)
		}
	}
	return own
}

var companyWords = []string{
	"corp", "corporation", "gmbh", "group", "inc", "limited", "ltd", "llc", "company", "technologies", "technology", "solutions", "systems", "international", "networks",
	"formerly", "known", "also", "from", "http", "https", "com", "github", "microsoft", "google", "adobe", "symantec", "open", "source", "simple", "free", "total", "ultra", "royal", "chrome", "mouse", "visual", "studio",
}

func hostOf(website string) string {
	_, rest, _ := strings.Cut(website, "://")
	host, _, _ := strings.Cut(rest, "/")
	labels := strings.Split(host, ".")
	if len(labels) < 2 {
		return ""
	}
	return labels[len(labels)-2]
}

// squeezed is a text without what separates words.
func squeezed(text string) string {
	return strings.Join(wordForm.FindAllString(strings.ToLower(text), -1), "")
}
