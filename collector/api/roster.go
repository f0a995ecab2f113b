package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// maxRoster bounds a roster that comes through the API, in bytes.
	maxRoster = 64 << 20
	// shownChanges bounds the changes in the answer to an import.
	shownChanges = 1000
	// pageBytes is about how much one page of records holds, so that it fits a message.
	pageBytes = 2 << 20
)

// Mistake is an error of whoever asks, in words for them.
type Mistake struct{ Err error }

// Error implements error.
func (m Mistake) Error() string { return m.Err.Error() }

// Unwrap returns the error.
func (m Mistake) Unwrap() error { return m.Err }

// Imported is what became of an import.
type Imported struct {
	Version  store.RosterVersion
	Changes  []store.RosterChange
	Problems []*fleetv1.RosterProblem
	// Doubts are lines of what is said then that many laptops contradict together.
	Doubts []*fleetv1.RosterDoubt
}

// Books keeps the roster. What it cannot do for its callers' fault is a Mistake.
type Books interface {
	// Import puts a roster in the place of what an import said before, as the request
	// says but for its content.
	Import(ctx context.Context, actor string, how *fleetv1.ImportRosterRequest, content io.Reader) (*Imported, error)
	// PutTool and PutOffice say something, Remove says it no more.
	PutTool(ctx context.Context, actor string, req *fleetv1.PutApprovedToolRequest) (*fleetv1.RosterTool, store.RosterVersion, error)
	PutOffice(ctx context.Context, actor string, req *fleetv1.PutOfficeRequest) (*fleetv1.RosterOffice, store.RosterVersion, error)
	Remove(ctx context.Context, actor, kind, key string) (store.RosterVersion, error)
	// Record reads a stored record, and Words says what a change is. Person names the
	// person of a laptop's record, empty without one, for much less than reading it.
	Record(r store.RosterRecord) (*fleetv1.RosterRecord, error)
	Person(r store.RosterRecord) string
	Words(c store.RosterChange) string
}

// RosterStore is what the roster service needs of the store.
type RosterStore interface {
	store.Rosters
	Audit(ctx context.Context, e store.AuditEntry) error
}

// Roster answers administrators about the roster. Like the fleet, it names people, so
// that reading it is recorded.
type Roster struct {
	fleetv1.UnimplementedRosterServiceServer

	Books Books
	Store RosterStore
	// Doubts is what the last look for contradicted lines found.
	Doubts func() *fleetv1.CheckRosterResponse
	fleet  *Fleet
}

// admin names the caller, who must be an admin.
func (r *Roster) admin(ctx context.Context, doing string) (Caller, error) {
	who, err := r.fleet.Authenticate(ctx)
	if err == nil && who.Role != "admin" {
		err = status.Errorf(codes.PermissionDenied, "token %q is a %s's; %s needs an admin's", who.Name, who.Role, doing)
	}
	return who, err
}

func (who Caller) actor() string { return who.entry(time.Time{}, "", "", "").Actor }

// ImportRoster takes a roster in parts.
func (r *Roster) ImportRoster(in grpc.ClientStreamingServer[fleetv1.ImportRosterRequest, fleetv1.ImportRosterResponse]) error {
	ctx := in.Context()
	who, err := r.admin(ctx, "importing a roster")
	if err != nil {
		return err
	}
	first, content, err := received(in)
	if err != nil {
		return err
	}
	done, err := r.Books.Import(ctx, who.actor(), first, content)
	if err != nil {
		return r.refuse(ctx, who, first.GetName(), err)
	}
	if first.GetDryRun() { // it shows people, and changes nothing that would be recorded
		detail := fmt.Sprintf("%d rows of %d changes that %q would make, %d refused", min(len(done.Changes), shownChanges), len(done.Changes), first.GetName(), done.Version.Refused)
		if err := r.audit(ctx, who, "roster.compare", detail); err != nil {
			return err
		}
	}
	answer := &fleetv1.ImportRosterResponse{Version: versionOf(done.Version), Problems: done.Problems, Changed: len(done.Changes) > 0, Doubts: done.Doubts}
	for _, c := range done.Changes[:min(len(done.Changes), shownChanges)] {
		answer.Changes = append(answer.Changes, r.change(c))
	}
	return in.SendAndClose(answer)
}

// refuse records an import that the caller made a mistake with: most laptops would go, or
// nothing of it can be used.
func (r *Roster) refuse(ctx context.Context, who Caller, name string, err error) error {
	var mistake Mistake
	if errors.As(err, &mistake) {
		if err := r.audit(ctx, who, "roster.refuse", fmt.Sprintf("%q: %v", name, mistake)); err != nil {
			return err
		}
	}
	return r.fail(ctx, "import the roster", err)
}

