package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"google.golang.org/grpc"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

const (
	// importTimeout bounds an import, which can be of a large file.
	importTimeout = 15 * time.Minute
	// partSize is how much of a roster goes in one message, in bytes.
	partSize = 256 << 10
)

type rosterCmd struct {
	Import   rosterImportCmd   `cmd:"" help:"Put a roster, CSV or JSON, in the place of what was imported before."`
	Diff     rosterDiffCmd     `cmd:"" help:"Say what importing a roster would change."`
	Check    rosterCheckCmd    `cmd:"" help:"Lines of what is said that many laptops contradict together; ends with 1 where there are some."`
	List     rosterListCmd     `cmd:"" help:"Laptops with what is said of them."`
	Export   rosterExportCmd   `cmd:"" help:"Print the laptops that count, as CSV that can be imported again."`
	Versions rosterVersionsCmd `cmd:"" help:"Versions of what is said, with who made them."`
	Changes  rosterChangesCmd  `cmd:"" help:"What one version changed."`
	Remove   rosterRemoveCmd   `cmd:"" help:"Remove a laptop that was imported."`
}

// rostering makes calls of the roster service with the kept login.
func rostering[T any](env *environment, call func(context.Context, fleetv1.RosterServiceClient) (T, error)) (answer T, err error) {
	l, err := loadLogin(env.config)
	if err != nil {
		return answer, err
	}
	return connected(env.ctx, l, importTimeout, func(ctx context.Context, conn *grpc.ClientConn) (T, error) {
		return call(ctx, fleetv1.NewRosterServiceClient(conn))
	})
}

type rosterImportCmd struct {
	File   string `arg:"" help:"Roster; - reads standard input."`
	Merge  bool   `help:"Remove nothing: laptops that the file lacks stay."`
	DryRun bool   `help:"Change nothing, and say what would change."`

	RemoveMany bool `help:"Remove laptops even where more than half of them are not in the file."`
}

// Run imports.
func (c *rosterImportCmd) Run(env *environment) error {
	return importRoster(env, c.File, &fleetv1.ImportRosterRequest{Merge: c.Merge, DryRun: c.DryRun, RemoveMany: c.RemoveMany})
}

type rosterDiffCmd struct {
	File  string `arg:"" help:"Roster; - reads standard input."`
	Merge bool   `help:"Remove nothing: laptops that the file lacks stay."`
}

// Run is a dry run.
func (c *rosterDiffCmd) Run(env *environment) error {
	return importRoster(env, c.File, &fleetv1.ImportRosterRequest{Merge: c.Merge, DryRun: true})
}

var errUnusable = errors.New("some of the roster could not be used; the rest counts")

// importRoster prints what changes, and names what cannot be used.
func importRoster(env *environment, path string, how *fleetv1.ImportRosterRequest) error {
	in := env.in
	how.Name = "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("read the roster: %w", err)
		}
		defer f.Close()
		in, how.Name = f, filepath.Base(path)
	}
	done, err := rostering(env, func(ctx context.Context, client fleetv1.RosterServiceClient) (*fleetv1.ImportRosterResponse, error) {
		return send(ctx, client, in, how)
	})
	if err != nil {
		return err
	}
	for _, p := range done.GetProblems() {
		fmt.Fprintf(env.errOut, "farmhound: %s:%d:%d: %s\n", printable(p.GetFile()), p.GetLine(), p.GetColumn(), printable(p.GetReason()))
	}
	if err := printImport(env, done, how.GetDryRun()); err != nil {
		return err
	}
	for _, d := range done.GetDoubts() {
		sayDoubt(env, d.GetSentence())
	}
	if len(done.GetProblems()) > 0 {
		return errUnusable
	}
	return nil
}

// send sends a roster in parts.
func send(ctx context.Context, client fleetv1.RosterServiceClient, in io.Reader, part *fleetv1.ImportRosterRequest) (*fleetv1.ImportRosterResponse, error) {
	stream, err := client.ImportRoster(ctx)
	if err != nil {
		return nil, err
	}
	buffer := make([]byte, partSize)
	for first := true; ; first = false {
		n, err := io.ReadFull(in, buffer)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return nil, fmt.Errorf("read the roster: %w", err)
		}
		if n > 0 || first {
			part.Content = buffer[:n]
			if err := stream.Send(part); err != nil {
				break // the answer says why
			}
			part = &fleetv1.ImportRosterRequest{}
		}
		if last {
			break
		}
	}
	return stream.CloseAndRecv()
}

