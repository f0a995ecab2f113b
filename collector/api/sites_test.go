package api_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"github.com/farmhound-security/farmhound/collector/api"
	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/store"
	"github.com/farmhound-security/farmhound/collector/store/sqlite"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// places are sites by their id, with how many people and whose laptops.
type places []*fleet.SiteView

func (p places) Sites(time.Time) []*fleet.SiteView { return slices.Clone(p.made()) }

func (p places) SiteOf(device string, _ time.Time) *fleet.SiteView {
	for _, v := range p.made() {
		for _, m := range v.Members {
			if m.GetDevice() == device {
				v.Former = append(v.Former, &fleetv1.SiteMember{Device: "gone"})
				return v
			}
		}
	}
	return nil
}

// made makes them anew: who asks fills them.
func (p places) made() (list []*fleet.SiteView) {
	for _, v := range p {
		row := &fleetv1.SiteRow{Id: v.Row.GetId(), Kind: v.Row.GetKind(), People: v.Row.GetPeople(), Laptops: uint32(len(v.Members))}
		made := &fleet.SiteView{Row: row}
		for _, m := range v.Members {
			made.Members = append(made.Members, &fleetv1.SiteMember{Device: m.GetDevice()})
		}
		list = append(list, made)
	}
	return list
}

func place(id, kind string, people uint32, devices ...string) *fleet.SiteView {
	v := &fleet.SiteView{Row: &fleetv1.SiteRow{Id: fleet.SitePrefix + id, Kind: kind, People: people}}
	for _, d := range devices {
		v.Members = append(v.Members, &fleetv1.SiteMember{Device: d})
	}
	return v
}

// located is watched with sites: one of d1, which is judged likely, and d2, which is clear.
func located(t *testing.T) (*api.Fleet, *sqlite.Store) {
	t.Helper()
	f, s := watched(t)
	must(t, s.Commit(t.Context(), []store.Change{{Device: &store.Device{
		Summary: &fleetv1.DeviceSummary{Id: "d2", Serial: "S2", Person: "p-2", Verdict: "clear", Risk: 0.9}, Picture: &fleetv1.Picture{Id: "d2"}, Judgement: &fleetv1.Judgement{},
	}}, {Device: &store.Device{
		Summary: &fleetv1.DeviceSummary{Id: "d3", Serial: "S3"}, Picture: &fleetv1.Picture{Id: "d3"}, Judgement: &fleetv1.Judgement{},
	}}}))
	f.Sites = places{
		place("aa1", fleet.SiteShared, 2, "d1", "d2"), place("aa2", fleet.SiteShared, 5, "x1", "x2", "x3", "x4", "x5"),
		place("bb1", fleet.SiteOffice, 9, "o1", "o2"), place("cc1", fleet.SiteOwn, 1, "w1", "w2"), place("dd1", fleet.SiteShared, 2, "y1", "y2", "y3"),
	}
	return f, s
}

func TestListSites(t *testing.T) {
	t.Parallel()
	f, _ := located(t)
	pages := func(all bool, size uint32) (rows []string) {
		for token := ""; ; {
			page, err := f.ListSites(t.Context(), &fleetv1.ListSitesRequest{All: all, PageSize: size, PageToken: token})
			must(t, err)
			for _, r := range page.GetSites() {
				rows = append(rows, fmt.Sprint(r.GetId(), " ", r.GetVerdict(), " ", r.GetRisk(), " ", r.GetUnnamed()))
			}
			if token = page.GetNextPageToken(); token == "" {
				return rows
			}
		}
	}
	shared := []string{"site-aa2  0 5", "site-dd1  0 3", "site-aa1 likely 0.9 1"}
	every := slices.Concat([]string{"site-bb1  0 2"}, shared, []string{"site-cc1  0 2"})
	for _, size := range []uint32{0, 1, 2, 5} {
		if diff := cmp.Diff(shared, pages(false, size)); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", size, diff)
		}
		if diff := cmp.Diff(every, pages(true, size)); diff != "" {
			t.Errorf("all, pages of %d (-want +got):\n%s", size, diff)
		}
	}
	for _, token := range []string{"nonsense", "1.2", "01.2.site-aa1", "1.2.site-aa1 and more", strings.Repeat("1", 200)} {
		_, err := f.ListSites(t.Context(), &fleetv1.ListSitesRequest{PageToken: token})
		refused(t, err, codes.InvalidArgument, "the page token is not one of ours")
	}
}

