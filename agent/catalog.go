package agent

import (
	"context"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/farmhound-security/farmhound/agent/delivery"
	"github.com/farmhound-security/farmhound/agent/identity"
	"github.com/farmhound-security/farmhound/agent/watchlist"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	catalogTimeout = 2 * time.Minute
	// catalogAgain is the pause after a catalogue was refused: the same bytes would be
	// refused again, but a signature beside them may have been mended.
	catalogAgain = 6 * time.Hour
)

// catalogs has catalogues by digest; the contract's IngestServiceClient is one.
type catalogs interface {
	Catalog(context.Context, *farmhoundv1.CatalogRequest, ...grpc.CallOption) (*farmhoundv1.CatalogResponse, error)
}

// keepCatalog goes over to the catalogue that the policy names, until ctx is done.
func (a *Agent) keepCatalog(ctx context.Context, collector catalogs) {
	backoff, failing := delivery.NewBackoff(rand.Float64), false
	for {
		pause := catalogAgain
		err := a.followPolicy(ctx, collector)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil, errors.As(err, new(*watchlist.Refusal)):
			failing = false
			backoff.Reset()
		default:
			if !failing {
				a.log.WarnContext(ctx, "catalogue cannot be fetched yet", "cause", identity.Explain("fetching of the catalogue", err))
			}
			failing = true
			if status.Code(err) != codes.NotFound {
				pause = backoff.Next(err)
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-a.named:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// followPolicy fetches the catalogue that the policy names unless it is in use.
func (a *Agent) followPolicy(ctx context.Context, collector catalogs) error {
	digest := a.state.policy().GetCatalogDigest()
	if digest == "" || digest == catalog.BuiltIn().Digest() {
		if a.list.UseBuiltIn() {
			a.useCatalog()
		}
		return nil
	}
	if a.list.Using(digest) {
		return nil
	}
	call, cancel := context.WithTimeout(ctx, catalogTimeout)
	defer cancel()
	answer, err := collector.Catalog(call, &farmhoundv1.CatalogRequest{Digest: digest})
	if err != nil {
		return err
	}
	switch pinned, err := a.identity.PinFirstCatalogKey(answer.GetPublicKey()); {
	case err != nil:
		a.log.ErrorContext(ctx, "key that signs catalogues cannot be pinned", "cause", err)
	case pinned:
		a.log.InfoContext(ctx, "key that signs catalogues pinned: the first that the collector showed", "key", base64.StdEncoding.EncodeToString(answer.GetPublicKey()))
	}
	if err := a.list.Take(digest, answer.GetCatalog(), answer.GetSignature()); err != nil {
		signal(a.lookNow) // the refusal is told
		return err
	}
	a.useCatalog()
	return nil
}

// useCatalog looks again at once, by the catalogue now in use.
func (a *Agent) useCatalog() {
	a.body.useCatalog(a.list.Current())
	signal(a.lookNow)
}
