package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/alert"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Sites tells where laptops are kept together; package fleet has it.
type Sites interface {
	// Sites returns every site by id, without ties and former members. Callers change none.
	Sites(now time.Time) []*fleet.SiteView
	// SiteOf returns the whole site that a device is in, nil where it is alone.
	SiteOf(device string, now time.Time) *fleet.SiteView
}

const (
	// maxSites is how many sites one page has: of every laptop in them what is stored is read.
	maxSites = 200
	// recently is how long a list of sites answers whoever asks next, as pages do.
	recently = 5 * time.Second
)

// RecentSites are sites that are looked for once at a time, and not again within seconds:
// that looks at all that laptops have in common. It may be used concurrently.
type RecentSites struct {
	of  Sites
	now func() time.Time

	turn chan struct{} // held by whoever looks
	list []*fleet.SiteView
	at   time.Time // when the list was finished; zero before
}

// NewRecentSites returns what looks for sites in others' stead, by a clock.
func NewRecentSites(of Sites, now func() time.Time) *RecentSites {
	return &RecentSites{of: of, now: now, turn: make(chan struct{}, 1)}
}

// Sites returns the sites of a moment that is seconds ago at most, or that was still being
// looked at. They are others' too, and must not be changed.
func (r *RecentSites) Sites(now time.Time) []*fleet.SiteView {
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	if age := r.now().Sub(r.at); r.at.IsZero() || age < 0 || age >= recently {
		r.list = r.of.Sites(now)
		r.at = r.now()
	}
	return r.list
}

// SiteOf returns the site that a device is in now.
func (r *RecentSites) SiteOf(device string, now time.Time) *fleet.SiteView {
	return r.of.SiteOf(device, now)
}

// copied returns a site that may be filled.
func copied(v *fleet.SiteView) *fleet.SiteView {
	c := &fleet.SiteView{Row: proto.CloneOf(v.Row)}
	for _, m := range v.Members {
		c.Members = append(c.Members, proto.CloneOf(m))
	}
	return c
}

// pageMark is where a page of sites ends, in their order.
type pageMark struct {
	people, laptops uint32
	id              string
}

func markOf(r *fleetv1.SiteRow) pageMark { return pageMark{r.GetPeople(), r.GetLaptops(), r.GetId()} }

func (m pageMark) String() string { return fmt.Sprintf("%d.%d.%s", m.people, m.laptops, m.id) }

// compare puts most people first.
func (m pageMark) compare(other pageMark) int {
	return cmp.Or(cmp.Compare(other.people, m.people), cmp.Compare(other.laptops, m.laptops), cmp.Compare(m.id, other.id))
}

func parseMark(token string) (m pageMark, err error) {
	if len(token) > maxName {
		return m, store.ErrPage
	}
	if n, _ := fmt.Sscanf(token, "%d.%d.%s", &m.people, &m.laptops, &m.id); n != 3 || m.String() != token {
		return m, store.ErrPage
	}
	return m, nil
}

// ListSites lists sites, most people first. It names people, so that it is audited.
func (f *Fleet) ListSites(ctx context.Context, req *fleetv1.ListSitesRequest) (*fleetv1.ListSitesResponse, error) {
	who, err := f.Authenticate(ctx)
	if err != nil {
		return nil, err
	}
	views := slices.DeleteFunc(slices.Clone(f.Sites.Sites(f.Now())), func(v *fleet.SiteView) bool {
		return !req.GetAll() && v.Row.GetKind() != fleet.SiteShared
	})
	slices.SortFunc(views, func(a, b *fleet.SiteView) int { return markOf(a.Row).compare(markOf(b.Row)) })
	if req.GetPageToken() != "" {
		after, err := parseMark(req.GetPageToken())
		if err != nil {
			return nil, f.fail(ctx, "list sites", err)
		}
		views = slices.DeleteFunc(views, func(v *fleet.SiteView) bool { return markOf(v.Row).compare(after) <= 0 })
	}
	answer := &fleetv1.ListSitesResponse{}
	limit := min(rowLimit(req.GetPageSize()), maxSites)
	if len(views) > limit {
		views = views[:limit]
		answer.NextPageToken = markOf(views[limit-1].Row).String()
	}
	for _, v := range views {
		v = copied(v)
		if err := f.judged(ctx, v); err != nil {
			return nil, err
		}
		answer.Sites = append(answer.GetSites(), v.Row)
	}
	detail := fmt.Sprintf("%d rows, all %v", len(views), req.GetAll())
	if err := f.audit(ctx, who, "sites.list", "", detail); err != nil {
		return nil, err
	}
	return answer, nil
}

