package collector

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// shown is the date and the key of a catalogue that agents were shown.
type shown struct {
	key    ed25519.PublicKey
	issued time.Time
}

// What was shown is kept like fleet keys, in settings that are put once: numbered from 1
// without gaps, each the key and when the catalogue was issued.
func shownSetting(n int) string { return "catalog_shown_" + strconv.Itoa(n) }

func (s shown) encode() ([]byte, error) {
	at, err := s.issued.UTC().MarshalBinary()
	return append(bytes.Clone(s.key), at...), err
}

func decodeShown(value []byte) (s shown, err error) {
	if len(value) < ed25519.PublicKeySize {
		return s, fmt.Errorf("%d bytes", len(value))
	}
	s.key = value[:ed25519.PublicKeySize:ed25519.PublicKeySize]
	return s, s.issued.UnmarshalBinary(value[ed25519.PublicKeySize:])
}

// everyShown returns what agents were shown, oldest first.
func everyShown(ctx context.Context, kept settings) (all []shown, err error) {
	for n := 1; ; n++ {
		value, err := kept.Setting(ctx, shownSetting(n))
		if errors.Is(err, store.ErrNotFound) {
			return all, nil
		}
		var one shown
		if err == nil {
			one, err = decodeShown(value)
		}
		if err != nil {
			return nil, fmt.Errorf("read which catalogues agents were shown, number %d: %w", n, err)
		}
		all = append(all, one)
	}
}

// rememberCatalog keeps the date and the key of the catalogue in use beyond a restart.
// It refuses one that is older than another of its key that agents were shown: they
// would. One of another key is what a restart is for, and is said.
func (c *Collector) rememberCatalog(ctx context.Context) error {
	own := c.catalog.now.Load()
	if own == nil {
		return nil
	}
	all, err := everyShown(ctx, c.store)
	if err != nil {
		return err
	}
	this := shown{own.PublicKey, own.loaded.IssuedAt()}
	for _, s := range all {
		if bytes.Equal(s.key, this.key) && this.issued.Before(s.issued) {
			err := fmt.Errorf("%s is of %s, older than one of %s that agents were shown, and they would refuse it: build it again",
				c.catalog.path, this.issued.Format(time.RFC3339), s.issued.Format(time.RFC3339))
			c.note(ctx, "catalog.refuse", own.loaded.Digest(), err.Error())
			return err
		}
	}
	if n := len(all); n > 0 {
		switch last := all[n-1]; {
		case !bytes.Equal(last.key, this.key):
			c.log.WarnContext(ctx, "the catalogue is signed with another key than the one before; laptops that pinned that one refuse it until they enrol again",
				"file", c.catalog.path, "digest", own.loaded.Digest())
			c.note(ctx, "catalog.key", own.loaded.Digest(), "signed with another key than the one before")
		case last.issued.Equal(this.issued):
			return nil
		}
	}
	value, err := this.encode()
	if err == nil {
		_, err = c.store.PutSettingIfAbsent(ctx, shownSetting(len(all)+1), value)
	}
	if err != nil {
		return fmt.Errorf("keep the date of the catalogue: %w", err)
	}
	return nil
}
