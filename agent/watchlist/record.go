package watchlist

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/farmhound-security/farmhound/agent/atomicfile"
	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

const (
	// signedFile is the signature and, right behind it, the catalogue.
	signedFile = "catalog.signed"
	recordFile = "catalog.json"

	maxRecord  = 256 << 10
	maxChanges = 50
	// maxNamed bounds the entries that one change names; the counts are whole.
	maxNamed = 40
)

// Change is one change of the catalogue in use.
type Change struct {
	At time.Time `json:"at"`
	// From and To are digests.
	From string `json:"from"`
	To   string `json:"to"`
	// IssuedAt is when To was built for signing; zero for the built-in one.
	IssuedAt time.Time `json:"issued_at,omitzero"`
	// Entries is how many entries To has; Added, Removed and Changed how many differ
	// from From, and Named the ids of the first of them, with +, - or ~ before them.
	Entries int      `json:"entries"`
	Added   int      `json:"added"`
	Removed int      `json:"removed"`
	Changed int      `json:"changed"`
	Named   []string `json:"named,omitempty"`
}

// record is what is kept beside the catalogue.
type record struct {
	// InUse is the digest of the kept catalogue, empty for the built-in one.
	InUse string `json:"in_use"`
	// Newest is the latest date of a catalogue that was ever used: an older one is
	// not taken again.
	Newest  time.Time `json:"newest,omitzero"`
	Changes []Change  `json:"changes,omitempty"`
}

func (r *record) add(c Change) {
	r.Changes = append(r.Changes, c)
	if over := len(r.Changes) - maxChanges; over > 0 {
		r.Changes = r.Changes[over:]
	}
}

func difference(from, to *catalog.Catalog) Change {
	c := Change{From: from.Digest(), To: to.Digest(), IssuedAt: to.IssuedAt(), Entries: to.Len()}
	name := func(sign, id string) {
		if len(c.Named) < maxNamed {
			c.Named = append(c.Named, sign+id)
		}
	}
	gone := make(map[string]*farmhoundv1.Entry, from.Len())
	for _, e := range from.All() {
		gone[e.GetId()] = e
	}
	for _, e := range to.All() {
		switch before, known := gone[e.GetId()]; {
		case !known:
			c.Added++
			name("+", e.GetId())
		case !proto.Equal(before, e):
			c.Changed++
			name("~", e.GetId())
		}
		delete(gone, e.GetId())
	}
	for _, id := range slices.Sorted(maps.Keys(gone)) {
		c.Removed++
		name("-", id)
	}
	return c
}

// write stores the record, and before it the catalogue that it names, so that what is
// named is there. Without a catalogue the kept one goes, last.
func (r *record) write(dir string, encoded, signature []byte) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write notes of catalogues: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder of catalogues: %w", err)
	}
	if encoded != nil {
		if err := atomicfile.Write(filepath.Join(dir, signedFile), append(append([]byte(nil), signature...), encoded...), 0o600); err != nil {
			return fmt.Errorf("store catalogue: %w", err)
		}
	}
	if err := atomicfile.Write(filepath.Join(dir, recordFile), append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("write notes of catalogues: %w", err)
	}
	if encoded == nil {
		if err := os.Remove(filepath.Join(dir, signedFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove catalogue that is not used any more: %w", err)
		}
	}
	return nil
}

func readRecord(dir string) (record, error) {
	var r record
	data, err := readBounded(filepath.Join(dir, recordFile), maxRecord)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		return record{}, fmt.Errorf("read notes of catalogues: %w", err)
	}
	return r, nil
}

func readSigned(dir string) (encoded, signature []byte, err error) {
	data, err := readBounded(filepath.Join(dir, signedFile), ed25519.SignatureSize+catalog.MaxSize)
	if err != nil {
		return nil, nil, fmt.Errorf("read kept catalogue: %w", err)
	}
	if len(data) < ed25519.SignatureSize {
		return nil, nil, errors.New("read kept catalogue: it is cut off")
	}
	return data[ed25519.SignatureSize:], data[:ed25519.SignatureSize], nil
}

func readBounded(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("%s is no regular file of at most %d bytes", path, most)
	}
	return os.ReadFile(path)
}