func TestGetSite(t *testing.T) {
	t.Parallel()
	f, s := located(t)
	for name, want := range map[string]string{"site-aa1": "site-aa1", "site-aa2": "site-aa2", "site-d": "site-dd1", "S1": "site-aa1", "d2": "site-aa1"} {
		got, err := f.GetSite(t.Context(), &fleetv1.GetSiteRequest{Site: name})
		must(t, err)
		if got.GetSite().GetId() != want || len(got.GetFormer()) != 1 {
			t.Errorf("%s names %v, want %s with who left", name, got, want)
		}
	}
	for name, want := range map[string]struct {
		code codes.Code
		says string
	}{
		"site-a":                 {codes.FailedPrecondition, "names 2 sites"},
		"site-ff":                {codes.NotFound, "not found"},
		"S3":                     {codes.NotFound, "is in no site"},
		"nobody":                 {codes.NotFound, "not found"},
		"":                       {codes.InvalidArgument, "name a site by its id"},
		strings.Repeat("x", 200): {codes.InvalidArgument, "name a site by its id"},
	} {
		_, err := f.GetSite(t.Context(), &fleetv1.GetSiteRequest{Site: name})
		refused(t, err, want.code, want.says)
	}
	log, err := s.AuditLog(t.Context(), time.Time{}, 100)
	must(t, err)
	read := slices.ContainsFunc(log, func(e store.AuditEntry) bool {
		return e.Action == "site.read" && e.Object == "site-aa1" && e.Detail == "d1 d2 gone"
	})
	if !read || len(log) != 5 {
		t.Errorf("the audit log has %v, want five sites that were read", log)
	}
}

// Nobody looks at sites unrecorded.
func TestSitesUnrecorded(t *testing.T) {
	t.Parallel()
	f, s := located(t)
	f.Store = deaf{s}
	listed, err := f.ListSites(t.Context(), &fleetv1.ListSitesRequest{})
	refused(t, err, codes.Internal, "audit")
	shown, err := f.GetSite(t.Context(), &fleetv1.GetSiteRequest{Site: "d1"})
	refused(t, err, codes.Internal, "audit")
	if listed != nil || shown != nil {
		t.Error("sites were shown unrecorded")
	}
}

// many are so many sites, all the same to everybody who asks. It counts how often.
type many struct {
	list  []*fleet.SiteView
	asked atomic.Int64
	wait  time.Duration
}

func (m *many) Sites(time.Time) []*fleet.SiteView {
	m.asked.Add(1)
	time.Sleep(m.wait)
	return m.list
}

func (m *many) SiteOf(string, time.Time) *fleet.SiteView { return m.list[0] }

// A page of sites is bounded, and nobody's page changes what others are shown.
func TestPagesOfSites(t *testing.T) {
	t.Parallel()
	f, _ := located(t)
	of := &many{}
	for i := range 450 {
		of.list = append(of.list, place(fmt.Sprintf("%04d", i), fleet.SiteShared, 2, "d1", "d2"))
	}
	f.Sites = of
	var sizes []int
	for token := ""; len(sizes) == 0 || token != ""; {
		page, err := f.ListSites(t.Context(), &fleetv1.ListSitesRequest{PageSize: 100_000, PageToken: token})
		must(t, err)
		sizes, token = append(sizes, len(page.GetSites())), page.GetNextPageToken()
	}
	if diff := cmp.Diff([]int{200, 200, 50}, sizes); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	for _, v := range of.list {
		if v.Row.GetVerdict() != "" || v.Members[0].GetSerial() != "" {
			t.Fatalf("a page filled what others are shown: %v %v", v.Row, v.Members)
		}
	}
}

// However many ask for sites, they are looked for once at a time and once in five seconds.
func TestRecentSites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		of := &many{list: []*fleet.SiteView{place("aa1", fleet.SiteShared, 2, "d1")}, wait: 20 * time.Second}
		r := api.NewRecentSites(of, time.Now)
		var asking sync.WaitGroup
		for range 8 {
			asking.Go(func() {
				if got := r.Sites(time.Now()); len(got) != 1 {
					t.Errorf("%d sites", len(got))
				}
			})
		}
		asking.Wait()
		time.Sleep(recently - time.Second)
		r.Sites(time.Now())
		if n := of.asked.Load(); n != 1 {
			t.Errorf("they were looked for %d times", n)
		}
		time.Sleep(time.Second)
		r.Sites(time.Now())
		if n := of.asked.Load(); n != 2 {
			t.Errorf("after five seconds they were looked for %d times", n)
		}
		if r.SiteOf("d1", time.Now()) == nil {
			t.Error("no site of a device")
		}
	})
}

const recently = 5 * time.Second
