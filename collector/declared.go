package collector

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/farmhound-security/farmhound/collector/fleet"
	"github.com/farmhound-security/farmhound/collector/roster"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// declare adds what the book says of tools and offices to what the configuration says.
// Ids of tenants and accounts become hashes under every fleet key there ever was, since
// pictures know things by the key under which they were first seen. Without any key, as
// in a replay, tenants cannot be told apart, and all are covered.
func declare(company fleet.Company, book *roster.Book, known *catalog.Catalog, keys []FleetKey) fleet.Company {
	for _, t := range book.Tools() {
		approved := fleet.ApprovedTool{ID: t.ID, Until: t.End(), Name: t.Name + " of " + t.Owner, Signed: t.Signer != ""}
		for _, tenant := range t.Tenants {
			approved.Installations = append(approved.Installations, underEvery(keys, fleetkey.InstallationID, tenant)...)
		}
		for _, account := range t.Accounts {
			approved.Accounts = append(approved.Accounts, underEvery(keys, fleetkey.RemoteAccount, t.ID+" "+account)...)
		}
		for _, l := range t.Learned {
			if l.Is == roster.IsInstallation {
				approved.Installations = append(approved.Installations, l.Bytes())
			} else {
				approved.Accounts = append(approved.Accounts, l.Bytes())
			}
		}
		for _, id := range toolsOf(&t, known) {
			approved.ID = id
			company.ApprovedTools = append(company.ApprovedTools, approved)
		}
	}
	for _, o := range book.Offices() {
		if o.Kind == roster.KindNetwork {
			company.Networks = append(company.Networks, o.Prefixes()...)
			continue
		}
		named := fleet.NamedOffice{Name: o.Name, Networks: o.Prefixes()}
		for _, l := range o.Gateways {
			named.Gateways = append(named.Gateways, l.Bytes())
		}
		company.Offices = append(company.Offices, named.Networks...)
		company.OfficeGateways = append(company.OfficeGateways, named.Gateways...)
		company.Named = append(company.Named, named)
	}
	return company
}

// toolsOf returns the catalogue ids that an approval is of.
func toolsOf(t *roster.Tool, known *catalog.Catalog) []string {
	if t.Signer == "" {
		return []string{t.ID}
	}
	var ids []string
	for _, e := range known.Entries() {
		if slices.ContainsFunc(e.GetFacts(), func(f *farmhoundv1.Fact) bool {
			return f.GetKind() == farmhoundv1.FactKind_FACT_KIND_SIGNER && f.GetValue() == t.Signer
		}) {
			ids = append(ids, e.GetId())
		}
	}
	return ids
}

func underEvery(keys []FleetKey, kind fleetkey.Kind, value string) [][]byte {
	var all [][]byte
	for _, k := range keys {
		ring, err := fleetkey.NewRing([]*farmhoundv1.FleetKey{{Id: k.ID, Key: k.secret}})
		if err != nil {
			continue // a damaged key never left the store
		}
		if sum, _, ok := ring.Hash(kind, []byte(value)); ok {
			all = append(all, sum)
		}
	}
	return all
}

// officePlaces tells where addresses are, those of offices as the company says.
type officePlaces struct {
	inner   fleet.Places // nil without address data
	offices atomic.Pointer[[]officePlace]
}

type officePlace struct {
	network netip.Prefix
	country string
}

// Place answers from the company's word, and else from address data.
func (p *officePlaces) Place(addr netip.Addr) (place fleet.Place, ok bool) {
	if p.inner != nil {
		place, ok = p.inner.Place(addr)
	}
	if all := p.offices.Load(); all != nil {
		addr = addr.Unmap()
		for _, o := range *all {
			if !o.network.Contains(addr) {
				continue
			}
			if place.Country != o.country { // the rest is of another place
				place = fleet.Place{Country: o.country, ASN: place.ASN, ASName: place.ASName}
			}
			return place, true
		}
	}
	return place, ok
}

// use takes the offices of a book whose country is known.
func (p *officePlaces) use(book *roster.Book) {
	var all []officePlace
	for _, o := range book.Offices() {
		if o.Country == "" {
			continue
		}
		for _, network := range o.Prefixes() {
			all = append(all, officePlace{network, o.Country})
		}
	}
	p.offices.Store(&all)
}

// redeclare lets judging go by what the company says now. It is safe for concurrent use.
func (c *Collector) redeclare(ctx context.Context) error {
	c.declaring.Lock()
	defer c.declaring.Unlock()
	keys, err := everyKey(ctx, c.store)
	if err != nil {
		return fmt.Errorf("go by what the company says now: %w", err)
	}
	book := c.books.inForce.Load()
	c.offices.use(book)
	c.judge.useCompany(declare(c.options.Config.Company.fleet(), book, c.catalog.loaded(), keys))
	return nil
}

// declaredAnew is redeclare where the roster changed, and has everybody judged again: by
// who has which laptop even where approved tools and offices cannot be had.
func (c *Collector) declaredAnew(ctx context.Context) error {
	err := c.redeclare(ctx)
	c.judgeAnew()
	return err
}

// judgeAnew has everybody assessed again soon.
func (c *Collector) judgeAnew() {
	select {
	case c.rejudge <- struct{}{}:
	default:
	}
}

// judgeAgain assesses everybody each time that the company says something else, until
// ctx ends: what a person may do, and what evidence weighs, changes what all that was
// seen means. Then, at the start and now and again, it looks for what many contradict.
func (c *Collector) judgeAgain(ctx context.Context) {
	look := time.NewTicker(fleet.SweepInterval)
	defer look.Stop()
	starting := c.Ready()
	for {
		select {
		case <-ctx.Done():
			return
		case <-starting:
			starting = nil // closed, it would be ready for ever
		case <-look.C:
		case <-c.rejudge:
			if err := c.pipeline.Sweep(ctx, c.now()); err != nil && ctx.Err() == nil {
				c.log.ErrorContext(ctx, "not every device could be assessed again after the roster or the signals changed", "error", err)
			}
		}
		c.lookForDoubts(ctx)
	}
}