// received takes all parts of a roster.
func received(in grpc.ClientStreamingServer[fleetv1.ImportRosterRequest, fleetv1.ImportRosterResponse]) (first *fleetv1.ImportRosterRequest, content io.Reader, err error) {
	var all bytes.Buffer
	for {
		part, err := in.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if err := whole(part); err != nil {
			return nil, nil, err
		}
		if first == nil {
			first = &fleetv1.ImportRosterRequest{
				Name: part.GetName(), Merge: part.GetMerge(), DryRun: part.GetDryRun(), RemoveMany: part.GetRemoveMany(),
			}
		}
		if all.Len()+len(part.GetContent()) > maxRoster {
			return nil, nil, status.Errorf(codes.InvalidArgument, "the roster is longer than %d bytes; put it into the collector's folder of rosters, or import it on the collector's command line", maxRoster)
		}
		all.Write(part.GetContent())
	}
	if name := first.GetName(); name == "" || len(name) > maxName || strings.ContainsFunc(name, unprintable) {
		return nil, nil, status.Errorf(codes.InvalidArgument, "an import has a name of printable characters, at most %d bytes", maxName)
	}
	return first, &all, nil
}

func unprintable(c rune) bool { return c < ' ' || c == 0x7f }

// ListRoster lists what is said.
func (r *Roster) ListRoster(ctx context.Context, req *fleetv1.ListRosterRequest) (*fleetv1.ListRosterResponse, error) {
	who, err := r.fleet.Authenticate(ctx)
	if err != nil {
		return nil, err
	}
	if len(req.GetPrefix()) > maxName {
		return nil, status.Errorf(codes.InvalidArgument, "the prefix is longer than %d bytes", maxName)
	}
	after, err := cursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	version, err := r.Store.RosterVersion(ctx)
	if err != nil {
		return nil, r.fail(ctx, "read the version of the roster", err)
	}
	answer := &fleetv1.ListRosterResponse{Version: versionOf(version)}
	most, size := rowLimit(req.GetPageSize()), 0
	enough := errors.New("the page is full")
	err = r.Store.EachRosterRecord(ctx, version.N, after, func(stored store.RosterRecord) error {
		if req.GetKind() != "" && stored.Kind != req.GetKind() || !r.begins(stored, req.GetPrefix()) {
			return nil
		}
		if len(answer.GetRecords()) == most || size > pageBytes {
			return enough
		}
		answer.Records = append(answer.Records, r.record(ctx, stored))
		size += len(stored.Body)
		after = store.RosterRecord{Source: stored.Source, Kind: stored.Kind, Key: stored.Key}
		return nil
	})
	if errors.Is(err, enough) {
		answer.NextPageToken = tokenOf(after)
	} else if err != nil {
		return nil, r.fail(ctx, "list the roster", err)
	}
	return answer, r.audit(ctx, who, "roster.list", fmt.Sprintf("%d rows, kind %q, prefix %q", len(answer.GetRecords()), clip(req.GetKind()), req.GetPrefix()))
}

// begins says whether the key or person of a record begins with a prefix.
func (r *Roster) begins(stored store.RosterRecord, prefix string) bool {
	if prefix == "" {
		return true
	}
	fold := strings.ToUpper(prefix)
	return strings.HasPrefix(strings.ToUpper(stored.Key), fold) || strings.HasPrefix(strings.ToUpper(r.Books.Person(stored)), fold)
}

// record reads one record. Of a damaged one it says that it is there, and no more: it
// keeps nobody from the others, and counts for nothing.
func (r *Roster) record(ctx context.Context, stored store.RosterRecord) *fleetv1.RosterRecord {
	record, err := r.Books.Record(stored)
	if err != nil {
		r.fleet.Log.ErrorContext(ctx, "a record of the roster is damaged and listed without what it says", "kind", stored.Kind, "key", stored.Key, "error", err)
		return &fleetv1.RosterRecord{Source: stored.Source, Kind: stored.Kind, Key: stored.Key}
	}
	return record
}

// tokenOf says where a page of records or changes ended.
func tokenOf(last store.RosterRecord) string {
	return base64.RawURLEncoding.EncodeToString([]byte(last.Source + "\n" + last.Kind + "\n" + last.Key))
}

