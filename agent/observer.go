package agent

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/agent/identity"
	"github.com/farmhound-security/farmhound/agent/watchlist"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fieldrules"
)

// observer makes reports of one run: it looks, completes, checks against the
// contract and knows what was told before. It is for one goroutine.
type observer struct {
	body    *body
	list    *watchlist.List
	rules   *fieldrules.Validator
	changes *changes
	log     *slog.Logger
	version string

	// up is how long the system had been up by the start, in seconds; nil where it does not tell.
	up *uint64

	bootID   string
	sequence uint64 // of the last report that was kept

	// system is read anew now and then only: it hardly ever changes.
	system   *farmhoundv1.System
	systemAt time.Time
}

const (
	identityFolder = "identity"
	catalogFolder  = "catalog"
	// catalogSense stands among the senses when a catalogue was refused: what it would
	// have shown is not looked for.
	catalogSense = "catalogue"
)

// systemAge is how long what the laptop is stays believed.
const systemAge = 5 * time.Minute

func newObserver(config Config, makeBody bodyMaker) (*observer, error) {
	o := &observer{changes: newChanges(), log: config.Log, version: config.Version}
	if o.log == nil {
		o.log = slog.Default()
	}
	if now := readClock(); now.sleepKnown { // then it counts from the system's start
		o.up = proto.Uint64(uint64(now.elapsed / time.Second))
	}
	var err error
	if o.rules, err = fieldrules.Compile((&farmhoundv1.Report{}).ProtoReflect().Descriptor()); err != nil {
		return nil, err
	}
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("draw boot id: %w", err)
	}
	o.bootID = hex.EncodeToString(id[:])
	if o.body, err = makeBody(config, o.log); err != nil {
		return nil, err
	}
	o.list = openList(config, o.log)
	o.body.useCatalog(o.list.Current())
	return o, nil
}

func openList(config Config, log *slog.Logger) *watchlist.List {
	dir := config.Settings.StateDir
	return watchlist.Open(filepath.Join(dir, catalogFolder), func() (ed25519.PublicKey, error) {
		return identity.CatalogKey(filepath.Join(dir, identityFolder))
	}, log)
}

// complete adds to an observation what the senses do not know.
func (o *observer) complete(seen *farmhoundv1.Report, spoolDepth, dropped uint64) {
	seen.BootId = o.bootID
	seen.Sequence = o.sequence + 1
	seen.ObservedAt = timestamppb.Now()
	if seen.Health == nil {
		return // no observation, only what was left to tell
	}
	if now := time.Now(); o.system == nil || now.Sub(o.systemAt) >= systemAge {
		o.system, o.systemAt = o.body.system(), now
	}
	seen.System = o.system
	seen.Health.AgentVersion = o.version
	seen.Health.StartedAt, seen.Health.SystemUpSeconds = timestamppb.New(started), o.up
	seen.Health.SpoolDepth, seen.Health.SpoolDropped = spoolDepth, dropped
	seen.Health.CatalogDigest = o.list.Current().Digest()
	if reason := o.list.Refused(); reason != "" {
		seen.Health.Senses = append(seen.Health.Senses, &farmhoundv1.Sense{
			Name: catalogSense, State: farmhoundv1.SenseState_SENSE_STATE_FAILED, Detail: "refused: " + reason,
		})
	}
}

// clean takes out of a report what breaks the contract, so that one bad value
// does not cost the rest.
func (o *observer) clean(ctx context.Context, seen *farmhoundv1.Report) {
	// Each round takes something out; more rounds than this mean a flood.
	for range 64 {
		err := o.rules.Validate(seen)
		if err == nil {
			return
		}
		if !dropViolation(seen, err) {
			o.log.ErrorContext(ctx, "report breaks the contract", "error", err)
			return
		}
		o.log.ErrorContext(ctx, "part of a report breaks the contract and is left out", "error", err)
	}
}

// kept notes that a report is where it is safe.
func (o *observer) kept(report *farmhoundv1.Report) {
	o.sequence = report.GetSequence()
	o.changes.keep(report)
}

// controlSeen reports whether the sense that sees remote control worked.
func controlSeen(seen *farmhoundv1.Report) bool {
	for _, sense := range seen.GetHealth().GetSenses() {
		if sense.GetName() == controlSense {
			state := sense.GetState()
			return state == farmhoundv1.SenseState_SENSE_STATE_OK || state == farmhoundv1.SenseState_SENSE_STATE_PARTIAL
		}
	}
	return false
}
