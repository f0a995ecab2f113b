package roster

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Tool is one remote tool that the company itself uses, by its id in the catalogue or
// by who signs it.
type Tool struct {
	// Name is what the approval is called.
	Name string `json:"name"`
	// ID is the tool's id in the catalogue; empty where Signer says which tools.
	ID string `json:"tool,omitempty"`
	// Signer covers every tool of the catalogue that it signs; copies that it did not
	// sign are not covered.
	Signer string `json:"signer,omitempty"`
	// Tenants are the ids of the company's own installations or tenants, as the tool has
	// them. Where there are any, or learned ones, others are not covered.
	Tenants []string `json:"tenants,omitempty"`
	// Accounts are the accounts from which the company's own people control, as the tool's
	// log has them. Where there are any, control by others is not covered.
	Accounts []string `json:"accounts,omitempty"`
	// Learned are installations and accounts learned from laptops.
	Learned []Learned `json:"learned,omitempty"`
	// Owner is who answers for the approval.
	Owner string `json:"owner"`
	// Until is its last day, YYYY-MM-DD in UTC.
	Until string `json:"until"`
}

// Learned is the stored name of something that a laptop had: a gateway, an installation,
// an account. Names are hashes of hashes: they compare with pictures of the same store
// and with nothing else.
type Learned struct {
	// Is says of what kind: gateway, installation or account.
	Is string `json:"is"`
	// Hash is the name, 16 hexadecimal digits.
	Hash string `json:"hash"`
	// Key is the id of the fleet key behind it: a laptop that does not have that key any
	// more calls the same thing by another name.
	Key uint32 `json:"key"`
	// From is the device it was learned from, At when, RFC 3339.
	From string `json:"from"`
	At   string `json:"at"`
}

// Kinds of learned things.
const (
	IsGateway      = "gateway"
	IsInstallation = "installation"
	IsAccount      = "account"
)

// maxLearned bounds what one record can have learned.
const maxLearned = 64

// Bytes returns the hash; nil where it is none.
func (l *Learned) Bytes() []byte {
	b, err := hex.DecodeString(l.Hash)
	if err != nil || len(b) != 8 {
		return nil
	}
	return b
}

// End returns when the approval ends.
func (t *Tool) End() time.Time {
	end, err := time.Parse(time.DateOnly, t.Until)
	if err != nil {
		return time.Time{}
	}
	return end.AddDate(0, 0, 1)
}

// names are what approvals and offices can be called.
var names = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

var errName = errors.New("a name is of small letters, digits, dots, hyphens and underscores, at most 64, such as help-desk")

// Check says what is wrong with the approval; known says whether the catalogue has a tool.
func (t *Tool) Check(known func(id string) bool) error {
	for _, x := range t.checks(known) {
		if x.err != nil {
			return fmt.Errorf("%s: %w", x.field, x.err)
		}
	}
	return nil
}

// check is the result of looking at one field.
type check struct {
	field string
	err   error
}

// passes names everything that is wrong with a list's entry, and reports whether nothing is.
func (p *parser) passes(row map[string]cell, n *node, found []check) bool {
	good := true
	for _, x := range found {
		if x.err != nil {
			p.wrong(row, x.field, n.at.line, n.at.column, x.err)
			good = false
		}
	}
	return good
}

func (t *Tool) checks(known func(id string) bool) []check {
	_, until := time.Parse(time.DateOnly, t.Until)
	if until != nil {
		until = fmt.Errorf("%q is no date; an approval has a last day, such as 2027-12-31", t.Until)
	}
	var name, which, owner error
	if !names.MatchString(t.Name) {
		name = errName
	}
	switch {
	case t.ID == "" && t.Signer == "":
		which = errors.New("an approval names a tool of the catalogue or a signer")
	case t.ID != "" && t.Signer != "":
		which = errors.New("an approval names a tool or a signer, not both")
	case t.ID != "" && !known(t.ID):
		which = fmt.Errorf("the catalogue has no entry %q; an id is such as anydesk", t.ID)
	case t.ID == "" && len(t.Accounts)+len(t.Tenants)+len(t.Learned) > 0:
		which = errors.New("installations and accounts are those of one tool; name it")
	}
	if t.Owner == "" {
		owner = errors.New("empty; an approval names who answers for it")
	}
	return []check{
		{"name", name}, {"tool", which}, {"owner", owner}, {"until", until},
		{"signer", words(t.Signer)}, {"owner", words(t.Owner)},
		{"tenants", words(t.Tenants...)}, {"accounts", words(t.Accounts...)}, {"learned", checkLearned(t.Learned, IsInstallation, IsAccount)},
	}
}

// words refuses values that are too long or cannot be shown safely.
func words(all ...string) error {
	if len(all) > maxList {
		return fmt.Errorf("more than %d values", maxList)
	}
	for _, text := range all {
		if len(text) > maxName {
			return fmt.Errorf("longer than %d bytes", maxName)
		}
		if reason := unsafe(text); reason != "" {
			return errors.New(reason)
		}
		if text != strings.TrimSpace(text) {
			return fmt.Errorf("%q begins or ends with a blank", text)
		}
	}
	return nil
}

func checkLearned(all []Learned, kinds ...string) error {
	if len(all) > maxLearned {
		return fmt.Errorf("more than %d learned things; remove some", maxLearned)
	}
	for i := range all {
		ok := false
		for _, kind := range kinds {
			ok = ok || all[i].Is == kind
		}
		if !ok || all[i].Bytes() == nil || words(all[i].From, all[i].At) != nil {
			return errors.New("a learned thing is not as a collector writes it")
		}
	}
	return nil
}

var toolFields = []string{"name", "tool", "signer", "tenants", "accounts", "owner", "until"}

// approval reads one entry of the list of approved tools.
func (p *parser) approval(n *node) {
	row, good := p.object(n, toolFields)
	if !good {
		return
	}
	tenants, errTenants := list(row["tenants"].text)
	accounts, errAccounts := list(row["accounts"].text)
	t := Tool{
		Name: row["name"].text, ID: strings.ToLower(row["tool"].text), Signer: row["signer"].text,
		Tenants: tenants, Accounts: accounts, Owner: row["owner"].text, Until: row["until"].text,
	}
	known := p.known
	if p.lenient {
		known = func(string) bool { return true }
	}
	found := append(t.checks(known), check{"tenants", errTenants}, check{"accounts", errAccounts})
	for _, other := range p.into.Tools {
		if other.Name == t.Name {
			found = append(found, check{"name", fmt.Errorf("%q is there twice; the first counts", t.Name)})
		}
	}
	if p.passes(row, n, found) {
		p.into.Tools = append(p.into.Tools, t)
		if p.into.places == nil {
			p.into.places = make(map[string]cell)
		}
		p.into.places[t.Name] = row["signer"]
	}
}