// sayDoubt says a line of what the company says that many laptops contradict.
func sayDoubt(env *environment, sentence string) {
	fmt.Fprintf(env.errOut, "farmhound: doubtful: %s\n", printable(sentence))
}

type rosterCheckCmd struct{}

var errDoubts = errors.New("many laptops contradict what is said; no verdict is held back for it")

// Run lists doubts.
func (rosterCheckCmd) Run(env *environment) error {
	got, err := rostering(env, func(ctx context.Context, client fleetv1.RosterServiceClient) (*fleetv1.CheckRosterResponse, error) {
		return client.CheckRoster(ctx, &fleetv1.CheckRosterRequest{})
	})
	if err != nil {
		return err
	}
	if got.GetLookedAt() == nil {
		return errors.New("nobody has looked yet; try again in a minute")
	}
	r := rows{header: []string{"line", "otherwise", "laptops", "doubt"}, prose: true}
	for _, d := range got.GetDoubts() {
		r.add(d.GetLine(), count(d.GetOtherwise()), count(d.GetLaptops()), d.GetSentence())
	}
	if env.format == "table" && len(got.GetDoubts()) == 0 {
		_, err := fmt.Fprintf(env.out, "No line is contradicted by many of %d laptops, as they were seen at %s.\n", got.GetLaptops(), at(got.GetLookedAt()))
		return err
	}
	if err := one(env, got, r); err != nil {
		return err
	}
	if len(got.GetDoubts()) > 0 {
		return errDoubts
	}
	return nil
}

func printImport(env *environment, done *fleetv1.ImportRosterResponse, dryRun bool) error {
	if env.format != "table" {
		return one(env, done, changeRows(done.GetChanges()))
	}
	v := done.GetVersion()
	if !done.GetChanged() {
		_, err := fmt.Fprintf(env.out, "Nothing changes; version %d says the same.\n", v.GetNumber())
		return err
	}
	shown := changeRows(done.GetChanges())
	if err := shown.table(env.out, env.width); err != nil {
		return err
	}
	all := int(v.GetAdded() + v.GetChanged() + v.GetRemoved())
	if len(done.GetChanges()) < all {
		fmt.Fprintf(env.errOut, "farmhound: the first %d of %d changes are shown; after the import, farmhound roster changes has all\n", len(done.GetChanges()), all)
	}
	made := fmt.Sprintf("Version %d", v.GetNumber())
	if dryRun {
		made = "Nothing is changed yet. An import"
	}
	_, err := fmt.Fprintf(env.out, "%s: %d added, %d changed, %d removed; %d problems.\n", made, v.GetAdded(), v.GetChanged(), v.GetRemoved(), v.GetRefused())
	return err
}

func changeRows(changes []*fleetv1.RosterChange) rows {
	r := rows{header: []string{"source", "kind", "key", "change"}, prose: true}
	for _, c := range changes {
		r.add(c.GetSource(), c.GetKind(), c.GetKey(), c.GetSummary())
	}
	return r
}

// records lists everything of a kind.
func records(env *environment, kind, prefix string) (all []*fleetv1.RosterRecord, err error) {
	return rostering(env, func(ctx context.Context, client fleetv1.RosterServiceClient) ([]*fleetv1.RosterRecord, error) {
		for token := ""; ; {
			page, err := client.ListRoster(ctx, &fleetv1.ListRosterRequest{Kind: kind, Prefix: prefix, PageToken: token, PageSize: 10_000})
			if err != nil {
				return nil, err
			}
			all = append(all, page.GetRecords()...)
			if token = page.GetNextPageToken(); token == "" {
				return all, nil
			}
		}
	})
}

type rosterListCmd struct {
	Prefix string `arg:"" optional:"" help:"Only laptops whose serial or person starts with this."`
}

// Run lists laptops.
func (c *rosterListCmd) Run(env *environment) error {
	all, err := records(env, "laptop", c.Prefix)
	if err != nil {
		return err
	}
	r := rows{header: []string{"serial", "person", "country", "region", "time_zone", "exempt_until", "exempt_reason", "approved_tools",
		"approved_travel", "role", "household", "ship_to", "work_days", "work_start", "work_end", "source", "overridden"}}
	for _, x := range all {
		l := x.GetLaptop()
		r.add(l.GetSerial(), l.GetPerson(), l.GetCountry(), l.GetRegion(), l.GetTimeZone(), l.GetExemptUntil(), l.GetExemptReason(), l.GetApprovedTools(),
			l.GetApprovedTravel(), l.GetRole(), l.GetHousehold(), l.GetShipTo(), l.GetWorkDays(), l.GetWorkStart(), l.GetWorkEnd(), x.GetSource(), yes(x.GetOverridden()))
	}
	return list(env, all, r)
}