// GetSite returns one site. Reading it is audited with the devices that it shows.
func (f *Fleet) GetSite(ctx context.Context, req *fleetv1.GetSiteRequest) (*fleetv1.GetSiteResponse, error) {
	who, err := f.Authenticate(ctx)
	if err != nil {
		return nil, err
	}
	view, err := f.findSite(ctx, req.GetSite())
	if err != nil {
		return nil, err
	}
	if err := f.judged(ctx, view); err != nil {
		return nil, err
	}
	shown := make([]string, 0, len(view.Members)+len(view.Former))
	for _, m := range slices.Concat(view.Members, view.Former) {
		shown = append(shown, m.GetDevice())
	}
	if err := f.audit(ctx, who, "site.read", view.Row.GetId(), strings.Join(shown, " ")); err != nil {
		return nil, err
	}
	return &fleetv1.GetSiteResponse{Site: view.Row, Members: view.Members, Former: view.Former}, nil
}

// findSite finds a site by its id or a unique prefix of it, else by a device in it.
func (f *Fleet) findSite(ctx context.Context, name string) (*fleet.SiteView, error) {
	if name == "" || len(name) > maxName {
		return nil, status.Errorf(codes.InvalidArgument, "name a site by its id, a unique prefix of it, or a device in it (at most %d bytes)", maxName)
	}
	now := f.Now()
	if strings.HasPrefix(name, fleet.SitePrefix) {
		var found []*fleet.SiteView
		for _, v := range f.Sites.Sites(now) {
			if v.Row.GetId() == name {
				found = []*fleet.SiteView{v}
				break
			}
			if strings.HasPrefix(v.Row.GetId(), name) {
				found = append(found, v)
			}
		}
		if len(found) > 1 {
			return nil, status.Errorf(codes.FailedPrecondition, "site %q names %d sites; give more of the id", clip(name), len(found))
		}
		if len(found) == 1 {
			if whole := f.Sites.SiteOf(found[0].Members[0].GetDevice(), now); whole != nil {
				return whole, nil
			}
		}
		return nil, status.Errorf(codes.NotFound, "site %q: not found; its laptops may have left, or be more than a site has", clip(name))
	}
	dev, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if view := f.Sites.SiteOf(dev.Summary.GetId(), now); view != nil {
		return view, nil
	}
	return nil, status.Errorf(codes.NotFound, "device %q is in no site: it is alone, or among more laptops than a site has", clip(name))
}

// judged adds to a site what is stored about its laptops. Of one that is not stored yet
// nothing is known.
func (f *Fleet) judged(ctx context.Context, v *fleet.SiteView) error {
	for _, m := range slices.Concat(v.Members, v.Former) {
		dev, err := f.Store.Device(ctx, m.GetDevice())
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return f.fail(ctx, "read the laptops of a site", err)
		}
		s := dev.Summary
		m.Serial, m.Hostname, m.Person, m.Verdict, m.Risk = s.GetSerial(), s.GetHostname(), s.GetPerson(), s.GetVerdict(), s.GetRisk()
	}
	for _, m := range v.Members {
		if m.GetPerson() == "" {
			v.Row.Unnamed++
		}
		if v.Row.GetVerdict() == "" || alert.Rank(m.GetVerdict()) > alert.Rank(v.Row.GetVerdict()) {
			v.Row.Verdict = m.GetVerdict()
		}
		v.Row.Risk = max(v.Row.GetRisk(), m.GetRisk())
	}
	return nil
}
