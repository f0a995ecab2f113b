package collector

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// thereNow is how fresh a laptop's last report must be for it to show where it is.
	thereNow = time.Hour
	// lateSessions is how far back sessions show whose accounts control a laptop.
	lateSessions = 20 * 24 * time.Hour
)

// rosterDesk is the books as the API asks for them.
type rosterDesk struct {
	*books

	devices store.Fleet
	now     func() time.Time // the collector's clock, by which reports came
	// doubtsOf returns which lines many laptops contradict, if a book came into force.
	doubtsOf func(ctx context.Context, book *roster.Book) ([]*fleetv1.RosterDoubt, error)
}

var _ api.Books = rosterDesk{}

// Import puts a roster in the place of what an import said before.
func (d rosterDesk) Import(ctx context.Context, actor string, how *fleetv1.ImportRosterRequest, content io.Reader) (*api.Imported, error) {
	o, problems, err := d.importRoster(ctx, actor, Import{
		Name: how.GetName(), Merge: how.GetMerge(), DryRun: how.GetDryRun(), RemoveMany: how.GetRemoveMany(),
	}, content)
	var whole roster.Problem
	if errors.As(err, &whole) || errors.Is(err, errMostGone) {
		return nil, api.Mistake{Err: err}
	}
	if err != nil {
		return nil, err
	}
	done := &api.Imported{Version: o.version, Changes: o.changes}
	for _, p := range problems {
		done.Problems = append(done.Problems, &fleetv1.RosterProblem{
			File: p.File, Line: uint32(p.Line), Column: uint32(p.Column), Reason: p.Reason, Counts: p.Counts,
		})
	}
	if len(o.changes) > 0 {
		if done.Doubts, err = d.doubtsOf(ctx, o.book); err != nil { // the import is made all the same
			d.log.ErrorContext(ctx, "it is not known whether laptops contradict an imported roster", "roster", how.GetName(), "error", err)
		}
	}
	return done, nil
}

// PutTool approves a tool, or replaces the approval of that name; what that learned
// of the same tool stays.
func (d rosterDesk) PutTool(ctx context.Context, actor string, req *fleetv1.PutApprovedToolRequest) (*fleetv1.RosterTool, store.RosterVersion, error) {
	in := req.GetTool()
	t := roster.Tool{
		Name: in.GetName(), ID: strings.ToLower(in.GetTool()), Signer: in.GetSigner(), Tenants: in.GetTenants(),
		Accounts: in.GetAccounts(), Owner: in.GetOwner(), Until: in.GetUntil(),
	}
	if err := t.Check(d.known.Has); err != nil {
		return nil, store.RosterVersion{}, api.Mistake{Err: err}
	}
	if t.Signer != "" && d.known.Signs != nil {
		if ok, like := d.known.Signs(t.Signer); !ok {
			return nil, store.RosterVersion{}, api.Mistake{Err: fmt.Errorf("signer: %s", signsNothing(t.Signer, like))}
		}
	}
	fresh, err := d.learnTool(ctx, &t, req)
	if err != nil {
		return nil, store.RosterVersion{}, err
	}
	version, err := d.put(ctx, actor, "roster.tool", t.Name, func(before string) (roster.Record, error) {
		var stood roster.Tool
		if before != "" && json.Unmarshal([]byte(before), &stood) == nil && stood.ID == t.ID {
			t.Learned = stood.Learned
		}
		t.Learned = withLearned(t.Learned, fresh)
		return t.Record(), t.Check(d.known.Has)
	})
	if err != nil {
		return nil, version, err
	}
	said := &fleetv1.RosterTool{}
	return said, version, read(t.Record().Body, said)
}

// PutOffice registers an office, or replaces the one of that name; its gateways stay.
func (d rosterDesk) PutOffice(ctx context.Context, actor string, req *fleetv1.PutOfficeRequest) (*fleetv1.RosterOffice, store.RosterVersion, error) {
	in := req.GetOffice()
	o := roster.Office{Name: in.GetName(), Kind: in.GetKind(), Country: in.GetCountry(), TimeZone: in.GetTimeZone(), Networks: slices.Clone(in.GetNetworks())}
	var fresh []roster.Learned
	if req.GetDeviceThere() != "" {
		var err error
		if fresh, err = d.learnGateway(ctx, req.GetDeviceThere()); err != nil {
			return nil, store.RosterVersion{}, err
		}
	}
	version, err := d.put(ctx, actor, "roster.office", o.Name, func(before string) (roster.Record, error) {
		var stood roster.Office
		if before != "" && json.Unmarshal([]byte(before), &stood) == nil {
			o.Gateways = stood.Gateways
		}
		o.Gateways = withLearned(o.Gateways, fresh)
		err := o.Check()
		return o.Record(), err
	})
	if err != nil {
		return nil, version, err
	}
	said := &fleetv1.RosterOffice{}
	return said, version, read(o.Record().Body, said)
}

