package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/collector/store"
	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// Beside the store, too, an import says what many laptops contradict, before and after it.
func TestImportsBesideTheStoreSayWhatIsDoubtful(t *testing.T) {
	t.Parallel()
	config := fleetOfOne(t)
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append([]byte("company: {home_countries: [DE]}\n"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	rows := "serial,country\nSN-JANE,US\n"
	err = withStore(&surroundings{ctx: t.Context(), config: config}, func(ctx context.Context, kept store.Store) error {
		jane, err := kept.Device(ctx, "d0d0")
		if err != nil {
			return err
		}
		var others []store.Change
		for n := range 2 {
			id, serial := fmt.Sprintf("d0d%d", n+1), fmt.Sprintf("SN-%d", n)
			rows += serial + ",US\n"
			picture := proto.CloneOf(jane.Picture)
			picture.Id, picture.Serial = id, serial
			others = append(others, store.Change{Device: &store.Device{
				Summary: &fleetv1.DeviceSummary{Id: id, Serial: serial}, Picture: picture, Judgement: &fleetv1.Judgement{},
			}})
		}
		return kept.Commit(ctx, others)
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "hr.csv")
	const doubt = "farmhound-collector: doubtful: 3 of 3 laptops are declared outside of the home countries DE, 3 of them in US"
	for _, x := range []struct {
		command, rows string
		said          bool
	}{
		{"diff", rows, true}, {"diff", strings.ReplaceAll(rows, ",US", ",DE"), false}, {"import", rows, true}, {"import", rows, false},
	} {
		if err := os.WriteFile(file, []byte(x.rows), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if code := run(t.Context(), []string{"--config", config, "roster", x.command, file}, nil, &out, &out); code != 0 || strings.Contains(out.String(), doubt) != x.said {
			t.Errorf("%s: exit %d, %s\nwant it to say what is doubtful: %t", x.command, code, &out, x.said)
		}
	}
}