func yes(v bool) string {
	if v {
		return "yes"
	}
	return ""
}

type rosterExportCmd struct{}

// Run prints the laptops that count. The collector takes no cell that a spreadsheet
// would take for a formula.
func (rosterExportCmd) Run(env *environment) error {
	all, err := records(env, "laptop", "")
	if err != nil {
		return err
	}
	out := csv.NewWriter(env.out)
	header := []string{
		"serial", "person", "country", "region", "time_zone", "ship_to", "work_days", "work_start", "work_end",
		"role", "approved_tools", "approved_travel", "household", "exempt_until", "exempt_reason",
	}
	if err := out.Write(header); err != nil {
		return fmt.Errorf("write the roster: %w", err)
	}
	for _, x := range all {
		if x.GetOverridden() {
			continue
		}
		l := x.GetLaptop()
		cells := []string{
			l.GetSerial(), l.GetPerson(), l.GetCountry(), l.GetRegion(), l.GetTimeZone(), l.GetShipTo(), l.GetWorkDays(), l.GetWorkStart(), l.GetWorkEnd(),
			l.GetRole(), l.GetApprovedTools(), l.GetApprovedTravel(), l.GetHousehold(), l.GetExemptUntil(), l.GetExemptReason(),
		}
		for i := range cells {
			cells[i] = inert(printable(cells[i]))
		}
		if err := out.Write(cells); err != nil {
			return fmt.Errorf("write the roster: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write the roster: %w", err)
	}
	return nil
}

type rosterVersionsCmd struct{}

// Run lists versions.
func (rosterVersionsCmd) Run(env *environment) error {
	got, err := rostering(env, func(ctx context.Context, client fleetv1.RosterServiceClient) (*fleetv1.ListRosterVersionsResponse, error) {
		return client.ListRosterVersions(ctx, &fleetv1.ListRosterVersionsRequest{})
	})
	if err != nil {
		return err
	}
	r := rows{header: []string{"version", "at", "actor", "origin", "added", "changed", "removed", "refused", "digest"}}
	for _, v := range got.GetVersions() {
		number := func(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
		r.add(strconv.FormatUint(v.GetNumber(), 10), at(v.GetAt()), v.GetActor(), v.GetOrigin(),
			number(v.GetAdded()), number(v.GetChanged()), number(v.GetRemoved()), number(v.GetRefused()), v.GetDigest())
	}
	return list(env, got.GetVersions(), r)
}

type rosterChangesCmd struct {
	Version uint64 `arg:"" help:"Number of the version, as listed."`
}

// Run lists every change of one version.
func (c *rosterChangesCmd) Run(env *environment) error {
	all, err := rostering(env, func(ctx context.Context, client fleetv1.RosterServiceClient) (all []*fleetv1.RosterChange, err error) {
		for token := ""; ; {
			page, err := client.ListRosterChanges(ctx, &fleetv1.ListRosterChangesRequest{Version: c.Version, PageToken: token})
			if err != nil {
				return nil, err
			}
			all = append(all, page.GetChanges()...)
			if token = page.GetNextPageToken(); token == "" {
				return all, nil
			}
		}
	})
	if err != nil {
		return err
	}
	return list(env, all, changeRows(all))
}

type rosterRemoveCmd struct {
	Serial string `arg:"" help:"Serial of the laptop."`
}

// Run removes a laptop.
func (c *rosterRemoveCmd) Run(env *environment) error { return remove(env, "laptop", c.Serial) }

// remove removes what was said through the API.
func remove(env *environment, kind, key string) error {
	got, err := rostering(env, func(ctx context.Context, client fleetv1.RosterServiceClient) (*fleetv1.RemoveRosterResponse, error) {
		return client.RemoveRoster(ctx, &fleetv1.RemoveRosterRequest{Kind: kind, Key: key})
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.out, "Removed; version %d.\n", got.GetVersion().GetNumber())
	return err
}