// put says one thing through the API.
func (d rosterDesk) put(ctx context.Context, actor, action, origin string, next func(before string) (roster.Record, error)) (store.RosterVersion, error) {
	o, err := d.change(ctx, edit{actor: actor, action: action, origin: origin, changes: func(s *standing) (map[string][]roster.Change, error) {
		r, err := next("")
		before := bodyOf(s.records[sourceAPI], r.Kind, r.Key)
		if before != "" {
			r, err = next(before)
		}
		if err != nil {
			return nil, api.Mistake{Err: err}
		}
		if before == r.Body {
			return nil, nil
		}
		return map[string][]roster.Change{sourceAPI: {{Kind: r.Kind, Key: r.Key, Before: before, After: r.Body}}}, nil
	}})
	return o.version, err
}

func bodyOf(records []roster.Record, kind roster.Kind, key string) string {
	for _, r := range records {
		if r.Kind == kind && r.Key == key {
			return r.Body
		}
	}
	return ""
}

// Remove says something no more.
func (d rosterDesk) Remove(ctx context.Context, actor, kind, key string) (store.RosterVersion, error) {
	if kind == string(roster.OfLaptop) {
		key = strings.ToUpper(strings.TrimSpace(key))
	}
	o, err := d.change(ctx, edit{actor: actor, action: "roster.remove", origin: kind + " " + key, changes: func(s *standing) (map[string][]roster.Change, error) {
		if before := bodyOf(s.records[sourceAPI], roster.Kind(kind), key); before != "" {
			return map[string][]roster.Change{sourceAPI: {{Kind: roster.Kind(kind), Key: key, Before: before}}}, nil
		}
		for _, source := range s.sources() {
			if bodyOf(s.records[source], roster.Kind(kind), key) != "" {
				return nil, api.Mistake{Err: fmt.Errorf("%s says it; remove it there", source)}
			}
		}
		return nil, store.ErrNotFound
	}})
	return o.version, err
}

// Record reads a stored record.
func (d rosterDesk) Record(r store.RosterRecord) (*fleetv1.RosterRecord, error) {
	said := &fleetv1.RosterRecord{Source: r.Source, Kind: r.Kind, Key: r.Key}
	counts := d.inForce.Load().Body(roster.Kind(r.Kind), r.Key)
	said.Overridden = counts != "" && counts != r.Body
	switch roster.Kind(r.Kind) {
	case roster.OfLaptop:
		said.Laptop = &fleetv1.RosterLaptop{}
		return said, read(r.Body, said.GetLaptop())
	case roster.OfTool:
		said.Tool = &fleetv1.RosterTool{}
		return said, read(r.Body, said.GetTool())
	case roster.OfOffice:
		said.Office = &fleetv1.RosterOffice{}
		return said, read(r.Body, said.GetOffice())
	}
	return said, nil
}

// Person names the person of a laptop's record.
func (rosterDesk) Person(r store.RosterRecord) string {
	if roster.Kind(r.Kind) != roster.OfLaptop {
		return ""
	}
	return roster.PersonOf(r.Body)
}

// Words says what a change is.
func (rosterDesk) Words(c store.RosterChange) string {
	return (&roster.Change{Kind: roster.Kind(c.Kind), Key: c.Key, Before: c.Before, After: c.After}).Words()
}

// read takes a body into a message, whose fields have the same names.
func read(body string, into proto.Message) error {
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal([]byte(body), into); err != nil {
		return fmt.Errorf("read what is stored of the roster: %w", err)
	}
	return nil
}

