// Package store states what the collector must remember, in the domain's words:
// devices with their picture and judgement, which reports were committed, what
// happened, alerts, the outbox, secrets, tokens and identities. It holds the
// interface and its vocabulary; sqlite is the embedded implementation and
// storetest the one suite that every implementation must pass.
//
// It may import proto/ only.
package store

import (
	"context"
	"errors"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// EpochSize is the length of an epoch, in bytes.
const EpochSize = 8

var (
	// ErrNotFound is returned when the thing asked for does not exist.
	ErrNotFound = errors.New("not found")
	// ErrAmbiguous is returned when a prefix names more than one device.
	ErrAmbiguous = errors.New("names more than one device")
	// ErrInUse is returned when another collector has the store open.
	ErrInUse = errors.New("in use by another collector")
	// ErrSpent is returned when an enrolment secret has no uses left.
	ErrSpent = errors.New("no uses left")
	// ErrExpired is returned when an enrolment secret is past its time.
	ErrExpired = errors.New("expired")
	// ErrRevoked is returned when a secret, token or identity was revoked.
	ErrRevoked = errors.New("revoked")
	// ErrConflict is returned when a row changed since it was read.
	ErrConflict = errors.New("changed meanwhile")
	// ErrPage is returned for a page token that no earlier page gave.
	ErrPage = errors.New("the page token is not one of ours")
)

// Device is all that is kept about one device identity.
type Device struct {
	// Summary is the row that lists show.
	Summary *fleetv1.DeviceSummary
	// Picture is the state that reports build up.
	Picture *fleetv1.Picture
	// Judgement is the last assessment and the ledger it rests on.
	Judgement *fleetv1.Judgement
}

// Report is one committed report as it arrived.
type Report struct {
	Device     string
	BootID     string
	Sequence   uint64
	ObservedAt time.Time
	ReceivedAt time.Time
	// Peer is the address that the collector saw, with port.
	Peer string
	// PeerRTTMillis is the connection's minimum round trip; zero where unknown.
	PeerRTTMillis float64
	// Body is the farmhound.v1.Report in wire format.
	Body []byte
}

// Chain is where a device's deliveries stand: every acknowledgement hands out a
// nonce that the next delivery brings back, so that of two laptops with one
// identity one is always out of step. Nonces begin with the epoch of the store.
type Chain struct {
	Device string
	// Current is the nonce of the last acknowledgement, Previous the one that the
	// delivery it acknowledged came with.
	Current, Previous []byte
	// BootID is the run of the agent that made that delivery.
	BootID string
}

// OutboxRow is one event for the SIEM, written with the verdict it speaks of.
type OutboxRow struct {
	// ID is assigned by the store and increases.
	ID int64
	// Key makes redelivery recognisable to receivers.
	Key string
	// Device orders rows: a device's rows leave in the order of their ID.
	Device string
	// Body is an OCSF Detection Finding, JSON.
	Body      []byte
	CreatedAt time.Time
}

// Change is what one device's report or re-assessment does to the store. All of
// a change commits together or not at all.
type Change struct {
	// Device replaces the device's row.
	Device *Device
	// Reports are appended; a report that is already there is left alone.
	Reports []Report
	// Events are the device's; a change with events has the device.
	Events []*fleetv1.Event
	// Alerts are inserted or replaced by id.
	Alerts []*fleetv1.Alert
	Outbox []OutboxRow
	// Verdicts are rows of the device's history; each replaces the one of its moment and
	// occasion.
	Verdicts []Verdict
	// Audit are entries of the audit log about what the change does.
	Audit []AuditEntry
	// Chain, where it is not nil, replaces the one of its device.
	Chain *Chain
}

// Verdict is one row of a device's history.
type Verdict struct {
	Device string
	// Past is what was concluded, without its basis, which is Basis.
	Past *fleetv1.PastVerdict
	// Inputs is what it was judged on, as package history packs it.
	Inputs []byte
	Basis  *Basis
}

// Basis is what verdicts are judged by. What it names is kept as long as a verdict
// names it.
type Basis struct {
	Rules, Catalog Content
	// Roster is the version of the roster, which is kept by itself; Collector that of
	// the collector.
	Roster, Collector string
}

// Content is something that is kept by what it is.
type Content struct {
	// Digest names it.
	Digest string
	// Body returns it, packed; asked for where it is not kept yet.
	Body func() ([]byte, error)
}

// VerdictFilter selects rows of a device's history.
type VerdictFilter struct {
	Device string
	// Since and Until bound the moments that rows speak of, both included; zero for no
	// bound.
	Since, Until time.Time
	// Changes leaves out rows with the verdict of the row before.
	Changes bool
	// Limit is the most rows; the latest are returned.
	Limit int
}

// Secret is an enrolment secret; only the hash of its value is kept.
type Secret struct {
	ID        string
	Hash      []byte
	Note      string
	MaxUses   uint32 // zero: unlimited
	Uses      uint32
	CreatedAt time.Time
	ExpiresAt time.Time // zero: never
	RevokedAt time.Time // zero: not revoked
	// Refused counts the enrolments that were refused with it, the last at RefusedAt.
	Refused   uint64
	RefusedAt time.Time
}

// Token is an analyst's or machine's API token; only its hash is kept.
type Token struct {
	ID        string
	Hash      []byte
	Name      string
	Role      string // viewer, analyst or admin
	CreatedAt time.Time
	ExpiresAt time.Time
	RevokedAt time.Time
}

// Identity is a device certificate's standing.
type Identity struct {
	Device     string
	Serial     string // system serial at enrolment
	SecretID   string
	EnrolledAt time.Time
	RevokedAt  time.Time
	RevokeNote string
	// Supersedes is the device that had the same serial before, SupersededBy the one
	// that has it since SupersededAt: the laptop was re-imaged. Empty for none.
	Supersedes   string
	SupersededBy string
	SupersededAt time.Time
	// CA is the one that signed the certificate it showed last, Trusts those by which
	// it last said it knows the collector: SHA-256 in hexadecimal.
	CA     string
	Trusts []string
}

// AuditEntry records who changed or read what.
type AuditEntry struct {
	At     time.Time
	Actor  string
	Action string
	Object string
	Detail string
}

// DeviceFilter selects devices.
type DeviceFilter struct {
	Verdicts []string
	Prefix   string // of id, serial, host name or person
	Limit    int
	// After is the page token of the previous page.
	After string
}

// AlertFilter selects alerts.
type AlertFilter struct {
	States []string
	Device string
	Limit  int
}

// Fleet is what ingest and the API ask about devices.
type Fleet interface {
	// Commit makes all changes durable in one transaction; nil means they survive a crash.
	Commit(ctx context.Context, changes []Change) error
	// Device returns one device by exact id.
	Device(ctx context.Context, id string) (*Device, error)
	// FindDevice returns one device by id, unique id prefix or serial.
	FindDevice(ctx context.Context, name string) (*Device, error)
	// Devices lists summaries, riskiest first, and the next page's token.
	Devices(ctx context.Context, f DeviceFilter) ([]*fleetv1.DeviceSummary, string, error)
	// EachDevice calls fn for every device in unspecified order until it errs. fn may
	// use the store, and takes its time without holding up others.
	EachDevice(ctx context.Context, fn func(*Device) error) error
	// HighestSequence returns the highest committed sequence of a boot, zero for none.
	HighestSequence(ctx context.Context, device, bootID string) (uint64, error)
	// Chain returns where a device's deliveries stand, or ErrNotFound.
	Chain(ctx context.Context, device string) (Chain, error)
	// Epoch returns EpochSize random bytes that name this life of the store: others
	// after it was restored from a backup, copied or failed over, so that what was
	// acknowledged in another life is known to be from there.
	Epoch(ctx context.Context) ([]byte, error)
	// Timeline returns events oldest first, the latest limit of them.
	Timeline(ctx context.Context, device string, since time.Time, limit int) ([]*fleetv1.Event, error)
	// Alerts lists alerts, newest first.
	Alerts(ctx context.Context, f AlertFilter) ([]*fleetv1.Alert, error)
	// Alert returns one alert.
	Alert(ctx context.Context, id string) (*fleetv1.Alert, error)
	// OpenAlert returns the device's alert that is not closed, or ErrNotFound.
	OpenAlert(ctx context.Context, device string) (*fleetv1.Alert, error)
}

// History is what was concluded before.
type History interface {
	// Verdicts returns rows without their inputs, oldest first, the latest limit of them.
	// A day's end comes after the changes of that day.
	Verdicts(ctx context.Context, f VerdictFilter) ([]*fleetv1.PastVerdict, error)
	// Verdict returns the latest row of an occasion, empty for any, that speaks of a
	// moment or before it, or ErrNotFound. Its basis has no bodies; Content has them.
	Verdict(ctx context.Context, device string, at time.Time, occasion string) (Verdict, error)
	// Content returns what a digest names, packed, or ErrNotFound.
	Content(ctx context.Context, digest string) ([]byte, error)
}

// Outbox is what outputs drain.
type Outbox interface {
	// PendingOutbox returns rows not yet delivered by the named output, lowest id first.
	PendingOutbox(ctx context.Context, output string, limit int) ([]OutboxRow, error)
	// AckOutbox marks everything up to id as delivered by the output.
	AckOutbox(ctx context.Context, output string, id int64) error
}

// Access is what enrolment and authentication ask.
type Access interface {
	CreateSecret(ctx context.Context, s Secret) error
	Secrets(ctx context.Context) ([]Secret, error)
	RevokeSecret(ctx context.Context, id string, at time.Time) error
	// Enroll spends one use of the secret with that hash and records the identity,
	// in one durable step. It returns ErrNotFound, ErrSpent, ErrExpired or ErrRevoked
	// about the secret. Enrolling the same device again spends nothing. A new device
	// supersedes those with its serial, where it has one, that nothing superseded yet.
	Enroll(ctx context.Context, secretHash []byte, id Identity, at time.Time) error
	// RefuseEnrollment counts refused enrolments with a secret; ErrNotFound where there
	// is none with that hash.
	RefuseEnrollment(ctx context.Context, secretHash []byte, times uint64, at time.Time) error
	Identity(ctx context.Context, device string) (Identity, error)
	// Identities lists all identities by device.
	Identities(ctx context.Context) ([]Identity, error)
	// NoteTrust records an identity's CA and Trusts.
	NoteTrust(ctx context.Context, device, ca string, trusts []string) error
	RevokeIdentity(ctx context.Context, device, note string, at time.Time) error
	CreateToken(ctx context.Context, t Token) error
	Tokens(ctx context.Context) ([]Token, error)
	RevokeToken(ctx context.Context, id string, at time.Time) error
	// TokenByHash returns the token with that hash, whatever its standing.
	TokenByHash(ctx context.Context, hash []byte) (Token, error)
	Audit(ctx context.Context, e AuditEntry) error
	AuditLog(ctx context.Context, since time.Time, limit int) ([]AuditEntry, error)
}

// Horizons say how far back the store remembers. What is from before one may be
// forgotten; a zero time keeps everything of its kind.
type Horizons struct {
	// Reports are counted from when they were received, Events from when they happened,
	// Audit from when it was written, Verdicts from when they were last judged. With the
	// audit log go versions of the roster, but for the last before the horizon.
	Reports, Events, Audit, Verdicts time.Time
	// Outbox holds for rows that each of Outputs has delivered; without Outputs, for all.
	Outbox  time.Time
	Outputs []string
	// Receipts holds for what recognises redelivery: the receipts of boots that
	// delivered nothing since, other than the one that delivered last, of which an
	// acknowledgement may have been lost; and that one's and the chain too of a device
	// that was revoked before.
	Receipts time.Time
}

// Retention forgets.
type Retention interface {
	// Forget forgets at most limit rows from before the horizons, in one durable step,
	// and returns how many it did: fewer than limit when no more are due.
	Forget(ctx context.Context, before Horizons, limit int) (int, error)
}

// Settings keeps small named values: the fleet key, the store's epoch.
type Settings interface {
	// Setting returns a value, or ErrNotFound.
	Setting(ctx context.Context, name string) ([]byte, error)
	// PutSettingIfAbsent stores a value unless there is one, and returns what is stored.
	PutSettingIfAbsent(ctx context.Context, name string, value []byte) ([]byte, error)
}

// Store is everything.
type Store interface {
	Fleet
	History
	Outbox
	Access
	Retention
	Rosters
	Settings
	Close() error
}