func cursor(token string) (last store.RosterRecord, err error) {
	if token == "" {
		return last, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	parts := strings.Split(string(text), "\n")
	if err != nil || len(parts) != 3 {
		return last, status.Errorf(codes.InvalidArgument, "%s; begin again without one", store.ErrPage)
	}
	return store.RosterRecord{Source: parts[0], Kind: parts[1], Key: parts[2]}, nil
}

// ListRosterVersions lists versions.
func (r *Roster) ListRosterVersions(ctx context.Context, req *fleetv1.ListRosterVersionsRequest) (*fleetv1.ListRosterVersionsResponse, error) {
	if _, err := r.fleet.Authenticate(ctx); err != nil {
		return nil, err
	}
	all, err := r.Store.RosterVersions(ctx, req.GetBefore(), rowLimit(req.GetLimit()))
	if err != nil {
		return nil, r.fail(ctx, "list versions of the roster", err)
	}
	answer := &fleetv1.ListRosterVersionsResponse{}
	for _, v := range all {
		answer.Versions = append(answer.Versions, versionOf(v))
	}
	return answer, nil
}

// ListRosterChanges lists what one version changed.
func (r *Roster) ListRosterChanges(ctx context.Context, req *fleetv1.ListRosterChangesRequest) (*fleetv1.ListRosterChangesResponse, error) {
	who, err := r.fleet.Authenticate(ctx)
	if err != nil {
		return nil, err
	}
	after, err := cursor(req.GetPageToken())
	if err != nil {
		return nil, err
	}
	latest, err := r.Store.RosterVersion(ctx)
	if err != nil {
		return nil, r.fail(ctx, "read the version of the roster", err)
	}
	if n := req.GetVersion(); n == 0 || n > latest.N {
		return nil, status.Errorf(codes.NotFound, "there is no version %d of the roster; they count from 1, and the latest is %d", n, latest.N)
	}
	limit := rowLimit(req.GetPageSize())
	all, err := r.Store.RosterChanges(ctx, req.GetVersion(), store.RosterChange{Source: after.Source, Kind: after.Kind, Key: after.Key}, limit+1)
	if err != nil {
		return nil, r.fail(ctx, "list changes of the roster", err)
	}
	answer := &fleetv1.ListRosterChangesResponse{}
	if len(all) > limit {
		all = all[:limit]
		last := all[limit-1]
		answer.NextPageToken = tokenOf(store.RosterRecord{Source: last.Source, Kind: last.Kind, Key: last.Key})
	}
	for _, c := range all {
		answer.Changes = append(answer.Changes, r.change(c))
	}
	return answer, r.audit(ctx, who, "roster.changes", fmt.Sprintf("%d rows of version %d", len(all), req.GetVersion()))
}

// CheckRoster names the lines that many laptops contradict. They name countries and
// numbers of laptops, and nobody.
func (r *Roster) CheckRoster(ctx context.Context, _ *fleetv1.CheckRosterRequest) (*fleetv1.CheckRosterResponse, error) {
	if _, err := r.fleet.Authenticate(ctx); err != nil {
		return nil, err
	}
	return r.Doubts(), nil
}

// PutApprovedTool approves a tool.
func (r *Roster) PutApprovedTool(ctx context.Context, req *fleetv1.PutApprovedToolRequest) (*fleetv1.PutApprovedToolResponse, error) {
	who, err := r.admin(ctx, "approving a tool")
	if err != nil {
		return nil, err
	}
	tool, version, err := r.Books.PutTool(ctx, who.actor(), req)
	if err != nil {
		return nil, r.fail(ctx, "approve the tool", err)
	}
	return &fleetv1.PutApprovedToolResponse{Tool: tool, Version: versionOf(version)}, nil
}

// PutOffice registers an office or network.
func (r *Roster) PutOffice(ctx context.Context, req *fleetv1.PutOfficeRequest) (*fleetv1.PutOfficeResponse, error) {
	who, err := r.admin(ctx, "registering an office")
	if err != nil {
		return nil, err
	}
	office, version, err := r.Books.PutOffice(ctx, who.actor(), req)
	if err != nil {
		return nil, r.fail(ctx, "register the office", err)
	}
	return &fleetv1.PutOfficeResponse{Office: office, Version: versionOf(version)}, nil
}

// RemoveRoster removes one thing.
func (r *Roster) RemoveRoster(ctx context.Context, req *fleetv1.RemoveRosterRequest) (*fleetv1.RemoveRosterResponse, error) {
	who, err := r.admin(ctx, "removing something from the roster")
	if err != nil {
		return nil, err
	}
	version, err := r.Books.Remove(ctx, who.actor(), req.GetKind(), req.GetKey())
	if err != nil {
		return nil, r.fail(ctx, fmt.Sprintf("remove %s %q", clip(req.GetKind()), clip(req.GetKey())), err)
	}
	return &fleetv1.RemoveRosterResponse{Version: versionOf(version)}, nil
}

func (r *Roster) audit(ctx context.Context, who Caller, action, detail string) error {
	if err := r.Store.Audit(ctx, who.entry(r.fleet.Now(), action, "", detail)); err != nil {
		return r.fail(ctx, "write the audit log", err)
	}
	return nil
}

func (r *Roster) fail(ctx context.Context, what string, err error) error {
	var mistake Mistake
	if errors.As(err, &mistake) {
		return status.Errorf(codes.InvalidArgument, "%s: %v", what, mistake)
	}
	return r.fleet.fail(ctx, what, err)
}

func (r *Roster) change(c store.RosterChange) *fleetv1.RosterChange {
	return &fleetv1.RosterChange{Source: c.Source, Kind: c.Kind, Key: c.Key, Summary: r.Books.Words(c)}
}

func versionOf(v store.RosterVersion) *fleetv1.RosterVersion {
	answer := &fleetv1.RosterVersion{
		Number: v.N, Digest: v.Digest, Actor: v.Actor, Origin: v.Origin,
		Added: v.Added, Changed: v.Changed, Removed: v.Removed, Refused: v.Refused,
	}
	if !v.At.IsZero() {
		answer.At = timestamppb.New(v.At)
	}
	return answer
}
