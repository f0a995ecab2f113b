package agent

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/watchlist"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Scan observes once and returns the report that a first delivery would carry.
// It needs no enrolment, writes nothing, and uses the fleet keys that the agent
// keeps in the state directory if this user may read them.
func Scan(ctx context.Context, config Config) (*farmhoundv1.Report, error) {
	o, err := openObserver(config, newBody)
	if err != nil {
		return nil, err
	}
	defer o.close(ctx)
	return o.look(ctx)
}

// Catalogue is what is looked for, and how it came to be so.
type Catalogue struct {
	Digest string
	// IssuedAt is when it was built for signing; zero for the built-in one.
	IssuedAt time.Time
	Entries  int
	// Refused is why the one that was offered last is not in use, empty when it is.
	Refused string
	// Changes are those of late on this laptop, oldest first.
	Changes []watchlist.Change
}

// ReadCatalogue returns which catalogue an agent with these settings goes by. It
// writes nothing.
func ReadCatalogue(config Config) Catalogue {
	list := openList(config, slog.New(slog.DiscardHandler))
	known := list.Current()
	return Catalogue{known.Digest(), known.IssuedAt(), known.Len(), list.Refused(), list.Changes()}
}

// Watch observes every interval until ctx is done, and gives emit a whole report
// at once and then whenever something changed. An error of emit ends it.
func Watch(ctx context.Context, config Config, interval time.Duration, emit func(*farmhoundv1.Report) error) error {
	o, err := openObserver(config, newBody)
	if err != nil {
		return err
	}
	return o.watch(ctx, interval, emit)
}

func openObserver(config Config, makeBody bodyMaker) (*observer, error) {
	o, err := newObserver(config, makeBody)
	if err != nil {
		return nil, err
	}
	policy := new(farmhoundv1.Policy)
	data, err := readState(filepath.Join(config.Settings.StateDir, policyFile))
	if err == nil && proto.Unmarshal(data, policy) == nil {
		o.body.useKeys(policy.GetFleetKeys())
	}
	return o, nil
}

func (o *observer) watch(ctx context.Context, interval time.Duration, emit func(*farmhoundv1.Report) error) error {
	defer o.close(ctx)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		seen, err := o.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if o.changes.reduce(seen, false) != nil {
			if err := emit(seen); err != nil {
				return err
			}
			o.kept(seen)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (o *observer) look(ctx context.Context) (*farmhoundv1.Report, error) {
	seen := o.body.senses.Scan(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o.complete(seen, 0, 0)
	o.clean(ctx, seen)
	return seen, nil
}

func (o *observer) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := o.body.senses.Close(ctx); err != nil {
		o.log.WarnContext(ctx, "a sense does not end", "error", err)
	}
}