// learnTool learns what the request asks to.
func (d rosterDesk) learnTool(ctx context.Context, t *roster.Tool, req *fleetv1.PutApprovedToolRequest) (fresh []roster.Learned, err error) {
	if t.ID == "" && req.GetInstallationOf()+req.GetAccountsOf() != "" {
		return nil, api.Mistake{Err: errors.New("installations and accounts are those of one tool; name it")}
	}
	if name := req.GetInstallationOf(); name != "" {
		dev, err := d.find(ctx, name)
		if err != nil {
			return nil, err
		}
		var installation []byte
		for _, state := range dev.Picture.GetTools() {
			if state.GetId() != t.ID {
				continue
			}
			if installation = state.GetInstallation(); len(state.GetOtherInstallations()) > 0 {
				return nil, api.Mistake{Err: fmt.Errorf("%s has %d installations of %s, and nobody can say here which is the company's; name the tenant instead",
					name, 1+len(state.GetOtherInstallations()), t.ID)}
			}
		}
		if len(installation) == 0 {
			return nil, api.Mistake{Err: fmt.Errorf("the agent on %s does not tell which installation of %s it has; name the tenant instead, or leave it open", name, t.ID)}
		}
		fresh = append(fresh, d.learn(dev, roster.IsInstallation, installation, dev.Picture.GetFleetKey())...)
	}
	if name := req.GetAccountsOf(); name != "" {
		dev, err := d.find(ctx, name)
		if err != nil {
			return nil, err
		}
		accounts := accountsOf(dev.Picture, t.ID, d.now().Add(-lateSessions))
		if len(accounts) == 0 {
			return nil, api.Mistake{Err: fmt.Errorf("no session through %s on %s in the last 20 days tells an account", t.ID, name)}
		}
		for _, account := range accounts {
			fresh = append(fresh, d.learn(dev, roster.IsAccount, account, dev.Picture.GetFleetKey())...)
		}
	}
	return fresh, nil
}

// accountsOf returns the accounts that controlled a laptop through a tool since a time.
func accountsOf(pic *fleetv1.Picture, tool string, since time.Time) (all [][]byte) {
	add := func(id string, account []byte, last int64) {
		known := func(other []byte) bool { return string(other) == string(account) }
		if id == tool && len(account) > 0 && last >= since.Unix() && !slices.ContainsFunc(all, known) {
			all = append(all, account)
		}
	}
	for _, s := range pic.GetSessions() {
		add(s.GetSession().GetTool(), s.GetAccount(), s.GetLastUnix())
	}
	for _, c := range pic.GetContacts() {
		add(c.GetTool(), c.GetAccount(), c.GetLastUnix())
	}
	return all
}

// learnGateway learns the gateway behind which a laptop is now.
func (d rosterDesk) learnGateway(ctx context.Context, name string) ([]roster.Learned, error) {
	dev, err := d.find(ctx, name)
	if err != nil {
		return nil, err
	}
	last := time.Unix(dev.Picture.GetLastReceivedUnix(), 0)
	if d.now().Sub(last) > thereNow {
		return nil, api.Mistake{Err: fmt.Errorf("%s reported last at %s; it shows where it is once it has reported again", name, last.UTC().Format(time.RFC3339))}
	}
	n := dev.Picture.GetNetwork()
	if len(n.GetGateway()) == 0 {
		return nil, api.Mistake{Err: fmt.Errorf("the agent on %s does not tell its gateway; register the office by the addresses under which its laptops are seen", name)}
	}
	return d.learn(dev, roster.IsGateway, n.GetGateway(), n.GetNewestKey()), nil
}

func (d rosterDesk) find(ctx context.Context, name string) (*store.Device, error) {
	dev, err := d.devices.FindDevice(ctx, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, api.Mistake{Err: fmt.Errorf("there is no device %q that has reported", name)}
	case errors.Is(err, store.ErrAmbiguous):
		return nil, api.Mistake{Err: fmt.Errorf("%q names more than one device; give more of the id", name)}
	}
	return dev, err
}

// learn returns every name that a picture has for a thing. The key is that of its name
// where the picture has one only.
func (d rosterDesk) learn(dev *store.Device, is string, name []byte, key uint32) []roster.Learned {
	one := func(hash []byte, key uint32) roster.Learned {
		return roster.Learned{
			Is: is, Hash: hex.EncodeToString(hash), Key: key,
			From: dev.Summary.GetId(), At: d.now().UTC().Format(time.RFC3339),
		}
	}
	var others []roster.Learned
	for _, r := range dev.Picture.GetRenames() {
		if string(r.GetFirst()) == string(name) {
			key = r.GetFirstKeyId()
			others = append(others, one(r.GetName(), r.GetKeyId()))
		}
	}
	return append([]roster.Learned{one(name, key)}, others...)
}

// withLearned adds what was learned anew; what is known already stays as it is.
func withLearned(all, fresh []roster.Learned) []roster.Learned {
	all = slices.Clone(all)
	for _, l := range fresh {
		if !slices.ContainsFunc(all, func(k roster.Learned) bool { return k.Is == l.Is && k.Hash == l.Hash }) {
			all = append(all, l)
		}
	}
	return all
}
